"""The line search against SciPy's, by the same authors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.optimize._dcsrch import DCSRCH

from nncore.network.line_search import LineSearch

#: Value and slope of functions along a line: the test functions of Moré and Thuente, and others.
LINES: dict[str, Callable[[float], tuple[float, float]]] = {
    "a fraction": lambda a: (-a / (a * a + 2), (a * a - 2) / (a * a + 2) ** 2),
    "a power": lambda a: ((a + 0.004) ** 5 - 2 * (a + 0.004) ** 4, 5 * (a + 0.004) ** 4 - 8 * (a + 0.004) ** 3),
    "a parabola": lambda a: ((a - 3) ** 2, 2 * (a - 3)),
    "a valley that oscillates": lambda a: (0.1 * a * a - a + 0.3 * np.sin(9 * a), 0.2 * a - 1 + 2.7 * np.cos(9 * a) - 2.7),
    "a cliff": lambda a: (np.logaddexp(0, 20 * (a - 1)) - a, 20 / (1 + np.exp(-20 * (a - 1))) - 1),
    "falling for ever": lambda a: (-a, -1.0),
    "a wave": lambda a: (np.cos(a) - 0.01 * a - 1, -np.sin(a) - 0.01),
}


def ours(line: Callable[[float], tuple[float, float]], step: float) -> list[float]:
    """The steps tried by our search; the last one is the result."""
    search, tried = LineSearch(*map(float, line(0.0)), step), []
    for _ in range(40):
        tried.append(search.step)
        if search.judge(*map(float, line(search.step))):
            break
    return tried


def theirs(line: Callable[[float], tuple[float, float]], step: float) -> list[float]:
    search = DCSRCH(None, None, LineSearch.DECREASE, LineSearch.CURVATURE, LineSearch.WIDTH, 0.0, LineSearch.LARGEST)
    tried, task = [], b"START"
    value, slope = line(0.0)
    for _ in range(41):
        step, _, _, task = search._iterate(step, value, slope, task)
        if task[:2] != b"FG":
            break
        tried.append(float(step))
        value, slope = line(step)
    return tried


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("step", [1e-3, 0.1, 1.0, 10.0, 1e3])
def test_same_steps_as_scipy(name: str, step: float) -> None:
    np.testing.assert_allclose(ours(LINES[name], step), theirs(LINES[name], step)[:40], rtol=1e-9)


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=5), st.floats(1e-3, 1e3))
def test_the_value_decreases_enough(coefficients: list[float], step: float) -> None:
    polynomial = np.polynomial.Polynomial([0, -1, *coefficients, 1e-3])
    slope = polynomial.deriv()
    tried = ours(lambda a: (float(polynomial(a)), float(slope(a))), step)
    if len(tried) < 40:
        assert polynomial(tried[-1]) <= -LineSearch.DECREASE * tried[-1] + 1e-12
