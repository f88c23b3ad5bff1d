from __future__ import annotations

import pytest

from nncore.bench.grid import Case
from nncore.bench.limit import Rates, measure_rates, prediction_limit, training_limit, wanted_fraction

#: A core of the reference machine.
REFERENCE = Rates(flops=115e9, bandwidth=42e9)


@pytest.mark.parametrize(
    ("widths", "batch", "microseconds"),
    [
        ((4, 16, 16, 3), 1, 0.3),
        ((4, 16, 16, 3), 512, 9.5),
        ((16, 64, 64, 10), 32, 12.9),
        ((54, 256, 256, 7), 128, 565),
        ((784, 128, 10), 8, 96),
        ((784, 512, 512, 10), 1, 474),
        ((1024, 2048, 2048, 10), 2048, 603957),
    ],
)
def test_training_limits_of_the_reference_machine(widths: tuple[int, ...], batch: int, microseconds: float) -> None:
    assert 1e6 * training_limit(Case(widths, batch), REFERENCE) == pytest.approx(microseconds, abs=0.05 if microseconds < 20 else 0.5)


@pytest.mark.parametrize(("widths", "batch", "microseconds"), [((4, 16, 16, 3), 1, 0.006), ((784, 512, 512, 10), 1024, 11908)])
def test_prediction_limits_of_the_reference_machine(widths: tuple[int, ...], batch: int, microseconds: float) -> None:
    assert 1e6 * prediction_limit(Case(widths, batch), REFERENCE) == pytest.approx(microseconds, rel=0.07 if microseconds < 1 else 1e-4)


def test_threads_share_the_arithmetic_and_not_the_memory() -> None:
    one, two = (Case((784, 128, 10), 32, threads) for threads in (1, 2))
    memory = 28 * one.n_weights / 42e9
    assert training_limit(two, REFERENCE) - memory == pytest.approx((training_limit(one, REFERENCE) - memory) / 2)
    assert prediction_limit(two, REFERENCE) == prediction_limit(one, REFERENCE) / 2


def test_what_is_wanted() -> None:
    assert wanted_fraction(Case((4, 3), 32), limit=101e-6) == 0.85
    assert wanted_fraction(Case((4, 3), 31), limit=101e-6) == pytest.approx(1 / 3)
    assert wanted_fraction(Case((4, 3), 32), limit=99e-6) == pytest.approx(1 / 3)


def test_this_machine_computes_and_remembers() -> None:
    rates = measure_rates(0.01)
    assert rates.flops > 1e8
    assert rates.bandwidth > 1e8
