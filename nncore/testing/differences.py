"""Central differences, to check gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nncore.testing.expectations import expect, expect_close

#: Change of each number; about the cube root of the rounding error, where truncation and rounding are equally small.
STEP = 1e-5


def numeric_gradient(value: Callable[[], float], array: np.ndarray) -> np.ndarray:
    """∂value/∂array by central differences of fourth order. `value` reads `array`, which is changed in place and restored."""
    gradient = np.empty(array.shape)
    for at in np.ndindex(array.shape):
        before, values = array[at], {}
        for k in (-2, -1, 1, 2):
            array[at] = before + k * STEP
            values[k] = value()
        array[at] = before
        gradient[at] = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * STEP)
    return gradient


def expect_gradient(analytic: np.ndarray, value: Callable[[], float], array: np.ndarray, what: str) -> None:
    """Assert that `analytic` is the gradient of `value` with respect to `array`, to about seven digits."""
    expect(analytic.shape == array.shape, f"{what} has shape {analytic.shape}, expected {array.shape}")
    numeric = numeric_gradient(value, array)
    scale = np.maximum(1, np.abs(numeric))
    expect_close(analytic, numeric, 1e-7 * scale, f"{what} against central differences")
