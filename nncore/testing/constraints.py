"""Conformance checks of constraints."""

from __future__ import annotations

import numpy as np

from nncore.contract import Constraint, native_kernel
from nncore.network import Sequential
from nncore.testing.between_steps import DTYPES, SHAPES, BetweenSteps, call, parts, tensor
from nncore.testing.expectations import expect, expect_close, expect_same_bits
from nncore.testing.guarded import Guarded
from nncore.testing.hyperparameters import unusual

#: Learning rates to project with.
RATES = (0.0, 0.5)


class ConstraintConformance(BetweenSteps):
    """Conformance checks of a constraint.

    >>> class TestMaxNorm(ConstraintConformance):
    ...     name = "max_norm"
    """

    kind = "constraints"
    guarded_check = "test_parts_give_the_bits_of_the_whole"

    def test_project(self) -> None:
        self.each(check_project)

    def test_idempotent(self) -> None:
        self.each(check_idempotent)

    def test_kernel_agrees_with_numpy(self) -> None:
        self.each(check_agreement)

    def test_parts_give_the_bits_of_the_whole(self) -> None:
        self.each(check_parts)

    def test_holds_in_a_network(self) -> None:
        """The constraint holds for initial values, and after every epoch."""
        self._skip_what_cannot_run()
        self.each(self._check_network)

    def _check_network(self, constraint: Constraint) -> None:
        network = self.network_with(constraint)
        check_feasible(constraint, network, "first values")
        for epoch in range(3):
            self.train(network, 1)
            check_feasible(constraint, network, f"values after {epoch + 1} epochs")


def check_feasible(constraint: Constraint, network: Sequential, what: str) -> None:
    weight = network.named_parameters()["dense_1.weight"]
    expect(np.all(constraint.is_feasible(weight)), f"the {what} do not keep the constraint")


def projected(constraint: Constraint, w: np.ndarray, rate: float) -> np.ndarray:
    """The result of `project` for a tensor."""
    result = w.copy()
    constraint.project(result, rate)
    return result


def kernel_projected(constraint: Constraint, w: np.ndarray, rate: float, *, whole: bool = True, shift: int = 0) -> np.ndarray:
    """The result of the kernel for a tensor, on guarded buffers."""
    guarded = Guarded(w, "w", shift)
    for part in parts(constraint.split, w.shape, whole=whole):
        call(constraint, "project", w.shape, part, guarded.array, rate=rate)
    return guarded.check()


def check_project(constraint: Constraint) -> None:
    """Check that any tensor, also 0, becomes a finite one that fulfils the constraint, with the same result every time."""
    for shape in SHAPES:
        for dtype in DTYPES:
            for w in (tensor(shape, dtype), 100 * tensor(shape, dtype), np.zeros(shape, dtype)):
                for rate in RATES:
                    what = f"project of a tensor of shape {shape}, {dtype.__name__}, with rate {rate}"
                    after = projected(constraint, w, rate)
                    expect(np.isfinite(after).all(), f"{what} gives numbers that are not finite")
                    expect(np.all(constraint.is_feasible(after)), f"{what} gives one that is_feasible calls infeasible")
                    expect_same_bits(projected(constraint, w, rate), after, f"{what} a second time")


def check_idempotent(constraint: Constraint) -> None:
    """If the constraint is declared idempotent, check that projecting again changes only a few roundings."""
    if not constraint.idempotent:
        return
    for shape in SHAPES:
        for dtype in DTYPES:
            for rate in RATES:
                once = projected(constraint, tensor(shape, dtype), rate)
                tolerance = 4 * float(np.finfo(dtype).eps) * np.maximum(1, np.abs(once))
                what = f"{shape}, {dtype.__name__}, rate {rate}: projected twice, against once (idempotent = False if that is meant)"
                expect_close(projected(constraint, once, rate), once, tolerance, what)


def check_agreement(constraint: Constraint) -> None:
    """Check that the kernel agrees with `project` to 64 roundings, for the given hyperparameters and for unusual ones."""
    if native_kernel(constraint) is None:
        return
    for variant in [constraint, *unusual(constraint)]:
        for shape in SHAPES:
            for dtype in DTYPES:
                for rate in RATES:
                    w = tensor(shape, dtype)
                    expected, actual = projected(variant, w, rate), kernel_projected(variant, w, rate)
                    tolerance = 64 * float(np.finfo(dtype).eps) * np.maximum(1, np.abs(expected))
                    expect_close(actual, expected, tolerance, f"{variant!r}, {shape}, {dtype.__name__}, rate {rate}: the kernel's result")


def check_parts(constraint: Constraint) -> None:
    """Check that the kernel, called on parts of a tensor one after the other, gives the same bits as on the whole."""
    if native_kernel(constraint) is None:
        return
    for shape in SHAPES:
        for dtype in DTYPES:
            w, what = tensor(shape, dtype), f"{shape}, {dtype.__name__}: the kernel's result"
            whole = kernel_projected(constraint, w, 0.5)
            expect_same_bits(kernel_projected(constraint, w, 0.5, whole=False), whole, f"{what} in parts")
            elsewhere = kernel_projected(constraint, w, 0.5, shift=w.itemsize)
            expect_same_bits(elsewhere, whole, f"{what} where the buffers begin elsewhere in memory")
