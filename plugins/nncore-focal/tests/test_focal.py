"""Focal loss and label smoothing: conformance, and their specific properties."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from nncore_focal.focal import Focal
from nncore_focal.label_smoothing import LabelSmoothing

import nncore as nn
from nncore.errors import ParameterError
from nncore.plugin import Loss, native_kernel
from nncore.testing import LossConformance, tables

WEIGHTS = [0.5, 2.0, 0.0, 1.25]
RUNGS = ["numpy", "native"]
DTYPES = [np.float32, np.float64]
LOSSES = [Focal(), Focal(0.5), Focal(3.5, class_weights=WEIGHTS), LabelSmoothing(), LabelSmoothing(0.4, class_weights=WEIGHTS)]

every = pytest.mark.parametrize("loss", LOSSES, ids=repr)
every_rung = pytest.mark.parametrize("rung", RUNGS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


class TestFocal(LossConformance):
    name = "nncore-focal/focal"
    arguments = [{}, {"gamma": 0.0}, {"gamma": 0.5}]


class TestFocalWithClassWeights(LossConformance):
    name = "nncore-focal/focal"
    arguments = [{"class_weights": [0.5, 2.0, 1.25]}]
    columns = (3,)


class TestLabelSmoothing(LossConformance):
    name = "nncore-focal/label_smoothing"
    arguments = [{}, {"smoothing": 0.0}]


class TestLabelSmoothingWithClassWeights(LossConformance):
    name = "nncore-focal/label_smoothing"
    arguments = [{"class_weights": [0.5, 2.0, 1.25]}]
    columns = (3,)


def evaluate(rung: str, loss: Loss, z: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(loss of each row, its gradient) on a rung."""
    if rung == "numpy":
        return loss.forward(z, target), loss.backward(z, target)
    kernel = native_kernel(loss)
    assert kernel is not None
    is_labels = target.ndim == 1
    function = getattr(tables.loss(kernel.load()), f"{'labels' if is_labels else 'real'}_{tables.SUFFIXES[z.dtype]}")
    value, gradient, weight = np.empty(len(z), z.dtype), np.empty_like(z), np.ones(len(z), z.dtype)
    arrays = {"output": z, "labels" if is_labels else "target": target, "weight": weight, "loss": value, "d_output": gradient}
    n_rows, n = z.shape
    function.must(**arrays, n_rows=n_rows, n_outputs=n, n_targets=0 if is_labels else n, hyper=np.array(loss.hyper()))
    return value, gradient


def logits(dtype: type, scale: float = 2.0) -> np.ndarray:
    return np.random.default_rng(0).normal(scale=scale, size=(40, 4)).astype(dtype)


def targets(dtype: type) -> list[np.ndarray]:
    """Labels, their rows, and distributions."""
    rng = np.random.default_rng(1)
    labels = rng.integers(4, size=40)
    return [labels, np.eye(4, dtype=dtype)[labels], rng.dirichlet(np.ones(4), size=40).astype(dtype)]


@every_rung
@every_dtype
@pytest.mark.parametrize("loss", [Focal(0.0), LabelSmoothing(0.0)], ids=repr)
def test_the_limit_is_softmax_cross_entropy(rung: str, dtype: type, loss: Loss) -> None:
    cross_entropy = nn.get("losses", "softmax_cross_entropy")()
    z, eps = logits(dtype), np.finfo(dtype).eps
    for target in targets(dtype):
        value, gradient = evaluate(rung, loss, z, target)
        np.testing.assert_allclose(value, cross_entropy.forward(z, target), rtol=16 * eps, atol=16 * eps)
        np.testing.assert_allclose(gradient, cross_entropy.backward(z, target), rtol=16 * eps, atol=16 * eps)


@every_rung
@every_dtype
@every
def test_labels_are_rows_with_a_single_one(rung: str, dtype: type, loss: Loss) -> None:
    labels, rows, _ = targets(dtype)
    for is_, should in zip(evaluate(rung, loss, logits(dtype), labels), evaluate(rung, loss, logits(dtype), rows), strict=True):
        np.testing.assert_array_equal(is_, should)


@every_rung
@every_dtype
@every
def test_value_by_the_formula(rung: str, dtype: type, loss: Loss) -> None:
    """The loss equals its formula in p = softmax(z), computed in float64 for moderate logits."""
    z = logits(dtype)
    p = np.exp(z.astype(np.float64))
    p /= p.sum(axis=1, keepdims=True)
    w = np.ones(4) if loss.class_weights is None else np.array(loss.class_weights)
    for target in targets(dtype)[1:]:
        Y = target.astype(np.float64)
        if isinstance(loss, Focal):
            expected = -(w * Y * (1 - p) ** loss.gamma * np.log(p)).sum(axis=1)
        else:
            expected = -(w * ((1 - loss.smoothing) * Y + loss.smoothing / 4) * np.log(p)).sum(axis=1)
        np.testing.assert_allclose(evaluate(rung, loss, z, target)[0], expected, rtol=0, atol=64 * np.finfo(dtype).eps)


@every_rung
@every
def test_gradient_by_finite_differences(rung: str, loss: Loss) -> None:
    z, h = logits(np.float64), 1e-5
    for target in targets(np.float64):
        gradient = evaluate(rung, loss, z, target)[1]
        for j in range(4):
            step = h * np.eye(4)[j]
            difference = (evaluate(rung, loss, z + step, target)[0] - evaluate(rung, loss, z - step, target)[0]) / (2 * h)
            # Truncation is h²/6 times a third derivative of at most some tens; rounding eps/h times values of at most some tens.
            np.testing.assert_allclose(gradient[:, j], difference, rtol=0, atol=1e-8)


@every_rung
@every_dtype
@every
def test_gradient_sums_to_zero(rung: str, dtype: type, loss: Loss) -> None:
    """The gradient sums to 0, since adding a constant to all logits does not change the loss."""
    for target in targets(dtype):
        gradient = evaluate(rung, loss, logits(dtype), target)[1]
        np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=64 * np.finfo(dtype).eps)


@every_rung
@every_dtype
@every
def test_large_logits(rung: str, dtype: type, loss: Loss) -> None:
    """Logits of ±10⁴ do not overflow: a wrong sample costs its margin, a right one only the effect of smoothing."""
    z = np.array([[1e4, -1e4, -1e4, -1e4], [1e4, 1e4, -1e4, 0.0], [-1e4, -1e4, -1e4, -1e4]], dtype)
    w = np.array(loss.class_weights or [1.0] * 4)
    for label in range(4):
        value, gradient = evaluate(rung, loss, z, np.full(3, label))
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()
        if isinstance(loss, Focal):
            assert value[0] == (0 if label == 0 else dtype(2e4 * w[label]))
            expected = np.zeros(4) if label == 0 else w[label] * (np.eye(4)[0] - np.eye(4)[label])
            np.testing.assert_allclose(gradient[0], expected, atol=8 * np.finfo(dtype).eps)


@every_rung
@every_dtype
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
def test_focal_keeps_its_digits_where_the_sample_is_easy(rung: str, dtype: type, gamma: float) -> None:
    """Near p = 1 the loss and every gradient keep their relative accuracy: with q = 1 − p far below eps, E → q^(γ+1)."""
    z = np.array([[40.0, 0.0, 1.0]], dtype)
    e = np.exp(np.array([0.0, 1.0]) - 40.0)
    q = e.sum() / (1 + e.sum())
    value, gradient = evaluate(rung, Focal(gamma), z, np.array([0]))
    tolerance = 200 * np.finfo(dtype).eps  # float32's exp(−40) may be off by 40 roundings, taken to the power γ + 1
    np.testing.assert_allclose(value, q ** (gamma + 1), rtol=tolerance)
    expected = (gamma + 1) * q**gamma * np.array([-q, e[0] / (1 + e.sum()), e[1] / (1 + e.sum())])
    np.testing.assert_allclose(gradient[0], expected, rtol=tolerance)


@every_rung
def test_easy_samples_count_less(rung: str) -> None:
    z, labels = np.array([[3.0, 0.0], [0.0, 1.0]]), np.array([0, 0])
    easy, hard = evaluate(rung, Focal(2.0), z, labels)[0] / evaluate(rung, Focal(0.0), z, labels)[0]
    assert easy < 0.01
    assert hard > 0.5


@every_rung
@every_dtype
@pytest.mark.parametrize("make", [Focal, LabelSmoothing])
def test_class_weights(rung: str, dtype: type, make: type[Any]) -> None:
    """Equal class weights c multiply the loss by c; without smoothing each weight multiplies the loss of its class's rows."""
    z, eps = logits(dtype), np.finfo(dtype).eps
    for target in targets(dtype):
        for is_, should in zip(
            evaluate(rung, make(class_weights=[3.0] * 4), z, target), evaluate(rung, make(), z, target), strict=True
        ):  # fmt: skip
            np.testing.assert_allclose(is_, 3 * should, rtol=16 * eps, atol=16 * eps)
    labels, first = targets(dtype)[0], 0.0 if make is LabelSmoothing else 2.0
    factor = np.array(WEIGHTS, dtype)[labels]
    weighted, plain = (evaluate(rung, make(first, class_weights=w), z, labels) for w in (WEIGHTS, None))
    np.testing.assert_allclose(weighted[0], factor * plain[0], rtol=16 * eps, atol=16 * eps)
    np.testing.assert_allclose(weighted[1], factor[:, None] * plain[1], rtol=16 * eps, atol=16 * eps)


@every_rung
def test_class_weights_of_smoothed_labels(rung: str) -> None:
    """As in PyTorch 2.13: ``cross_entropy(z, y, weight=[1, 2, 4], label_smoothing=0.3, reduction="none")``."""
    z, labels = np.array([[0.5, -1.0, 2.0], [0.0, 0.25, -0.5]]), np.array([2, 0])
    value, _ = evaluate(rung, LabelSmoothing(0.3, class_weights=[1.0, 2.0, 4.0]), z, labels)
    np.testing.assert_allclose(value, [1.5945895383000495, 1.636028456632319], rtol=1e-12)


@pytest.mark.parametrize("make", [Focal, LabelSmoothing])
def test_class_weights_survive_json_and_may_be_an_array(make: type[Any]) -> None:
    loss = make(class_weights=np.array([1, 2, 3], np.float32))
    again = make(**json.loads(json.dumps(loss.config())))
    assert again.class_weights == [1.0, 2.0, 3.0]
    assert again.hyper() == loss.hyper() == [*make().hyper()[:1], 3.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("make", [Focal, LabelSmoothing])
@pytest.mark.parametrize("wrong", [[], [1.0, -1.0], [np.nan], [np.inf], "abc", 2.0, [[1.0]], ["a"]], ids=repr)
def test_wrong_class_weights(make: type[Any], wrong: object) -> None:
    with pytest.raises(ParameterError, match="class_weights"):
        make(class_weights=wrong)


@pytest.mark.parametrize("make", [Focal, LabelSmoothing])
def test_wrong_number_of_class_weights(make: type[Any]) -> None:
    """A wrong number of class weights raises an error before training; a kernel that is called anyway reports it, too."""
    loss = make(class_weights=[1.0, 2.0])
    net = nn.Sequential(nn.Dense(3)).build(4, rng=0)
    before = net.parameters.copy()
    with pytest.raises(ParameterError, match="2 numbers for a network with 3 outputs"):
        net.fit(np.ones((6, 4)), np.arange(6) % 3, loss=loss, epochs=1, progress=False)
    np.testing.assert_array_equal(net.parameters, before)
    kernel = native_kernel(loss)
    assert kernel is not None
    arrays = {"output": np.zeros((1, 3)), "labels": np.zeros(1, np.int64), "weight": np.ones(1), "loss": np.zeros(1)}
    function = tables.loss(kernel.load()).labels_f64
    assert function(**arrays, n_rows=1, n_outputs=3, hyper=np.array(loss.hyper())) != 0
    assert function.message == "there must be as many class weights as outputs"


@pytest.mark.parametrize("name", ["focal", "label_smoothing"])
def test_trains_a_network_by_name(name: str) -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(300, 2)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
    net = nn.Sequential(nn.Dense(16, activation="tanh"), nn.Dense(2))
    net.fit(X, y, loss=name, optimizer=nn.Adam(0.02), epochs=40, batch_size=32, rng=0, progress=False)
    assert net.evaluate(X, y)["accuracy"] > 0.95
    np.testing.assert_allclose(net.predict_proba(X).sum(axis=1), 1, rtol=1e-5)


@every_rung
@every_dtype
@pytest.mark.parametrize("loss", [LabelSmoothing(0.0), Focal(0.0)], ids=repr)
def test_a_certain_sample_keeps_the_digits_of_its_loss_and_gradient(loss: Loss, dtype: type, rung: str) -> None:
    z = np.array([[30, 0, 0, 0]], dtype)
    value, gradient = evaluate(rung, loss, z, np.array([0]))
    small = np.exp(-30.0)
    np.testing.assert_allclose(value, 3 * small, rtol=1e-6)
    np.testing.assert_allclose(gradient, [[-3 * small, small, small, small]], rtol=1e-6)
