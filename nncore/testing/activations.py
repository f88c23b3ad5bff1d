"""Conformance checks of activations."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

import numpy as np

from nncore import registry
from nncore.contract import Activation, checked_domain, native_kernel
from nncore.layers.activation import ActivationLayer
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.testing import networks, tables
from nncore.testing.differences import expect_gradient
from nncore.testing.domains import expect_in_domain
from nncore.testing.expectations import expect, expect_close, expect_same_bits
from nncore.testing.formulas import EXTREMES, activation_by_formula
from nncore.testing.guarded import Guarded
from nncore.testing.hyperparameters import unusual
from nncore.testing.setting import setting
from nncore.testing.twin import numpy_twin
from nncore.testing.widths import columns_for

#: Numbers of columns to try. If an activation does not accept one, the next larger number is tried.
SHAPES = ((0, 3), (1, 1), (7, 1), (1, 7), (8, 9), (9, 8), (2, 1023), (1023, 2))
DTYPES = (np.float32, np.float64)


class ActivationConformance(networks.NetworkConformance):
    """Conformance checks of an activation.

    >>> class TestReLU(ActivationConformance):
    ...     name = "relu"

    Attributes
    ----------
    exact_gradient : bool
        False if `backward` is by design not the derivative of `forward` (straight-through estimators). Gradients are then not checked. The
        activation's class may have this attribute instead.
    """

    kind = "activations"
    guarded_check = "test_forward_and_backward"
    exact_gradient: ClassVar[bool] = setting(True)

    def test_forward_and_backward(self) -> None:
        self.each(check_rungs)

    def test_kernel_agrees_with_numpy(self) -> None:
        self.each(check_agreement)

    def test_output_domain(self) -> None:
        self.each(check_domain)

    def test_formula(self) -> None:
        self.each(check_formula)

    def test_gradient(self) -> None:
        if self.exact_gradient:
            self.each(check_gradient)

    def test_rows_are_independent(self) -> None:
        self.each(check_rows)

    def test_initializer_exists(self) -> None:
        registry.get("initializers", self.component_class().initializer)

    def can_train(self) -> bool:
        """Whether networks can be trained through the activation: False without a useful derivative (step, sign)."""
        return bool(self.component_class().trainable)

    def network(self) -> Sequential:
        """A network with the activation in a layer, and as a separate layer, where it may not work in place."""
        activation = self.components()[0]
        n_columns = columns_for(activation, 8)
        return Sequential(Dense(n_columns, activation=activation), ActivationLayer(activation), Dense(3)).build(4, rng=5)

    def train(self, network: Sequential, epochs: int) -> list[float]:
        """Fit `network`, or continue its training."""
        history = network.fit(
            networks.inputs(), networks.classes(), loss="softmax_cross_entropy", optimizer="adam",
            epochs=epochs, batch_size=16, progress=False,
        )  # fmt: skip
        return list(history["loss"])


class Rung:
    """Forward and backward pass of an activation on guarded buffers: compiled, or NumPy if it has no kernel."""

    def __init__(self, activation: Activation) -> None:
        kernel = native_kernel(activation)
        self.activation = activation
        self.table = None if kernel is None else tables.activation(kernel.load())
        self.name = "NumPy" if kernel is None else "the kernel"

    def forward(self, z: np.ndarray, in_place: bool = False) -> np.ndarray:
        """φ(z)."""
        if self.table is None:
            a = self.activation.forward(z)
            expect(a.shape == z.shape, f"forward gives shape {a.shape} for z of shape {z.shape}")
            return np.asarray(a, z.dtype)
        guarded_z = Guarded(z, "z")
        guarded_a = guarded_z if in_place else Guarded(np.full_like(z, 7), "a")
        self._call("forward", z, z=guarded_z.array, a=guarded_a.array)
        if not in_place:
            expect_same_bits(guarded_z.check(), z, "z after forward, which must not write it")
        return guarded_a.check()

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray, in_place: bool = False) -> np.ndarray:
        """∂E/∂z. As in the host, `z` holds the input only if the activation needs it."""
        kept = z if self.activation.needs_input else a
        if self.table is None:
            d_z = self.activation.backward(kept, a, d_a)
            expect(d_z.shape == z.shape, f"backward gives shape {d_z.shape} for d_a of shape {z.shape}")
            return np.asarray(d_z, z.dtype)
        buffers = [Guarded(kept, "z"), Guarded(a, "a"), Guarded(d_a, "d_a")]
        guarded_d_z = buffers[2] if in_place else Guarded(np.full_like(z, 7), "d_z")
        self._call("backward", z, **{buffer.name: buffer.array for buffer in buffers}, d_z=guarded_d_z.array)
        for buffer, before in list(zip(buffers, (kept, a, d_a), strict=True))[: 2 if in_place else 3]:
            expect_same_bits(buffer.check(), before, f"{buffer.name} after backward, which must not write it")
        return guarded_d_z.check()

    def leaves_slope(self, dtype: np.dtype) -> bool:
        """Whether the kernel's forward pass may write the slope in place of z."""
        return self.table is not None and getattr(self.table, f"forward_with_slope_{tables.SUFFIXES[dtype]}") is not None

    def forward_with_slope(self, z: np.ndarray, in_place: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """φ(z), and φ'(z) written in place of z or elsewhere."""
        guarded_z, guarded_a = Guarded(z, "z"), Guarded(np.full_like(z, 7), "a")
        guarded_slope = guarded_z if in_place else Guarded(np.full_like(z, 7), "the slope")
        self._call("forward_with_slope", z, z=guarded_z.array, a=guarded_a.array, d_z=guarded_slope.array)
        if not in_place:
            expect_same_bits(guarded_z.check(), z, "z after forward_with_slope elsewhere, which must not write it")
        return guarded_a.check(), guarded_slope.check()

    def _call(self, direction: str, like: np.ndarray, **matrices: np.ndarray) -> None:
        name = f"{direction}_{tables.SUFFIXES[like.dtype]}"
        function = getattr(self.table, name)
        expect(function is not None, f"the kernel has no {name}")
        function.must(**matrices, n_rows=like.shape[0], n_columns=like.shape[1], hyper=np.array(self.activation.hyper(), np.float64))


def cases(activation: Activation, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """z and d_a of order one, in every shape and dtype."""
    for shape in dict.fromkeys((n_rows, columns_for(activation, n_columns)) for n_rows, n_columns in SHAPES):
        rng = np.random.default_rng([seed, *shape])
        z, d_a = rng.normal(size=(2, *shape)) * [[[3.0]], [[1.0]]]
        for dtype in DTYPES:
            yield z.astype(dtype), d_a.astype(dtype)


def check_rungs(activation: Activation) -> None:
    """Check on every rung that shapes are kept, nothing else is written, and results repeat to the bit, for a kernel also in place."""
    for rung in {rung.name: rung for rung in (Rung(activation), Rung(numpy_twin(activation)))}.values():
        for z, d_a in cases(activation):
            what, before = f"{rung.name}, shape {z.shape}, {z.dtype}:", z.copy()
            a = rung.forward(z)
            expect(np.isfinite(a).all(), f"{what} forward gives numbers that are not finite")
            expect_same_bits(z, before, f"{what} z after forward, which must not write it")
            expect_same_bits(rung.forward(z), a, f"{what} a second forward")
            expect_same_bits(rung.forward(z, in_place=True), a, f"{what} forward in place")
            if activation.trainable:
                d_z = rung.backward(z, a, d_a)
                expect(np.isfinite(d_z).all(), f"{what} backward gives numbers that are not finite")
                expect_same_bits(rung.backward(z, a, d_a), d_z, f"{what} a second backward")
                expect_same_bits(rung.backward(z, a, d_a, in_place=True), d_z, f"{what} backward in place")
            if rung.leaves_slope(z.dtype):
                check_slope(rung, z, d_a, what)


def check_slope(rung: Rung, z: np.ndarray, d_a: np.ndarray, what: str) -> None:
    """Check that forward_with_slope gives the result of forward and the slope of backward: in place of z, elsewhere, and by rows."""
    activation = rung.activation
    expect(activation.needs_input and activation.trainable, f"{activation!r}: forward_with_slope is for a class that says needs_input")
    a = rung.forward(z)
    value, slope = rung.forward_with_slope(z)
    expect_same_bits(value, a, f"{what} a of forward_with_slope")
    tolerance = 4 * float(np.finfo(z.dtype).eps) * np.maximum(1, np.abs(d_a))
    expect_close(d_a * slope, rung.backward(z, a, d_a), tolerance, f"{what} d_a times the slope")
    (a_first, first), (a_rest, rest) = (rung.forward_with_slope(rows, in_place=True) for rows in np.split(z, [len(z) // 3]))
    expect_same_bits(np.concatenate([a_first, a_rest]), a, f"{what} a of forward_with_slope in place, in two blocks of rows")
    expect_same_bits(np.concatenate([first, rest]), slope, f"{what} the slope in place, in two blocks of rows")


def check_agreement(activation: Activation) -> None:
    """Check that the kernel computes the results of `forward` and `backward`, for the given hyperparameters and for unusual ones.

    Results may differ by 16 roundings of numbers of order one, or by 16 times the effect of changing the inputs by one rounding.
    """
    if native_kernel(activation) is None:
        return
    for variant in [activation, *unusual(activation)]:
        kernel, oracle = Rung(variant), Rung(numpy_twin(variant))
        for z, d_a in cases(activation):
            eps = np.finfo(z.dtype).eps
            what = f"{variant!r}, shape {z.shape}, {z.dtype}: the kernel's"
            a, other = oracle.forward(z), z * (1 + eps)
            expect_close(kernel.forward(z), a, _allowed(a, oracle.forward(other)), f"{what} a")
            if activation.trainable:
                d_z, nearby = oracle.backward(z, a, d_a), oracle.backward(other, oracle.forward(other), d_a)
                expect_close(kernel.backward(z, a, d_a), d_z, _allowed(d_z, nearby), f"{what} d_z")


def check_formula(activation: Activation) -> None:
    """Check that `formula` gives the result of `forward`, for the given hyperparameters and for unusual ones, also at extremes.

    Results may differ like those of a kernel. Where one is infinite or NaN, the other must be too.
    """
    for variant in [activation, *unusual(activation)]:
        for z, _ in [*cases(activation), *extremes(activation)]:
            with np.errstate(all="ignore"):
                a, nearby = (numpy_twin(variant).forward(there) for there in (z, z * (1 + np.finfo(z.dtype).eps)))
                tolerance = _allowed(a, nearby)
            expect_close(activation_by_formula(variant, z), a, tolerance, f"{variant!r}, shape {z.shape}, {z.dtype}: the formula's a")


def extremes(activation: Activation) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """z with an extreme number in one column of each row, and in all columns; d_a is zero."""
    n_columns = columns_for(activation, 3)
    for dtype in DTYPES:
        rows = np.repeat(np.array(EXTREMES, dtype)[:, None], n_columns, axis=1)
        mixed = np.where(np.arange(n_columns) == 0, rows, dtype(0.5))
        for z in (rows, mixed):
            yield z, np.zeros_like(z)


def _allowed(expected: np.ndarray, nearby: np.ndarray) -> np.ndarray:
    eps = float(np.finfo(expected.dtype).eps)
    return 16 * np.maximum(eps * np.maximum(1, np.abs(expected)), np.abs(nearby - expected))


def check_domain(activation: Activation) -> None:
    """Check that outputs for small and large inputs are in `output_domain`, up to rounding."""
    rng = np.random.default_rng(3)
    for variant in [activation, *unusual(activation)]:
        for rung in (Rung(variant), Rung(numpy_twin(variant))):
            z = rng.normal(size=(64, columns_for(variant, 8))) * 10.0 ** rng.integers(-3, 3, size=(64, 1))
            domain = checked_domain(variant.output_domain_for(z.shape[1]), variant)
            with np.errstate(over="ignore"):  # an exponential may be infinite
                expect_in_domain(rung.forward(z), z, domain, f"{variant!r}, {rung.name}")


def check_gradient(activation: Activation) -> None:
    """Check on every rung that `backward` is the derivative of `forward`."""
    if not activation.trainable:
        return
    for variant in [activation, *unusual(activation)]:
        for rung in (Rung(variant), Rung(numpy_twin(variant))):
            rng = np.random.default_rng(1)
            z, d_a = rng.normal(size=(2, 5, columns_for(activation, 4))) * [[[2.0]], [[1.0]]]
            d_z = rung.backward(z, rung.forward(z), d_a)
            expect_gradient(d_z, partial(_projected, rung, z, d_a), z, f"{variant!r}, {rung.name}: d_z")


def _projected(rung: Rung, z: np.ndarray, d_a: np.ndarray) -> float:
    return float((rung.forward(z) * d_a).sum())


def check_rows(activation: Activation) -> None:
    """Check that a block of rows gives the same bits as in the whole batch: the host may split a batch among threads."""
    rung, rng = Rung(activation), np.random.default_rng(2)
    blocks = [slice(0, 1), slice(1, 4), slice(4, 17), slice(17, 29)]
    for dtype in DTYPES:
        z, d_a = (rng.normal(size=(2, 29, columns_for(activation, 11))) * 3).astype(dtype)
        a = rung.forward(z)
        expect_same_bits(np.concatenate([rung.forward(z[b]) for b in blocks]), a, f"{rung.name}, {z.dtype}: a of blocks of rows")
        if activation.trainable:
            parts = np.concatenate([rung.backward(z[b], a[b], d_a[b]) for b in blocks])
            expect_same_bits(parts, rung.backward(z, a, d_a), f"{rung.name}, {z.dtype}: d_z of blocks of rows")
