from __future__ import annotations

import csv
import math
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.contract import History
from nncore.errors import FileFormatError, ParameterError

X = np.random.default_rng(0).normal(size=(30, 3))


def fit(net: nn.Sequential, epochs: int, *callbacks: Any, **arguments: Any) -> nn.History:
    return net.fit(X, X[:, 0], loss="mse", metrics=[], epochs=epochs, callbacks=callbacks, progress=False, **arguments)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def logged(logger: nn.CSVLogger, *epochs: dict[str, float], trained: int = 0) -> None:
    """A fit that records these rows."""
    training = SimpleNamespace(history=History(), network=SimpleNamespace(n_epochs=trained))
    logger.on_fit_begin(training)
    for row in epochs:
        training.network.n_epochs += 1
        training.history.append(**row)
        logger.on_epoch_end(training)
    logger.on_fit_end(training)


def test_the_file_is_the_history(tmp_path: Path):
    history = fit(nn.Sequential(nn.Dense(1)), 4, nn.CSVLogger(tmp_path / "run.csv"), validation=(X, X[:, 0]), schedule="cosine")
    found = rows(tmp_path / "run.csv")
    assert list(found[0]) == ["epoch", "loss", "lr", "val_loss", "seconds"]
    assert [row["epoch"] for row in found] == ["1", "2", "3", "4"]
    for name in history:
        np.testing.assert_array_equal([float(row[name]) for row in found], history[name])  # to the last bit


def test_a_row_is_there_as_soon_as_its_epoch_is_over(tmp_path: Path):
    seen = []
    fit(nn.Sequential(nn.Dense(1)), 3, nn.CSVLogger(tmp_path / "run.csv"), lambda training: seen.append(len(rows(tmp_path / "run.csv"))))
    assert seen == [1, 2, 3]


def test_a_fit_that_goes_on(tmp_path: Path):
    net, logger = nn.Sequential(nn.Dense(1)), nn.CSVLogger(str(tmp_path / "run.csv"), append=True)
    first = fit(net, 2, logger)
    second = fit(net, 2, logger, validation=(X, X[:, 0]))  # with a column that was not there
    found = rows(tmp_path / "run.csv")
    assert list(found[0]) == ["epoch", "loss", "seconds", "val_loss"]
    assert [row["epoch"] for row in found] == ["1", "2", "3", "4"]
    assert [row["val_loss"] for row in found] == ["", "", *map(repr, second["val_loss"].tolist())]
    assert [float(row["loss"]) for row in found] == [*first["loss"], *second["loss"]]
    third = fit(net, 1, logger)  # and now is missing
    assert rows(tmp_path / "run.csv")[-1] == {"epoch": "5", "val_loss": "", **{name: repr(float(third[name][0])) for name in third}}
    assert os.listdir(tmp_path) == ["run.csv"]


def test_a_file_that_exists_is_overwritten_unless_appended_to(tmp_path: Path):
    path = tmp_path / "run.csv"
    logged(nn.CSVLogger(path), {"loss": 1.0}, {"loss": 2.0})
    logged(nn.CSVLogger(path), {"loss": 3.0})
    assert rows(path) == [{"epoch": "1", "loss": "3.0"}]


def test_columns_that_appear_later(tmp_path: Path):
    path = tmp_path / "run.csv"
    logged(nn.CSVLogger(path), {"loss": 1.0}, {"loss": 0.5, "a, or b": 2.0}, {"loss": 0.25, "a, or b": math.nan})
    assert path.read_text() == 'epoch,loss,"a, or b"\n1,1.0,\n2,0.5,2.0\n3,0.25,nan\n'


@pytest.mark.parametrize("left", ["", "epoch,loss\n", "epoch,lo"])
def test_a_file_that_never_got_a_row(tmp_path: Path, left: str):
    path = tmp_path / "run.csv"
    path.write_text(left)
    logged(nn.CSVLogger(path, append=True), {"loss": 0.5}, trained=1)
    assert rows(path) == [{"epoch": "2", "loss": "0.5"}]


@pytest.mark.parametrize("cut", ["2", "2,", "2,0.", '2,"0'])
def test_a_row_that_a_crash_cut_short_is_dropped(tmp_path: Path, cut: str):
    path = tmp_path / "run.csv"
    path.write_text("epoch,loss\n1,1.0\n" + cut)
    logged(nn.CSVLogger(path, append=True), {"loss": 0.5}, trained=1)
    assert path.read_text() == "epoch,loss\n1,1.0\n2,0.5\n"


@pytest.mark.parametrize("content", [b"name,age\nAda,36\n", b"epoch,loss\n1,2,3\n", b"\x89PNG\r\n\xff\xfe"])
def test_another_file_is_not_appended_to(tmp_path: Path, content: bytes):
    path, seen = tmp_path / "run.csv", []
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"cannot append to .*run.csv.*Give it another path"):
        fit(nn.Sequential(nn.Dense(1)), 1, nn.CSVLogger(path, append=True), seen.append)
    assert path.read_bytes() == content
    assert not seen


def test_a_path_that_cannot_be_written_fails_before_training(tmp_path: Path):
    seen: list[Any] = []
    missing = tmp_path / "missing"
    for path, complaint in ((tmp_path, "this is a folder"), (missing / "run.csv", "the folder does not exist")):
        with pytest.raises(OSError, match=complaint):
            fit(nn.Sequential(nn.Dense(1)), 1, nn.CSVLogger(path), seen.append)
    assert not seen


def test_the_file_is_closed_whatever_happens(tmp_path: Path):
    def fail(training: Any) -> None:
        raise ZeroDivisionError

    logger = nn.CSVLogger(tmp_path / "run.csv")
    for event in ("on_fit_begin", "on_epoch_end", "on_fit_end"):
        with pytest.raises(ZeroDivisionError):
            fit(nn.Sequential(nn.Dense(1)), 1, logger, nn.LambdaCallback(**{event: fail}))
        assert logger._file is None
    with pytest.raises(ZeroDivisionError):  # also if it was never opened
        fit(nn.Sequential(nn.Dense(1)), 1, nn.LambdaCallback(on_fit_begin=fail), logger)


def test_links_stay_links(tmp_path: Path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "run.csv")
    logger = nn.CSVLogger(tmp_path / "link.csv", append=True)
    for _ in range(2):
        logged(logger, {"loss": 1.0})
    assert (tmp_path / "link.csv").is_symlink()
    assert len(rows(tmp_path / "run.csv")) == 2


@pytest.mark.parametrize("path", ["", 3, None])
def test_a_path_that_is_none(path: Any):
    with pytest.raises(ParameterError, match="path must be"):
        nn.CSVLogger(path)
