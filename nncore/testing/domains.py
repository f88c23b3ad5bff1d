"""Check that outputs of a component are in the domain that it declares."""

from __future__ import annotations

import numpy as np

from nncore.contract import DISTRIBUTION, INPUT, bounds
from nncore.testing.expectations import expect, expect_same_bits


def expect_in_domain(values: np.ndarray, inputs: np.ndarray, domain: str | None, what: str) -> None:
    """Assert that `values`, computed from `inputs`, are in the domain up to rounding. Both have shape (n_rows, n_columns)."""
    if domain is None:
        return
    said = f"{what}: output_domain is {domain!r}, but"
    if domain == INPUT:
        expect_same_bits(values, inputs, f"{said} it changes its input; the output")
        return
    low, high = bounds("(0, 1)" if domain == DISTRIBUTION else domain)
    rounding = 1e-6 * np.abs([end for end in (low, high) if np.isfinite(end)]).max(initial=0)
    is_inside = (values >= low - rounding) & (values <= high + rounding)
    expect(bool(is_inside.all()), f"{said} it gives numbers from {values.min():.6g} to {values.max():.6g}")
    if domain == DISTRIBUTION:  # of one group of columns or several
        sums = values.sum(axis=1)
        wrong = ~np.isclose(sums, np.round(sums), atol=1e-6)
        expect(not wrong.any(), f"{said} a row sums to {sums[wrong][:1]}")
