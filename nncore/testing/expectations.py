"""Assertions with clear messages, which also work under ``python -O`` and without pytest."""

from __future__ import annotations

import numpy as np


def expect(condition: object, message: str) -> None:
    """Raise AssertionError with `message` unless `condition` holds."""
    if not condition:
        raise AssertionError(message)


def expect_same_bits(actual: np.ndarray, expected: np.ndarray, what: str) -> None:
    """Raise AssertionError, naming the first difference, unless both arrays hold the same numbers; NaN equals NaN."""
    expect(actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}")
    if (actual == expected).all():
        return
    different = np.argwhere((actual != expected) & ~(np.isnan(actual) & np.isnan(expected)))
    if len(different):
        at = tuple(int(i) for i in different[0])
        raise AssertionError(f"{what}: {actual[at]!r} at {list(at)}, expected {expected[at]!r}; {len(different)} of {actual.size} differ")


def expect_close(actual: np.ndarray, expected: np.ndarray, tolerance: float | np.ndarray, what: str) -> None:
    """Raise AssertionError, naming the worst entry, if |actual − expected| exceeds `tolerance` somewhere; NaN and ∞ must agree in kind."""
    expect(actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}")
    with np.errstate(all="ignore"):
        same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
        error = np.where(same, 0, np.abs(actual.astype(np.float64) - expected.astype(np.float64)))
        excess = np.where(same, 0, error - tolerance)
    excess[np.isnan(excess)] = np.inf  # an error or a tolerance that is NaN
    if excess.size and excess.max() > 0:
        at = tuple(int(i) for i in np.unravel_index(excess.argmax(), excess.shape))
        allowed = np.broadcast_to(tolerance, error.shape)[at]
        raise AssertionError(
            f"{what}: {actual[at]!r} at {list(at)}, expected {expected[at]!r}; off by {error[at]:.3g}, allowed {allowed:.3g}; "
            f"{int((excess > 0).sum())} of {actual.size} are off"
        )
