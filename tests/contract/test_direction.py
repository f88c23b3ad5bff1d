"""Direction of a score: from the metric, its name or the user, and never guessed."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import get_scorer, get_scorer_names

import nncore as nn
from nncore.contract import History, Monitor
from nncore.contract.direction import LARGE, SMALL, VAGUELY_LARGE, direction
from nncore.errors import ParameterError
from nncore.registry import get, names

#: Every callback and every schedule that compares epochs, found by their arguments.
COMPARING = [
    (kind, name)
    for kind in ("callbacks", "schedules")
    for name in names(kind)
    if {"monitor", "mode"} <= set(get(kind, name).argument_names)
]


def my_thing(output, target, sample_weight):
    return float(np.abs(output - target).max())


def my_error(output, target, sample_weight):
    return float(np.abs(output - target).max())


def fit(metric, *, callbacks=(), schedule=None, epochs=4):
    X = np.linspace(-1, 1, 20, dtype=np.float32)[:, None]
    net = nn.Sequential(nn.Dense(1)).build(1, rng=0)
    before = net.parameters.copy()
    data = {"loss": "mse", "optimizer": nn.SGD(lr=0.1), "validation": (X, 3 * X)}
    try:
        return net.fit(X, 3 * X, **data, metrics=[metric], epochs=epochs, callbacks=callbacks, schedule=schedule, progress=False)
    except ParameterError:
        np.testing.assert_array_equal(net.parameters, before)
        assert net.n_epochs == 0
        raise


def watching(kind, name, tmp_path, **arguments):
    """Arguments of `fit` with a component that monitors a column."""
    path = {"path": str(tmp_path / "net.nncore")} if "path" in get(kind, name).argument_names else {}
    component = get(kind, name)(**path, **arguments)
    return {"callbacks": [component]} if kind == "callbacks" else {"schedule": component}


def test_some_components_compare():
    assert {("callbacks", "early_stopping"), ("callbacks", "checkpoint"), ("schedules", "plateau")} <= set(COMPARING)


@pytest.mark.parametrize(("kind", "name"), COMPARING, ids=[name for _, name in COMPARING])
def test_an_unknown_direction_is_asked_for_before_anything_changes(kind, name, tmp_path):
    with pytest.raises(ParameterError, match=r"whether larger or smaller values of 'val_my_thing' are better.*mode='min' or mode='max'"):
        fit(my_thing, **watching(kind, name, tmp_path, monitor="val_my_thing"))
    for metric in (my_thing, nn.FunctionMetric(my_thing, higher_is_better=False)):
        mode = {"mode": "min"} if metric is my_thing else {}
        assert len(fit(metric, **watching(kind, name, tmp_path, monitor="val_my_thing", **mode))) == 4


def test_the_name_of_a_function_tells_what_is_better(tmp_path):
    stopping = nn.EarlyStopping("val_my_error", patience=100)
    history = fit(my_error, callbacks=[stopping], epochs=30)
    assert history.mode("val_my_error") == "min"
    assert stopping.best_value == history["val_my_error"].min() < history["val_my_error"][0]


def test_what_a_metric_declares_counts_more_than_its_name():
    assert History({"worst_error": True}).mode("val_worst_error") == "max"
    assert History({"worst_error": None}).mode("val_worst_error") == "min"


@pytest.mark.parametrize("column", ["val_my_thing", "lr", "dropout_1.rate"])
def test_a_column_without_direction_has_no_best_epoch(column):
    history = History(moved=("lr", "dropout_1.rate"))
    history.append(**{column: 1.0})
    assert history.mode(column) is None
    with pytest.raises(ParameterError, match="pass mode="):
        history.best(column)
    with pytest.raises(ParameterError, match="pass mode="):
        Monitor("Mine", column).improved(history)
    assert history.best(column, mode="min") == 1


@pytest.mark.parametrize("name", names("metrics"))
def test_every_metric_of_the_registry_says_what_is_better(name):
    declared = get("metrics", name).higher_is_better
    assert isinstance(declared, bool)
    assert direction(name) == ("max" if declared else "min")  # and its name implies the same


def test_names_of_scikit_learns_scorers_tell_their_direction():
    known = {name: direction(name) for name in get_scorer_names()}
    for name, found in known.items():
        assert found in ("max", None), name  # a scorer is always better when greater
        function = get_scorer(name)._score_func.__name__
        if found is not None and name.startswith("neg_"):
            assert direction(function) == "min", function
    assert sum(found is not None for found in known.values()) > len(known) / 2


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("loss", "min"), ("val_loss", "min"), ("val_my_error", "min"), ("meanAbsoluteError", "min"), ("neg_log_loss", "max"),
        ("val_neg_rmse", "max"), ("brier_score_loss", "min"), ("error_rate", "min"), ("hit_score", "max"), ("f1_macro", "max"),
        ("r2", "max"), ("d2_pinball", "max"), ("negative_log_likelihood", "min"),
        ("terror", None), ("val_thing", None), ("val", None), ("", None),
    ],
)  # fmt: skip
def test_names(name, better):
    assert direction(name) == better


def test_no_word_means_both():
    assert not SMALL & (LARGE | VAGUELY_LARGE)
