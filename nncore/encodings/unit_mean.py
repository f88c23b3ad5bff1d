"""Scale columns to mean 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.plugin import Encoding, Graph, Learned, Means, Statistic, Value


class UnitMean(Encoding):
    """Scale each column to mean 1: x/mean, for counts, rates and durations, whose 0 must stay 0.

    The mean is that of the numbers that are not missing, with sample weights. If it is not positive, it is set to 1. A missing number stays
    missing.
    """

    learns = {"mean": "float64"}
    invertible = True

    def statistics(self, n_columns: int) -> Sequence[Statistic]:
        return (Means(n_columns),)

    def learn(
        self,
        statistics: Sequence[Any],
        n_columns: int,
        *,
        n_levels: NDArray[np.int64] | None = None,
        seeds: NDArray[np.uint64] | None = None,
    ) -> Learned:
        (means,) = statistics
        mean: NDArray[np.float64] = means.mean
        return {"mean": np.where(mean <= 0, 1.0, mean)}

    def encode(self, columns: NDArray[Any], learned: Learned, out: NDArray[np.float64]) -> None:
        np.divide(columns, learned["mean"], out=out)

    def inverse(self, encoded: NDArray[np.float64], learned: Learned) -> NDArray[np.float64]:
        numbers: NDArray[np.float64] = encoded * learned["mean"]
        return numbers

    def check(self, learned: Learned, n_columns: int) -> None:
        super().check(learned, n_columns)
        mean = learned["mean"]
        self.require(mean.ndim == 1 and bool((mean > 0).all()), "has no positive mean for each column")

    def formula(self, g: Graph, x: Value, learned: Learned) -> Value:
        return x / learned["mean"]

    def inverse_formula(self, g: Graph, encoded: Value, learned: Learned) -> Value:
        return encoded * learned["mean"]
