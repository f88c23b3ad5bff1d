"""Standardisation: mean 0 and standard deviation 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.plugin import Encoding, Graph, Learned, Moments, Statistic, Value

#: A constant column has at most this standard deviation, from rounding, relative to its mean.
NOISE = 1e-12


class Standard(Encoding):
    """Standardise each column to mean 0 and standard deviation 1, as scikit-learn's ``StandardScaler``: (x − mean)/std.

    It is for features and targets; `inverse` restores targets. Mean and standard deviation (divided by Σw) are those of the numbers that
    are not missing, with sample weights. A constant column becomes 0: its standard deviation is set to 1. A missing number stays missing.
    """

    learns = {"mean": "float64", "std": "float64"}
    invertible = True

    def statistics(self, n_columns: int) -> Sequence[Statistic]:
        return (Moments(n_columns),)

    def learn(
        self,
        statistics: Sequence[Any],
        n_columns: int,
        *,
        n_levels: NDArray[np.int64] | None = None,
        seeds: NDArray[np.uint64] | None = None,
    ) -> Learned:
        (moments,) = statistics
        mean, std = moments.mean, moments.std
        return {"mean": mean, "std": np.where(np.isfinite(std) & (std <= NOISE * np.abs(mean)), 1.0, std)}

    def encode(self, columns: NDArray[Any], learned: Learned, out: NDArray[np.float64]) -> None:
        np.subtract(columns, learned["mean"], out=out)
        np.divide(out, learned["std"], out=out)

    def inverse(self, encoded: NDArray[np.float64], learned: Learned) -> NDArray[np.float64]:
        numbers: NDArray[np.float64] = encoded * learned["std"] + learned["mean"]
        return numbers

    def check(self, learned: Learned, n_columns: int) -> None:
        super().check(learned, n_columns)
        self.require(all(array.ndim == 1 for array in learned.values()), "has more than one number a column")
        self.require(bool((learned["std"] > 0).all()), "has a std that is not positive")

    def formula(self, g: Graph, x: Value, learned: Learned) -> Value:
        return (x - learned["mean"]) / learned["std"]

    def inverse_formula(self, g: Graph, encoded: Value, learned: Learned) -> Value:
        return encoded * learned["std"] + learned["mean"]
