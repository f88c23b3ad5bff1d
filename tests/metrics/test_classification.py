"""Classification metrics on unusual data, and their errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.errors import DataError, ParameterError, ShapeError
from nncore.plugin import Metric

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(80, 4)), np.tile([0, 1, 2, 1], 20)
NAMES = ["average_precision", "balanced_accuracy", "brier", "f1", "log_loss", "roc_auc", "top_k_accuracy"]
P = RNG.dirichlet(np.ones(3), 80)


def metric(name: str, **arguments: Any) -> Metric:
    found: Metric = registry.resolve("metrics", {"name": name, **arguments})
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_of_weight_0_does_not_count(name: str) -> None:
    weight, p = np.ones(80), P.copy()
    weight[7], p[7] = 0, np.nan
    kept = np.delete(np.arange(80), 7)
    assert metric(name).score(p, Y, weight) == pytest.approx(metric(name).score(P[kept], Y[kept]), rel=1e-12)
    assert math.isnan(metric(name).score(P, Y, np.zeros(80)))


@pytest.mark.parametrize(("name", "expected"), [("average_precision", 1.0), ("roc_auc", 1.0), ("balanced_accuracy", 1.0), ("f1", 1.0)])
def test_classes_that_nobody_has_are_left_out(name: str, expected: float) -> None:
    y = np.array([0, 1, 0, 1])
    assert metric(name).score(np.eye(4)[y], y) == expected


@pytest.mark.parametrize("name", ["average_precision", "roc_auc"])
def test_there_is_no_curve_of_a_single_class(name: str) -> None:
    assert math.isnan(metric(name).score(P, np.ones(80, int)))


@pytest.mark.parametrize("name", ["average_precision", "roc_auc", "log_loss", "brier"])
def test_scores_of_probabilities_that_are_not_finite_are_none(name: str) -> None:
    p = P.copy()
    p[3] = np.nan
    assert math.isnan(metric(name).score(p, Y))


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1", "top_k_accuracy"])
def test_what_is_not_finite_is_no_class(name: str) -> None:
    p = np.eye(3)[Y]
    p[3, 0] = np.nan
    assert 0.9 < metric(name).score(p, Y) < 1


def test_log_loss_of_what_is_no_probability() -> None:
    assert math.isnan(metric("log_loss").score(np.array([[1.5], [0.5]]), np.array([1, 0])))


def test_probabilities_as_targets() -> None:
    soft = np.random.default_rng(1).dirichlet(np.ones(3), 80)
    np.testing.assert_allclose(metric("log_loss").score(P, soft), -(soft * np.log(P)).sum(axis=1).mean(), rtol=1e-12)
    np.testing.assert_allclose(metric("brier").score(P, soft), ((soft - P) ** 2).sum(axis=1).mean(), rtol=1e-12)


def test_the_likeliest_of_two_classes_by_one_output() -> None:
    p, y = np.array([[0.9], [0.2], [0.6], [np.nan]]), np.array([1, 0, 0, 1])
    assert metric("top_k_accuracy", k=1).score(p, y) == 0.5
    assert metric("top_k_accuracy", k=2).score(p, y) == 0.75


def test_thresholds_are_those_of_the_loss() -> None:
    margins, y = np.array([[-2.0], [0.2], [0.3], [-0.1]]), np.array([[-1.0], [1.0], [-1.0], [1.0]])
    assert metric("balanced_accuracy", threshold=0.0).score(margins, y) == 0.5
    assert metric("f1", threshold=0.0).score(margins, y) == 0.5
    assert metric("f1").score(margins, y) == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("epochs", [0, 1])
def test_targets_that_are_numbers_are_refused_before_training(name: str, epochs: int) -> None:
    net = nn.Sequential(nn.Dense(2))
    y = X[:, :2]
    with pytest.raises(DataError, match=r"scores classes, and the targets are not 0 and 1, or -1 and 1.*'r2'"):
        net.fit(X, y, loss="mse", validation=(X, y), metrics=[name], epochs=1, progress=False)
    assert not net.is_built
    net.fit(X, y, loss="mse", epochs=epochs, progress=False)
    with pytest.raises(DataError, match="scores classes"):
        net.evaluate(X, y, metrics=[name])


@pytest.mark.parametrize("name", ["balanced_accuracy", "top_k_accuracy"])
def test_several_labels_are_refused_where_there_is_one_class(name: str) -> None:
    with pytest.raises(DataError, match="scores samples of one class each"):
        metric(name).score(P, (P > 0.3).astype(float))


@pytest.mark.parametrize("name", NAMES)
def test_shapes_that_do_not_fit_are_refused(name: str) -> None:
    with pytest.raises(ShapeError):
        metric(name).score(P, np.zeros((80, 2)))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("f1", {"average": "binary"}),
        ("roc_auc", {"average": "micro"}),
        ("top_k_accuracy", {"k": 0}),
        ("pinball", {"quantiles": 1.5}),
        ("pinball", {"quantiles": ()}),
    ],
)
def test_arguments_are_checked(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(arguments))):
        metric(name, **arguments)


def test_pinball_needs_an_output_for_each_quantile() -> None:
    with pytest.raises(ShapeError, match="needs 2 outputs of each target"):
        metric("pinball", quantiles=(0.1, 0.9)).score(P, P)


@pytest.mark.parametrize("name", NAMES)
def test_early_stopping_by_a_metric(name: str) -> None:
    net = nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dense(3))
    stopping = nn.EarlyStopping(f"val_{name}", patience=3)
    history = net.fit(
        X[:60], Y[:60], loss="softmax_cross_entropy", validation=(X[60:], Y[60:]), metrics=[name], optimizer=nn.Adam(lr=0.05),
        callbacks=[stopping], epochs=60, batch_size=10, rng=0, progress=False,
    )  # fmt: skip
    assert stopping.best_epoch == history.best(f"val_{name}")
    assert history[f"val_{name}"][stopping.best_epoch - 1] == net.evaluate(X[60:], Y[60:], metrics=[name])[name]


@pytest.mark.parametrize("name", NAMES)
def test_scores_of_a_stream_are_those_of_the_arrays(name: str) -> None:
    net = nn.Sequential(nn.Dense(3)).build(4, loss="softmax_cross_entropy", rng=0)
    whole = net.evaluate(X, Y, metrics=[name])[name]
    streamed = net.evaluate(lambda: iter([(X[:30], Y[:30]), (X[30:], Y[30:])]), metrics=[name])[name]
    assert streamed == pytest.approx(whole, rel=1e-6)
    regression = nn.Sequential(nn.Dense(3)).build(4, loss="mse", rng=0)
    with pytest.raises(DataError, match="scores classes"):
        regression.evaluate(lambda: iter([(X, X[:, :3])]), metrics=[name])
