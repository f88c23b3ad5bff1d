"""Ordinal encoding of categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.plugin import Encoding, Graph, Learned, Value


class Ordinal(Encoding):
    """Ordinal encoding: category codes as numbers, for an `nncore.Embedding`; -1 is missing or unknown."""

    takes = "levels"
    gives = "levels"
    learns = {"n_levels": "int64"}
    invertible = True

    def learn(
        self,
        statistics: Sequence[Any],
        n_columns: int,
        *,
        n_levels: NDArray[np.int64] | None = None,
        seeds: NDArray[np.uint64] | None = None,
    ) -> Learned:
        return {"n_levels": np.array(n_levels, np.int64)}

    def encode(self, columns: NDArray[Any], learned: Learned, out: NDArray[np.float64]) -> None:
        out[...] = columns

    def inverse(self, encoded: NDArray[np.float64], learned: Learned) -> NDArray[np.float64]:
        return encoded.copy()

    def check(self, learned: Learned, n_columns: int) -> None:
        super().check(learned, n_columns)
        n_levels = learned["n_levels"]
        self.require(n_levels.ndim == 1 and bool((n_levels >= 0).all()), "has n_levels that count nothing")

    def formula(self, g: Graph, x: Value, learned: Learned) -> Value:
        return x

    def inverse_formula(self, g: Graph, encoded: Value, learned: Learned) -> Value:
        return encoded
