"""Conformance checks of regularizers."""

from __future__ import annotations

import numpy as np

from nncore.contract import Regularizer, native_kernel
from nncore.testing.between_steps import DTYPES, SHAPES, BetweenSteps, call, parts, tensor
from nncore.testing.differences import expect_gradient
from nncore.testing.expectations import expect, expect_close, expect_same_bits
from nncore.testing.guarded import Guarded
from nncore.testing.hyperparameters import unusual


class RegularizerConformance(BetweenSteps):
    """Conformance checks of a regularizer.

    >>> class TestL1(RegularizerConformance):
    ...     name = "l1"
    """

    kind = "regularizers"
    guarded_check = "test_parts_give_the_bits_of_the_whole"

    def test_value(self) -> None:
        self.each(check_value)

    def test_gradient(self) -> None:
        self.each(check_gradient)

    def test_kernel_agrees_with_numpy(self) -> None:
        self.each(check_agreement)

    def test_parts_give_the_bits_of_the_whole(self) -> None:
        self.each(check_parts)

    def test_loss_of_a_network_includes_it(self) -> None:
        """The training loss includes the regularizer, that of `evaluate` does not."""
        self._skip_what_cannot_run()
        network = self.network()
        network.fit(_X, _Y, epochs=0, progress=False)
        data, weight = network.evaluate(_X, _Y)["loss"], network.named_parameters()["dense_1.weight"]
        network.forward(_X, training=True)
        expected = data + self.components()[0].value(weight)
        expect_close(np.array(network.backward(_Y)), np.array(expected), 1e-9 * max(1, abs(expected)), "loss that backward returns")


_X = np.random.default_rng(11).normal(size=(20, 4))
_Y = np.random.default_rng(12).integers(3, size=20)


def kernel_value(regularizer: Regularizer, w: np.ndarray, *, whole: bool = True) -> float:
    """The kernel's value, summed over parts."""
    total = 0.0
    for part in parts(regularizer.split, w.shape, whole=whole):
        value = Guarded(np.full(1, np.nan), "value")
        call(regularizer, "value", w.shape, part, w, value=value.array)
        total += float(value.check()[0])
    return total


def kernel_gradient(regularizer: Regularizer, w: np.ndarray, g: np.ndarray, *, whole: bool = True, shift: int = 0) -> np.ndarray:
    """`g` plus the kernel's gradient, on guarded buffers."""
    guarded_w, guarded_g = Guarded(w, "w", shift), Guarded(g, "g", shift)
    for part in parts(regularizer.split, w.shape, whole=whole):
        call(regularizer, "add_gradient", w.shape, part, guarded_w.array, g=guarded_g.array)
    expect_same_bits(guarded_w.check(), w, "w, which add_gradient must not write")
    return guarded_g.check()


def numpy_gradient(regularizer: Regularizer, w: np.ndarray, g: np.ndarray) -> np.ndarray:
    """`g` plus the gradient of the method."""
    before, result = w.copy(), g.copy()
    regularizer.add_gradient(w, result)
    expect_same_bits(w, before, "w, which add_gradient must not write")
    return result


def check_value(regularizer: Regularizer) -> None:
    """Check that the value is finite for tensors of any shape, also 0, the same for the same tensor, and does not change it."""
    for shape in SHAPES:
        for dtype in DTYPES:
            for w in (tensor(shape, dtype), np.zeros(shape, dtype)):
                before, g = w.copy(), np.zeros(shape, dtype)
                what = f"of a tensor of shape {shape}, {dtype.__name__}{'' if w.any() else ', all zeros'}"
                value = regularizer.value(w)
                expect(np.shape(value) == () and np.isfinite(value), f"value {what} is {value!r}, a finite number is expected")
                expect(regularizer.value(w) == value, f"value {what} is another one when asked again")
                expect_same_bits(w, before, "w, which value must not write")
                regularizer.add_gradient(w, g)
                expect(np.isfinite(g).all(), f"the gradient {what} is not finite")


def check_gradient(regularizer: Regularizer) -> None:
    """Check by central differences that `add_gradient` adds the gradient of `value`."""
    for shape in ((1, 1), (1, 9), (3, 5), (7, 4)):
        w, g = tensor(shape, np.float64), tensor(shape, np.float64, seed=1)
        added = numpy_gradient(regularizer, w, g) - g
        expect_gradient(added, lambda w=w: regularizer.value(w), w, f"what add_gradient adds for a tensor of shape {shape}")  # type: ignore[misc]


def check_agreement(regularizer: Regularizer) -> None:
    """Check that the kernel agrees with the methods to 64 roundings, for the given hyperparameters and for unusual ones."""
    if native_kernel(regularizer) is None:
        return
    for variant in [regularizer, *unusual(regularizer)]:
        for shape in SHAPES:
            for dtype in DTYPES:
                w, g = tensor(shape, dtype), tensor(shape, dtype, seed=1)
                eps, what = 64 * float(np.finfo(dtype).eps), f"{variant!r}, {shape}, {dtype.__name__}: the kernel's"
                value = variant.value(w)
                expect_close(np.array(kernel_value(variant, w)), np.array(value), eps * max(1, abs(value)), f"{what} value")
                expected = numpy_gradient(variant, w, g)
                actual = kernel_gradient(variant, w, g)
                expect_close(actual, expected, eps * np.maximum(1, np.abs(expected)), f"{what} gradient")


def check_parts(regularizer: Regularizer) -> None:
    """Check that the kernel's gradient on parts of a tensor has the same bits as on the whole, and that its values add up."""
    if native_kernel(regularizer) is None:
        return
    for shape in SHAPES:
        for dtype in DTYPES:
            w, g = tensor(shape, dtype), tensor(shape, dtype, seed=1)
            what = f"{shape}, {dtype.__name__}: the kernel's"
            whole, value = kernel_gradient(regularizer, w, g), kernel_value(regularizer, w)
            in_parts = kernel_value(regularizer, w, whole=False)
            expect_close(np.array(in_parts), np.array(value), 1e-12 * max(1, abs(value)), f"{what} value of parts, added up")
            expect_same_bits(kernel_gradient(regularizer, w, g, whole=False), whole, f"{what} gradient in parts")
            elsewhere = kernel_gradient(regularizer, w, g, shift=w.itemsize)
            expect_same_bits(elsewhere, whole, f"{what} gradient where the buffers begin elsewhere in memory")
