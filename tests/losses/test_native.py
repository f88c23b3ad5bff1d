"""Every loss's compiled kernel against its NumPy methods, at the CPU level of this process (see test_levels.py)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from each import each
from manifest import instances
from native_losses import Native

from nncore.plugin import Loss
from nncore.testing.losses import real_targets
from nncore.testing.widths import outputs_for

#: Losses of whole batches are computed in NumPy.
LOSSES = {name: loss for name, loss in instances("losses").items() if not loss.needs_batch}
SHAPES = [(0, 3), (1, 1), (7, 1), (8, 7), (9, 8), (3, 9), (70, 16), (70, 17), (9, 300), (2, 1023), (1023, 2)]

every = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
every_dtype = each("dtype", [np.float32, np.float64])


def widths(loss: Loss, wanted: Iterable[int]) -> list[int]:
    """Numbers of outputs that the loss takes, about as many as wanted."""
    return list(dict.fromkeys(outputs_for(loss, n_columns) for n_columns in wanted))


def shapes(loss: Loss) -> list[tuple[int, int]]:
    return list(dict.fromkeys((n_rows, outputs_for(loss, n_columns)) for n_rows, n_columns in SHAPES))


def outputs(shape: tuple[int, int], dtype: Any, rng: np.random.Generator) -> np.ndarray:
    """Positive, so that logarithms exist, and as good as any logits."""
    return rng.uniform(0.01, 4, shape).astype(dtype)


def targets(loss: Loss, output: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """One target of every kind the loss takes."""
    (n_rows, n_outputs), kind = output.shape, loss.targets_for(output.shape[1])
    real = [] if kind == "labels" else [real_targets(loss, rng, n_rows, n_outputs).astype(output.dtype)]
    return real + ([] if kind == "real" else [rng.integers(n_outputs, size=n_rows)])


def tolerance(output: np.ndarray) -> float:
    """Relative to the largest term: a few ULP, and one rounding a term, as the two add in different orders."""
    return (8 + output.shape[1]) * float(np.finfo(output.dtype).eps)


@every
@every_dtype
def test_the_table_offers_what_the_class_says(loss: Loss, dtype: type) -> None:
    native = Native(loss, dtype)
    assert (native.function("labels") is not None) == (loss.targets != "real")
    assert (native.function("real") is not None) == (loss.targets != "labels")


@every
@every_dtype
def test_agrees_with_numpy(loss: Loss, dtype: type) -> None:
    rng, native = np.random.default_rng(1), Native(loss, dtype)
    for shape in shapes(loss):
        output, weight = outputs(shape, dtype, rng), rng.uniform(0.1, 2, size=shape[0]).astype(dtype)
        rtol = tolerance(output)
        for target in targets(loss, output, rng):
            value, d_output = native(output, target, weight)
            expected = loss.forward(output, target)
            # A cross-entropy may be a small difference of terms that grow with the number of columns.
            np.testing.assert_allclose(value, expected, rtol=rtol, atol=rtol, err_msg=str(shape))
            d_expected = loss.backward(output, target) * weight[:, None]
            largest = np.abs(d_expected).max(initial=0 if loss.link is None else 1)  # a link's gradient is a difference, link(z) − Y
            np.testing.assert_allclose(d_output, d_expected, rtol=rtol, atol=rtol * largest, err_msg=str(shape))


@every
@every_dtype
def test_the_value_alone_has_the_same_bits(loss: Loss, dtype: type) -> None:
    rng, native = np.random.default_rng(2), Native(loss, dtype)
    for shape in shapes(loss):
        output, weight = outputs(shape, dtype, rng), np.ones(shape[0], dtype)
        for target in targets(loss, output, rng):
            with_gradient, _ = native(output, target, weight)
            without, _ = native(output, target, weight, gradient=False)
            np.testing.assert_array_equal(without, with_gradient, err_msg=str(shape))


@every
@every_dtype
def test_labels_have_the_bits_of_one_hot_targets(loss: Loss, dtype: type) -> None:
    rng = np.random.default_rng(3)
    for n_columns in (3, 10, 40, 300):
        if loss.targets_for(n_columns) != "both":
            return
        output, weight = rng.uniform(0.01, 4, size=(33, n_columns)).astype(dtype), rng.uniform(size=33).astype(dtype)
        target = rng.integers(n_columns, size=33)
        by_label, by_row = (Native(loss, dtype)(output, t, weight) for t in (target, np.eye(n_columns, dtype=dtype)[target]))
        exact = getattr(loss, "label_smoothing", 0) == 0  # otherwise terms are summed in another order
        tolerance = 0 if exact else 8 * np.finfo(dtype).eps
        np.testing.assert_allclose(by_label[0], by_row[0], rtol=tolerance)
        np.testing.assert_allclose(by_label[1], by_row[1], rtol=tolerance, atol=tolerance / 8)


@every
@every_dtype
def test_weight_scales_the_gradient_and_not_the_value(loss: Loss, dtype: type) -> None:
    """Weights scale the gradient and not the value. They are powers of two, so that scaling is exact; weight 0 gives gradient 0."""
    rng = np.random.default_rng(4)
    output = outputs((6, outputs_for(loss, 5)), dtype, rng)
    weight = np.array([0, 1, 2, 0, 0.25, 4], dtype)
    for target in targets(loss, output, rng):
        value, d_output = Native(loss, dtype)(output, target, weight)
        unweighted_value, unweighted = Native(loss, dtype)(output, target, np.ones_like(weight))
        np.testing.assert_array_equal(value, unweighted_value)
        np.testing.assert_array_equal(d_output, unweighted * weight[:, None])
        assert (d_output[[0, 3]] == 0).all()


@every
@every_dtype
def test_a_block_of_rows_gives_the_bits_of_the_whole(loss: Loss, dtype: type) -> None:
    rng, native = np.random.default_rng(5), Native(loss, dtype)
    blocks = [slice(a, b) for a, b in pairwise([0, 1, 2, 5, 13, 22, 39, 70, 150])]
    for n_columns in widths(loss, (1, 3, 7, 10, 15, 16, 17, 40, 300, 1023)):
        output, weight = outputs((150, n_columns), dtype, rng), rng.uniform(size=150).astype(dtype)
        for target in targets(loss, output, rng):
            parts = [native(output[block], target[block], weight[block]) for block in blocks]
            value, d_output = native(output, target, weight)
            np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), value, err_msg=str(n_columns))
            np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), d_output, err_msg=str(n_columns))


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if loss.link not in (None, "exp")])
@every_dtype
@pytest.mark.parametrize("scale", [30.0, 1e4])
def test_large_logits_agree_with_numpy(name: str, dtype: type, scale: float) -> None:
    loss, rng = LOSSES[name], np.random.default_rng(6)
    shape = 16, outputs_for(loss, 5)
    output = (rng.choice([-1, 1], size=shape) * rng.uniform(0.9, 1, size=shape) * scale).astype(dtype)
    for target in targets(loss, output, rng):
        value, d_output = Native(loss, dtype)(output, target, np.ones(16, dtype))
        assert np.isfinite(value).all()
        np.testing.assert_allclose(value, loss.forward(output, target), rtol=tolerance(output), atol=tolerance(output))
        np.testing.assert_allclose(d_output, loss.backward(output, target), rtol=tolerance(output), atol=tolerance(output))


@every_dtype
def test_binary_cross_entropy_keeps_its_digits_where_it_is_nearly_right(dtype: type) -> None:
    z, target = np.array([[30], [-30]], dtype), np.array([[1], [0]], dtype)
    value, d_output = Native(LOSSES["binary_cross_entropy"], dtype)(z, target, np.ones(2, dtype))
    e, rtol = math.exp(-30), 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(value, math.log1p(e), rtol=rtol)
    np.testing.assert_allclose(d_output, [[-e / (1 + e)], [e / (1 + e)]], rtol=rtol)


@every_dtype
def test_cross_entropy_agrees_with_numpy_down_to_a_probability_of_zero(dtype: type) -> None:
    """Cross-entropy agrees with NumPy for all probabilities down to 0; subnormal ones count as the smallest normal number."""
    loss, tiny = LOSSES["cross_entropy"], np.finfo(dtype).tiny
    p = np.concatenate([[0, tiny / 4, tiny, 1], np.exp(np.linspace(np.log(tiny), 0, 100_000))]).astype(dtype)[:, None]
    target = np.zeros(len(p), np.int64)
    value, d_output = Native(loss, dtype)(p, target, np.ones(len(p), dtype))
    rtol = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(value, loss.forward(p, target), rtol=rtol)
    np.testing.assert_allclose(d_output, loss.backward(p, target), rtol=rtol)


@every
@every_dtype
@each("n_rows, n_columns", [(2, 3), (20, 3), (20, 40)])
def test_nan_shows_in_its_own_sample_only(loss: Loss, dtype: type, n_rows: int, n_columns: int) -> None:
    rng = np.random.default_rng(7)
    output = outputs((n_rows, outputs_for(loss, n_columns)), dtype, rng)
    output[1] = np.nan
    others = np.arange(len(output)) != 1
    for target in targets(loss, output, rng):
        value, d_output = Native(loss, dtype)(output, target, np.ones(len(output), dtype))
        np.testing.assert_array_equal(np.isnan(value), ~others)
        assert np.isnan(d_output[1]).any()
        assert np.isfinite(d_output[others]).all()
