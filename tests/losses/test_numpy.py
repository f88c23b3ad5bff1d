"""NumPy methods of losses: common properties, and the closed form of each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from each import each
from manifest import instances

from nncore import registry
from nncore.activations.softmax import Softmax
from nncore.losses.binary_cross_entropy import BinaryCrossEntropy
from nncore.losses.binary_focal import BinaryFocal
from nncore.losses.cross_entropy import CrossEntropy
from nncore.losses.focal import Focal
from nncore.losses.half_mse import HalfMSE
from nncore.losses.mse import MSE
from nncore.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncore.losses.softmax_heads import SoftmaxHeads
from nncore.losses.tweedie import Tweedie
from nncore.plugin import Loss
from nncore.testing.losses import real_targets
from nncore.testing.widths import outputs_for

LOSSES = {name: loss for name, loss in instances("losses").items() if not loss.needs_batch}
#: Losses with a link whose gradient is not link(output) − target.
OTHER_GRADIENTS = (BinaryFocal, Focal, Tweedie)

every = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
every_dtype = each("dtype", [np.float32, np.float64])


def batch(loss: Loss, shape: tuple[int, int], dtype: Any = np.float64, seed: int = 1) -> tuple[np.ndarray, list[np.ndarray]]:
    """Outputs of about that shape, in (0, 1), which are as good as logits; and targets of every kind the loss takes."""
    rng = np.random.default_rng(seed)
    n_rows, n_outputs = shape[0], outputs_for(loss, shape[1])
    output, kind = rng.uniform(0.05, 0.95, size=(n_rows, n_outputs)).astype(dtype), loss.targets_for(n_outputs)
    real = [] if kind == "labels" else [real_targets(loss, rng, n_rows, n_outputs).astype(dtype)]
    return output, real + ([] if kind == "real" else [rng.integers(n_outputs, size=n_rows)])


def numeric_gradient(loss: Loss, output: np.ndarray, target: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """Central differences of every sample's loss with respect to each of its outputs."""
    gradient = np.empty_like(output)
    for j in range(output.shape[1]):
        step = np.zeros_like(output)
        step[:, j] = h
        gradient[:, j] = (loss.forward(output + step, target) - loss.forward(output - step, target)) / (2 * h)
    return gradient


def test_squared_error_closed_forms() -> None:
    y, target = np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([[0.0, 4.0], [0.0, 0.0]])
    np.testing.assert_array_equal(HalfMSE().forward(y, target), [2.5, 0])
    np.testing.assert_array_equal(HalfMSE().backward(y, target), [[1, -2], [0, 0]])
    np.testing.assert_array_equal(MSE().forward(y, target), [2.5, 0])
    np.testing.assert_array_equal(MSE().backward(y, target), [[1, -2], [0, 0]])
    three = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_allclose(MSE().forward(three, np.zeros((1, 3))), 14 / 3, rtol=4e-16)
    np.testing.assert_allclose(MSE().backward(three, np.zeros((1, 3))), three * 2 / 3, rtol=4e-16)


def test_binary_cross_entropy_closed_form() -> None:
    """The value is the sum of −log p and −log(1 − p) over the outputs, here for p = 3/4 and 1/4."""
    z = np.array([[math.log(3), -math.log(3)]])
    value = BinaryCrossEntropy().forward(z, np.array([[1.0, 1.0]]))
    np.testing.assert_allclose(value, -math.log(0.75) - math.log(0.25), rtol=4e-16)
    np.testing.assert_allclose(BinaryCrossEntropy().backward(z, np.array([[1.0, 0.5]])), [[-0.25, -0.25]], rtol=4e-16)


def test_cross_entropies_closed_form() -> None:
    p = np.array([[0.1, 0.2, 0.7]])
    target = np.array([[0.5, 0.0, 0.5]])
    expected = -0.5 * (math.log(0.1) + math.log(0.7))
    np.testing.assert_allclose(CrossEntropy().forward(p, target), expected, rtol=4e-16)
    np.testing.assert_allclose(CrossEntropy().backward(p, target), [[-5, 0, -0.5 / 0.7]], rtol=4e-16)
    np.testing.assert_allclose(SoftmaxCrossEntropy().forward(np.log(p), target), expected, rtol=1e-15)
    np.testing.assert_allclose(SoftmaxCrossEntropy().backward(np.log(p), target), p - target, rtol=1e-15)


def test_softmax_cross_entropy_is_cross_entropy_behind_softmax() -> None:
    z, (target, _) = batch(SoftmaxCrossEntropy(), (6, 4))
    p = Softmax().forward(z)
    np.testing.assert_allclose(SoftmaxCrossEntropy().forward(z, target), CrossEntropy().forward(p, target), rtol=1e-14)
    d_z = Softmax().backward(p, p, CrossEntropy().backward(p, target))
    np.testing.assert_allclose(SoftmaxCrossEntropy().backward(z, target), d_z, rtol=1e-13, atol=1e-15)


def test_binary_cross_entropy_is_softmax_cross_entropy_of_two_classes() -> None:
    z, (target,) = batch(BinaryCrossEntropy(), (6, 1))
    two = np.hstack([z, np.zeros_like(z)])
    both = np.hstack([target, 1 - target])
    np.testing.assert_allclose(BinaryCrossEntropy().forward(z, target), SoftmaxCrossEntropy().forward(two, both), rtol=1e-14)


@every
@pytest.mark.parametrize("n_outputs", [1, 4])
def test_backward_is_the_gradient(loss: Loss, n_outputs: int) -> None:
    output, targets = batch(loss, (5, n_outputs))
    for target in targets:
        np.testing.assert_allclose(loss.backward(output, target), numeric_gradient(loss, output, target), rtol=1e-7, atol=1e-9)


@every
@every_dtype
def test_labels_are_one_hot_targets(loss: Loss, dtype: type) -> None:
    if loss.targets_for(5) != "both":
        return
    output, (_, target) = batch(loss, (9, 5), dtype)
    one_hot = np.eye(5, dtype=dtype)[target]
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(loss.forward(output, target), loss.forward(output, one_hot), rtol=2 * eps)
    np.testing.assert_allclose(loss.backward(output, target), loss.backward(output, one_hot), rtol=2 * eps)


@every
@every_dtype
@each("shape", [(0, 3), (1, 1), (3, 9)])
def test_shape_and_dtype_are_kept_and_nothing_is_modified(loss: Loss, dtype: type, shape: tuple[int, int]) -> None:
    output, targets = batch(loss, shape, dtype)
    for target in targets:
        output_before, target_before = output.copy(), target.copy()
        value, gradient = loss.forward(output, target), loss.backward(output, target)
        assert value.shape == shape[:1]
        assert gradient.shape == output.shape
        assert value.dtype == gradient.dtype == dtype
        np.testing.assert_array_equal(output, output_before)
        np.testing.assert_array_equal(target, target_before)


@every_dtype
def test_logits_of_ten_thousand_do_not_overflow(dtype: type) -> None:
    z = np.array([[1e4, -1e4], [-1e4, 1e4], [1e4, 1e4]], dtype)
    right, wrong = np.array([0, 1, 0]), np.array([1, 0, 0])
    log2 = dtype(math.log(2))
    np.testing.assert_array_equal(SoftmaxCrossEntropy().forward(z, right), [0, 0, log2])
    np.testing.assert_array_equal(SoftmaxCrossEntropy().forward(z, wrong), [2e4, 2e4, log2])
    np.testing.assert_array_equal(SoftmaxCrossEntropy().backward(z, wrong), [[1, -1], [-1, 1], [-0.5, 0.5]])
    target = np.array([[1, 0], [1, 0], [0.5, 0.5]], dtype)
    np.testing.assert_array_equal(BinaryCrossEntropy().forward(z, target), [0, 2e4, 1e4])
    np.testing.assert_array_equal(BinaryCrossEntropy().backward(z, target), [[0, 0], [-1, 1], [0.5, 0.5]])


@every_dtype
def test_binary_cross_entropy_keeps_its_digits_where_it_is_nearly_right(dtype: type) -> None:
    """For z = 30 and Y = 1, loss and gradient are near ±exp(−30); computed from p, both would be 0 in float32."""
    z, target = np.array([[30], [-30]], dtype), np.array([[1], [0]], dtype)
    e, rtol = math.exp(-30), 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(BinaryCrossEntropy().forward(z, target), math.log1p(e), rtol=rtol)
    np.testing.assert_allclose(BinaryCrossEntropy().backward(z, target), [[-e / (1 + e)], [e / (1 + e)]], rtol=rtol)


@every_dtype
def test_cross_entropy_of_a_probability_of_zero_is_finite(dtype: type) -> None:
    p, tiny = np.array([[0, 1]], dtype), np.finfo(dtype).tiny
    for target in (np.array([0]), np.array([[1, 0]], dtype)):
        np.testing.assert_array_equal(CrossEntropy().forward(p, target), -np.log(tiny))
        np.testing.assert_array_equal(CrossEntropy().backward(p, target), [[-1 / tiny, 0]])
    assert CrossEntropy().forward(p, np.array([1])) == 0


@every
@every_dtype
def test_nan_shows_in_its_own_sample_only(loss: Loss, dtype: type) -> None:
    output, (target, *_) = batch(loss, (2, 3), dtype)
    output[0, 1] = np.nan
    value, gradient = loss.forward(output, target), loss.backward(output, target)
    assert np.isnan(value[0])
    assert np.isnan(gradient[0, 1])
    assert np.isfinite(value[1])
    assert np.isfinite(gradient[1]).all()


@every
def test_link_turns_outputs_into_the_predictions_of_the_gradient(loss: Loss) -> None:
    """The gradient of a loss with its canonical link is link(output) − target, where a class index is one-hot."""
    if loss.link is None or getattr(loss, "label_smoothing", 0) or isinstance(loss, OTHER_GRADIENTS):
        return
    output, (target, *_) = batch(loss, (4, 3))
    expected = target
    if isinstance(loss, SoftmaxHeads):
        expected = np.hstack([np.eye(n)[labels] for n, labels in zip(loss.n_classes, target.T.astype(int), strict=True)])
    predicted = registry.resolve("activations", loss.link).forward(output)
    np.testing.assert_allclose(loss.backward(output, target), predicted - expected, rtol=1e-13, atol=1e-15)
