"""Robust scaling: median 0 and interquartile range 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.plugin import Encoding, Extremes, Graph, Learned, RowSample, Statistic, Value


class Robust(Encoding):
    """Robust scaling by median and interquartile range, which outliers do not affect: (x − median)·f, f = 1/(q₇₅ − q₂₅).

    If the two quartiles are equal, f = 2/(max − min); for a constant column f = 0. RealMLP scales numbers and one-hot columns like this. A
    missing number stays missing, and is left out of the quantiles. With sample weights, each number is at the middle of its weight, and
    quantiles are linear in between.

    Parameters
    ----------
    tail : float, default 0.25
        Fraction of the numbers below the lower of the two quantiles, and above the upper one.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.
    """

    learns = {"median": "float64", "factor": "float64"}
    invertible = True
    ranges = {"tail": "(0, 0.5)"}

    def __init__(self, tail: float = 0.25) -> None:
        self.tail = tail

    def statistics(self, n_columns: int) -> Sequence[Statistic]:
        return (RowSample(n_columns), Extremes(n_columns))

    def learn(
        self,
        statistics: Sequence[Any],
        n_columns: int,
        *,
        n_levels: NDArray[np.int64] | None = None,
        seeds: NDArray[np.uint64] | None = None,
    ) -> Learned:
        sample, extremes = statistics
        lower, median, upper = sample.quantiles([self.tail, 0.5, 1 - self.tail]).T
        tiny = np.finfo(np.float64).tiny  # what is smaller has no finite reciprocal
        between, spread = upper - lower, extremes.largest - extremes.least
        width = np.where(between >= tiny, between, spread / 2)
        is_varied = spread / 2 >= tiny  # False too where nothing is there
        factor = np.divide(1.0, width, out=np.zeros_like(width), where=is_varied)
        # Numbers too large to be subtracted have no factor: the host says so.
        factor[np.isinf(spread)] = np.inf
        return {"median": np.where(np.isnan(median), 0.0, median), "factor": factor}

    def encode(self, columns: NDArray[Any], learned: Learned, out: NDArray[np.float64]) -> None:
        np.subtract(columns, learned["median"], out=out)
        np.multiply(out, learned["factor"], out=out)

    def inverse(self, encoded: NDArray[np.float64], learned: Learned) -> NDArray[np.float64]:
        factor = learned["factor"]
        numbers: NDArray[np.float64] = encoded / np.where(factor > 0, factor, np.inf) + learned["median"]
        return numbers

    def check(self, learned: Learned, n_columns: int) -> None:
        super().check(learned, n_columns)
        self.require(all(array.ndim == 1 for array in learned.values()), "has more than one number a column")
        self.require(bool((learned["factor"] >= 0).all()), "has a negative factor")

    def formula(self, g: Graph, x: Value, learned: Learned) -> Value:
        return (x - learned["median"]) * learned["factor"]

    def inverse_formula(self, g: Graph, encoded: Value, learned: Learned) -> Value:
        factor = learned["factor"]
        return encoded / np.where(factor > 0, factor, np.inf) + learned["median"]
