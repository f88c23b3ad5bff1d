"""The groups in the critical-difference diagram."""

from __future__ import annotations

import numpy as np
from tabular_bench.pictures import groups


def test_runs_inside_others_are_left_out() -> None:
    assert groups(np.array([1.0, 1.5, 2.0, 4.0]), 1.0) == [(0, 2)]
    assert groups(np.array([1.0, 1.5, 2.5, 4.0]), 1.0) == [(0, 1), (1, 2)]


def test_who_stands_alone_has_no_bar() -> None:
    assert groups(np.array([1.0, 3.0]), 1.0) == []
