from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import NNCoreError, ParameterError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(64, 4)), RNG.integers(0, 2, 64)
X_VAL, Y_VAL = RNG.normal(size=(64, 4)), RNG.integers(0, 2, 64)


def network() -> nn.Sequential:
    return nn.Sequential(nn.Dense(8, activation="tanh"), nn.BatchNorm(), nn.Dropout(0.2), nn.Dense(2))


def fit(net: nn.Sequential, epochs: int, *callbacks: Any, **arguments: Any) -> nn.History:
    settings = {"loss": "softmax_cross_entropy", "batch_size": 10, "progress": False, "validation": (X_VAL, Y_VAL)}
    return net.fit(X, Y, epochs=epochs, callbacks=callbacks, **settings | arguments)


class PowerCut(Exception):
    pass


def power_cut(training: Any) -> None:
    if training.fraction > 0.6:
        raise PowerCut


@pytest.mark.parametrize("schedule", [None, "one_cycle", {"name": "plateau", "patience": 1}])
def test_a_fit_goes_on_from_its_last_checkpoint_as_if_nothing_had_happened(tmp_path: Path, schedule: Any):
    whole, part, path = network(), network(), tmp_path / "run.nncore"
    fit(whole, 10, rng=3, schedule=schedule)
    with pytest.raises(PowerCut):
        fit(part, 10, nn.Checkpoint(path, every=2), nn.LambdaCallback(on_progress=power_cut), rng=3, schedule=schedule)
    again = nn.load(path)
    assert again.n_epochs == 6
    fit(again, 10 - again.n_epochs, nn.Checkpoint(path))
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    np.testing.assert_array_equal(nn.load(path).parameters, whole.parameters)
    assert os.listdir(tmp_path) == ["run.nncore"]


def test_files_by_epoch(tmp_path: Path):
    net, checkpoint = network(), nn.Checkpoint(tmp_path / "{epoch:03}.nncore", every=2)
    fit(net, 5, checkpoint)
    assert sorted(os.listdir(tmp_path)) == ["002.nncore", "004.nncore"]
    assert checkpoint.saved == tmp_path / "004.nncore"
    fit(net, 3, checkpoint)  # epochs are those of the network
    assert sorted(os.listdir(tmp_path)) == ["002.nncore", "004.nncore", "006.nncore", "008.nncore"]
    assert [nn.load(tmp_path / name).n_epochs for name in sorted(os.listdir(tmp_path))] == [2, 4, 6, 8]


def test_only_what_is_better(tmp_path: Path):
    net, checkpoint = network(), nn.Checkpoint(tmp_path / "{epoch}.nncore", monitor="val_loss")
    history = fit(net, 30, checkpoint, optimizer=nn.Adam(lr=0.05), rng=2)
    losses = history["val_loss"]
    better = [epoch for epoch in range(1, 31) if epoch == 1 or losses[epoch - 1] < losses[: epoch - 1].min()]
    assert 1 < len(better) < 30
    assert sorted(int(path.stem) for path in tmp_path.iterdir()) == better
    assert checkpoint.saved == tmp_path / f"{history.best()}.nncore"
    assert nn.load(checkpoint.saved).evaluate(X_VAL, Y_VAL)["loss"] == losses.min()


@pytest.mark.parametrize("ties", ["first", "last"])
def test_the_best_is_what_early_stopping_puts_back(tmp_path: Path, ties: str):
    net, path = network(), tmp_path / "best.nncore"
    stopping = nn.EarlyStopping(monitor="val_accuracy", patience=5, ties=ties)
    saving, few = nn.Checkpoint(path, monitor="val_accuracy", ties=ties), (X_VAL[:8], Y_VAL[:8])
    history = fit(net, 50, stopping, saving, validation=few, optimizer=nn.Adam(lr=0.05), rng=1)
    np.testing.assert_array_equal(nn.load(path).parameters, net.parameters)
    best = np.flatnonzero(history["val_accuracy"] == history["val_accuracy"].max()) + 1
    assert len(best) > 1, "the scores need ties"
    assert nn.load(path).n_epochs == stopping.best_epoch == best[0 if ties == "first" else -1]


def test_columns_in_the_path(tmp_path: Path):
    history = fit(network(), 3, nn.Checkpoint(tmp_path / "{epoch}-{val_loss:.4f}-{lr:.2e}.nncore"), schedule="cosine")
    expected = [f"{n + 1}-{history['val_loss'][n]:.4f}-{history['lr'][n]:.2e}.nncore" for n in range(3)]
    assert sorted(os.listdir(tmp_path)) == expected


def test_a_column_in_the_path_that_is_not_recorded(tmp_path: Path):
    seen: list[Any] = []
    for column, remedy in (("val_loss", "pass validation="), ("steps", "read one of 'loss'")):
        with pytest.raises(ParameterError, match=f"Checkpoint reads '{column}', which this fit does not record: .*{remedy}"):
            fit(network(), 1, nn.Checkpoint(tmp_path / f"{{{column}}}.nncore"), seen.append, validation=None)
    assert os.listdir(tmp_path) == seen == []


def test_keep_removes_older_files(tmp_path: Path):
    (tmp_path / "other.nncore").write_text("precious")
    fit(network(), 6, nn.Checkpoint(tmp_path / "{epoch}.nncore", keep=2))
    assert sorted(os.listdir(tmp_path)) == ["5.nncore", "6.nncore", "other.nncore"]


def test_keep_of_names_that_are_alike(tmp_path: Path):
    fit(network(), 4, nn.Checkpoint(tmp_path / "{val_loss:.0e}.nncore", keep=1))
    assert len(os.listdir(tmp_path)) == 1


def test_keep_of_a_fit_that_goes_on(tmp_path: Path):
    """In a resumed fit the newest file lists all files before it, also those not removed yet when it was written."""
    keep = {"path": str(tmp_path / "{epoch}-{val_loss:.3f}.nncore"), "keep": 3}
    fit(
        network(),
        5,
        nn.Checkpoint(**keep),
        nn.LambdaCallback(on_epoch_end=lambda training: training.stop("cut", cut_short=True) if training.epoch == 4 else None),
    )
    assert [name[0] for name in sorted(os.listdir(tmp_path))] == ["2", "3", "4"]
    again = nn.load(next(tmp_path.glob("4-*")))
    fit(again, 2, nn.Checkpoint(**keep))
    assert [name[0] for name in sorted(os.listdir(tmp_path))] == ["4", "5", "6"]


def test_keep_the_best(tmp_path: Path):
    checkpoint = nn.Checkpoint(tmp_path / "{epoch}.nncore", monitor="val_loss", keep=1)
    history = fit(network(), 8, checkpoint)
    assert os.listdir(tmp_path) == [f"{history.best()}.nncore"]


def test_a_file_that_cannot_be_removed_does_not_end_the_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    unlink = Path.unlink

    def refuse(self: Path, missing_ok: bool = False) -> None:
        if self.suffix == ".nncore":
            raise PermissionError("somebody reads it")
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    fit(network(), 3, nn.Checkpoint(tmp_path / "{epoch}.nncore", keep=1))
    assert len(os.listdir(tmp_path)) == 3


def test_a_column_that_is_not_recorded(tmp_path: Path):
    with pytest.raises(ParameterError, match=r"Checkpoint monitors 'val_loss'.*pass validation="):
        fit(network(), 1, nn.Checkpoint(tmp_path / "a.nncore", monitor="val_loss"), validation=None)
    assert os.listdir(tmp_path) == []


def test_what_cannot_be_saved_fails_before_training(tmp_path: Path):
    def refused(error: type[BaseException], path: Path, **arguments: Any) -> str:
        seen: list[Any] = []
        with pytest.raises(error) as caught:
            fit(network(), 1, nn.Checkpoint(path), seen.append, **arguments)
        assert not seen
        return str(caught.value)

    (tmp_path / "file").write_text("")
    assert "no such folder" in refused(FileNotFoundError, tmp_path / "missing" / "a.nncore")
    assert "this is a folder" in refused(IsADirectoryError, tmp_path)
    refused(OSError, tmp_path / "file" / "a.nncore")

    def mine(output: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (output**2).sum(axis=1), 2 * output

    refused(NNCoreError, tmp_path / "a.nncore", loss=mine, metrics=[])
    assert os.listdir(tmp_path) == ["file"]


def test_an_older_file_stays_until_there_is_a_newer_one(tmp_path: Path):
    path = tmp_path / "run.nncore"
    path.write_text("precious")
    fit(network(), 1, nn.Checkpoint(path, every=2))
    assert path.read_text() == "precious"
    assert os.listdir(tmp_path) == ["run.nncore"]


def test_files_by_step(tmp_path: Path):
    """Files are written exactly at the requested steps: an epoch has 7, and no slice of time would end there."""
    paths = tmp_path / "{step:02}.nncore", tmp_path / "{epoch}-{step}.nncore"
    every = nn.Checkpoint(paths[0], every_steps=5), nn.Checkpoint(paths[1], every_steps=9)
    whole = network()
    fit(whole, 3, *every, rng=3)
    assert sorted(os.listdir(tmp_path)) == ["05.nncore", "1-9.nncore", "10.nncore", "15.nncore", "2-18.nncore", "20.nncore"]
    for name in os.listdir(tmp_path):
        again = nn.load(tmp_path / name)
        assert again.n_steps == int(name.removesuffix(".nncore").split("-")[-1])
        fit(again, 3 - again.n_epochs)
        assert again.parameters.tobytes() == whole.parameters.tobytes()
        assert again.n_steps == 21
    assert every[0].saved == tmp_path / "20.nncore"


@pytest.mark.parametrize("minutes", [0, 0.5, 2.0])
def test_files_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: float):
    monkeypatch.setattr("nncore.network.training.SLICE_SECONDS", 0.0)  # a pause after every step
    seconds = iter(range(0, 10**6, 20))
    monkeypatch.setattr("nncore.callbacks.checkpoint.monotonic", lambda: next(seconds))
    saved: list[int] = []

    def look(training: Any) -> None:
        if (tmp_path / "run.nncore").exists():
            saved.append(nn.load(tmp_path / "run.nncore").n_steps)

    fit(network(), 2, nn.Checkpoint(tmp_path / "run.nncore", every_minutes=minutes), nn.LambdaCallback(on_progress=look), look)
    assert len(set(saved)) == {0: 14, 0.5: 7, 2.0: 2}[minutes]
    assert os.listdir(tmp_path) == ["run.nncore"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": ""}, {"path": 3}, {"path": "{}.nncore"}, {"path": "{epoch:999999999}.nncore"}, {"path": "{epoch:/>9}.nncore"},
        {"path": "{val_loss:d}.nncore"},
        {"path": "{val_loss.__class__}.nncore"}, {"path": "{val_loss[0]}.nncore"}, {"path": "{val_loss!r}.nncore"},
        {"path": "{epoch:{step}}.nncore"}, {"path": "{a/b}.nncore"}, {"keep": 0, "path": "{epoch}.nncore"}, {"keep": 2},
        {"every_steps": 5, "path": "{val_loss}.nncore"}, {"every_minutes": 5, "path": "{val_loss}.nncore"},
        {"path": "{epoch:x!}.nncore"}, {"path": "{"},
        {"path": "{epoch.name}"}, {"every": 0}, {"every": 1.5}, {"mode": "least"}, {"min_delta": -1.0}, {"monitor": 3},
        {"every": 1, "every_steps": 5}, {"every_steps": 5, "every_minutes": 1.0},
        {"every_steps": 0}, {"every_steps": 2.5}, {"every_minutes": -1.0}, {"every_minutes": math.nan},
        {"every_steps": 5, "monitor": "loss"}, {"every_minutes": 5, "monitor": "loss"},
        {"ties": "middle", "monitor": "loss"}, {"ties": "last"},
    ],
)  # fmt: skip
def test_arguments_are_checked(arguments: dict[str, Any]):
    with pytest.raises(ParameterError, match=next(iter(arguments))):
        nn.Checkpoint(**{"path": "a.nncore"} | arguments)
