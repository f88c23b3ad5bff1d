"""The history of a fit: columns of numbers, the best epoch, and how they are shown."""

from __future__ import annotations

import copy
import json
import math
import pickle
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest

from nncore.contract import History
from nncore.contract.history import SHOWN_EPOCHS
from nncore.errors import MissingExtraError, ParameterError


def history_of(n_epochs: int, **directions: bool) -> History:
    history = History(directions)
    for epoch in range(1, n_epochs + 1):
        history.append(loss=1 / epoch, val_loss=abs(epoch - 3) + 0.5, val_accuracy=1 - 0.1 * abs(epoch - 4), seconds=0.25)
    return history


def test_columns_are_views_to_be_read():
    history = history_of(3)
    loss = history["loss"]
    assert loss.dtype == np.float64
    np.testing.assert_array_equal(loss, [1, 1 / 2, 1 / 3])
    with pytest.raises(ValueError, match="read-only"):
        loss[:] = -1
    assert np.shares_memory(loss, history["loss"])
    for _ in range(100):
        history.append(loss=0.1)
    np.testing.assert_array_equal(loss, [1, 1 / 2, 1 / 3])  # an array that was read stays unchanged
    assert len(history) == 103


def test_reading_a_long_history_costs_nothing():
    history = history_of(5000)
    tracemalloc.start()
    assert history["loss"][-1] == 1 / 5000
    assert tracemalloc.get_traced_memory()[1] < 2000
    tracemalloc.stop()


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda history: pickle.loads(pickle.dumps(history))], ids=["copy", "pickle"])
@pytest.mark.parametrize("n_epochs", [0, 1, 40])
def test_a_copy_goes_on_by_itself(twin_of, n_epochs: int):
    history = history_of(n_epochs)
    twin = twin_of(history)
    assert twin.to_dict() == history.to_dict()
    twin.append(loss=7.0, other=1.0)
    assert len(twin) == n_epochs + 1
    assert twin["loss"][-1] == 7
    assert len(history) == n_epochs
    assert "other" not in history


def test_keys_keep_the_order_of_recording():
    history = history_of(1)
    assert history.keys() == list(history) == ["loss", "val_loss", "val_accuracy", "seconds"]
    assert "loss" in history
    assert "accuracy" not in history


def test_epochs_count_from_one():
    assert len(History()) == 0
    assert History().epochs.tolist() == []
    history = history_of(3)
    assert len(history) == 3
    assert history.epochs.tolist() == [1, 2, 3]
    assert history.epochs.dtype == np.int64


def test_missing_values_are_nan():
    history = History()
    history.append(loss=1)
    history.append(loss=2, accuracy=0.5)
    history.append(accuracy=0.75)
    np.testing.assert_array_equal(history["loss"], [1, 2, math.nan])
    np.testing.assert_array_equal(history["accuracy"], [math.nan, 0.5, 0.75])


def test_a_row_that_is_not_numbers_changes_nothing():
    history = history_of(2)
    with pytest.raises(ValueError, match="abc"):
        history.append(loss=1.0, accuracy="abc")
    assert len(history) == 2
    assert history.keys() == history_of(2).keys()
    assert len(history["loss"]) == 2


def test_an_unknown_column_names_those_there_are():
    with pytest.raises(KeyError, match="val_loss"):
        history_of(1)["vall_loss"]
    with pytest.raises(KeyError, match="nothing"):
        History()["loss"]


def test_best_is_the_smallest_loss_and_the_largest_metric():
    history = history_of(6)
    assert history.best() == history.best("val_loss") == 3
    assert history.best("loss") == 6
    assert history.best("val_accuracy") == 4
    assert history.best("val_accuracy", mode="min") == 1
    assert history.best("loss", mode="max") == 1


def test_best_follows_the_direction_of_the_metric():
    assert history_of(6, accuracy=False).best("val_accuracy") == 1
    assert history_of(1, accuracy=False).mode("val_accuracy") == "min"
    assert history_of(1).mode("accuracy") == "max"
    assert history_of(1).mode("seconds") == "min"


def test_best_takes_the_first_of_equals_and_never_nan():
    history = History()
    for loss in (math.nan, 2.0, 1.0, 1.0, math.inf):
        history.append(loss=loss, accuracy=math.nan)
    assert history.best("loss") == 3
    assert history.best("loss", mode="max") == 5
    with pytest.raises(ParameterError, match="accuracy"):
        history.best("accuracy")
    with pytest.raises(ParameterError, match="mode"):
        history.best("loss", mode="lowest")


def test_to_dict():
    assert history_of(2).to_dict() == {"loss": [1.0, 0.5], "val_loss": [2.5, 1.5], "val_accuracy": [0.7, 0.8], "seconds": [0.25, 0.25]}


def test_to_frame():
    pytest.importorskip("pandas")
    frame = history_of(3).to_frame()
    assert frame.index.tolist() == [1, 2, 3]
    assert frame.index.name == "epoch"
    assert frame.columns.tolist() == ["loss", "val_loss", "val_accuracy", "seconds"]
    np.testing.assert_array_equal(frame["loss"], history_of(3)["loss"])
    assert len(History().to_frame()) == 0


def test_to_frame_of_polars():
    pytest.importorskip("polars")
    frame = history_of(3).to_frame("polars")
    assert frame.columns == ["epoch", "loss", "val_loss", "val_accuracy", "seconds"]
    assert frame["epoch"].to_list() == [1, 2, 3]
    np.testing.assert_array_equal(frame["loss"], history_of(3)["loss"])
    assert History().to_frame("polars").shape == (0, 1)
    with pytest.raises(ParameterError, match="library must be 'pandas' or 'polars'"):
        history_of(3).to_frame("excel")


@pytest.mark.parametrize(
    ("method", "arguments", "library", "extra"),
    [("to_frame", (), "pandas", "pandas"), ("to_frame", ("polars",), "polars", "polars"), ("plot", (), "matplotlib.figure", "plot")],
)
def test_a_missing_library_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, method: str, arguments: tuple[str, ...], library: str, extra: str
):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=rf"nncore-ml\[{extra}\]"):
        getattr(history_of(3), method)(*arguments)


def test_json_gives_back_the_same_history():
    history = History({"accuracy": True, "mine": None}, moved=("lr", "loss.delta"))
    history.append(loss=0.1 + 0.2, val_accuracy=math.nan)
    history.append(loss=math.inf, seconds=-math.inf)
    history.stop_reason, history.interrupted, history.wait_share = "cut “short”", True, 0.25
    content = history.to_json()
    json.loads(content, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    for form in (content, content.encode()):
        again = History.from_json(form)
        assert again.keys() == history.keys()
        assert len(again) == 2
        for name in history:
            np.testing.assert_array_equal(again[name], history[name])
        for name in ("moved", "stop_reason", "interrupted", "wait_share"):
            assert getattr(again, name) == getattr(history, name)
        assert [again.mode(name) for name in history] == [history.mode(name) for name in history]
        again.append(loss=1.0)
        assert len(again) == 3
    assert len(History.from_json(History().to_json())) == 0


@pytest.mark.parametrize(
    "content",
    [
        3, None, "", "[]", "{}", "not JSON", '{"n_epochs": 1}', "[" * 100_000,
        History().to_json().replace('"n_epochs": 0', '"n_epochs": 1.5'), history_of(2).to_json().replace('"n_epochs": 2', '"n_epochs": 3'),
        history_of(2).to_json().replace("0.5", "true"), history_of(2).to_json().replace("0.5", '"half"'),
        history_of(2).to_json().replace('"interrupted": false', '"interrupted": 0'),
        history_of(2).to_json().replace('"moved": ["lr"]', '"moved": "lr"'),
    ],
    ids=lambda content: f"{content!r:.20}",
)  # fmt: skip
def test_what_is_no_history_is_refused(content: Any):
    with pytest.raises(ParameterError, match=r"History\.from_json"):
        History.from_json(content)


def test_repr_of_a_short_fit():
    history = history_of(2)
    history.stop_reason = "all epochs done"
    lines = repr(history).splitlines()
    assert lines[0] == "History of 2 epochs; best val_loss 1.5 in epoch 2; all epochs done"
    assert lines[1] == ""
    assert [line.split() for line in [lines[2], *lines[4:]]] == [
        ["epoch", "loss", "val_loss", "val_accuracy", "seconds"],
        ["1", "1", "2.5", "0.7", "0.25"],
        ["2", "0.5", "1.5", "0.8", "0.25"],
    ]
    assert len({len(line) for line in lines[2:]}) == 1


def test_repr_shows_the_last_epochs_of_a_long_fit():
    lines = repr(history_of(SHOWN_EPOCHS + 5)).splitlines()
    assert lines[4].strip() == "…"
    assert [int(line.split()[0]) for line in lines[5:]] == list(range(6, SHOWN_EPOCHS + 6))


def test_repr_shows_no_more_of_the_time_than_is_true():
    history = History()
    history.append(loss=0.123456, seconds=0.000152227)
    assert repr(history).splitlines()[-1].split() == ["1", "0.123456", "0.000152"]


def test_repr_of_an_empty_history():
    assert repr(History()) == "History of 0 epochs"


def test_html_escapes_what_others_named():
    history = History()
    history.append(loss=0.5, **{"<script>": 1.0})
    history.stop_reason = "<b>bored</b>"
    text = history._repr_html_()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "&lt;b&gt;bored" in text
    assert text.count("<tr>") == 2
    assert history_of(SHOWN_EPOCHS + 5)._repr_html_().count("<tr>") == SHOWN_EPOCHS + 2


@pytest.mark.parametrize("name", [None, 3, ["loss"], {"loss": 1}, ""])
def test_the_name_of_a_column_is_a_text(name: object) -> None:
    with pytest.raises(ParameterError, match="name must be a text"):
        History().mode(name)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="name must be a text"):
        History().best(name)  # type: ignore[arg-type]
