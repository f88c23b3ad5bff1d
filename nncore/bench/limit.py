"""Speed limits of a machine: its multiply-adds and its memory bandwidth."""

from __future__ import annotations

from dataclasses import dataclass

from nncore._core import native
from nncore.bench.grid import Case

#: Adam reads a parameter, its gradient and two moments, and writes all but the gradient: seven times four bytes.
ADAM_BYTES = 28
#: What a bandwidth is measured on: more than caches hold.
_BANDWIDTH_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Rates:
    """Peak rates of one core.

    Parameters
    ----------
    flops : float
        Floating-point operations in float32, two to a fused multiply-add.
    bandwidth : float
        Bytes read and written.
    """

    flops: float
    bandwidth: float


def measure_rates(seconds: float = 1.0) -> Rates:
    """Measure this machine on one thread, which takes about twice `seconds`."""
    return Rates(native.peak_flops(False, seconds), native.memory_bandwidth(_BANDWIDTH_BYTES, seconds))


def training_limit(case: Case, rates: Rates) -> float:
    """Seconds below which no training step can be: the products' multiply-adds and Adam's traffic for the weights; all else is left out.

    The multiply-adds are divided among the threads. The optimizer's memory traffic is not: cores share the memory, and one core alone may
    already fill it.
    """
    return case.step_flops / (rates.flops * case.threads) + ADAM_BYTES * case.n_weights / rates.bandwidth


def prediction_limit(case: Case, rates: Rates) -> float:
    """Lower limit of the time of a forward pass in seconds: only its multiply-adds."""
    return case.forward_flops / (rates.flops * case.threads)


def wanted_fraction(case: Case, limit: float) -> float:
    """The part of the limit's speed that a step on one thread is meant to reach."""
    return 0.85 if limit > 100e-6 and case.batch >= 32 else 1 / 3
