"""Clip predictions to the range of the training targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.plugin import Encoding, Extremes, Graph, Learned, Statistic, Value


class Clamp(Encoding):
    """Clip predictions to the range of the training targets, as RealMLP does; for targets only.

    Use it as the first encoding of targets: ``["clamp", "standard"]``. Encoding changes nothing; decoding clips to the smallest and the
    largest target of the training rows. Features pass through unchanged.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.
    """

    learns = {"least": "float64", "largest": "float64"}
    invertible = True

    def statistics(self, n_columns: int) -> Sequence[Statistic]:
        return (Extremes(n_columns),)

    def learn(
        self,
        statistics: Sequence[Any],
        n_columns: int,
        *,
        n_levels: NDArray[np.int64] | None = None,
        seeds: NDArray[np.uint64] | None = None,
    ) -> Learned:
        (extremes,) = statistics
        is_unknown = np.isnan(extremes.least)
        return {"least": np.where(is_unknown, 0.0, extremes.least), "largest": np.where(is_unknown, 0.0, extremes.largest)}

    def encode(self, columns: NDArray[Any], learned: Learned, out: NDArray[np.float64]) -> None:
        out[...] = columns

    def inverse(self, encoded: NDArray[np.float64], learned: Learned) -> NDArray[np.float64]:
        return np.clip(encoded, learned["least"], learned["largest"])

    def check(self, learned: Learned, n_columns: int) -> None:
        super().check(learned, n_columns)
        self.require(all(array.ndim == 1 for array in learned.values()), "has more than one number a column")
        self.require(bool((learned["least"] <= learned["largest"]).all()), "has a least number above the largest")

    def formula(self, g: Graph, x: Value, learned: Learned) -> Value:
        return x

    def inverse_formula(self, g: Graph, encoded: Value, learned: Learned) -> Value:
        return g.minimum(g.maximum(encoded, learned["least"]), learned["largest"])
