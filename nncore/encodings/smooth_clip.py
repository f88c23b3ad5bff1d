"""Smooth clipping of outliers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.plugin import Encoding, Graph, Learned, Value

#: √(1 + r²) is |r| here and beyond, in float64; and r² is in the range of float32.
SATURATED = 1e15


class SmoothClip(Encoding):
    """Smooth clipping of outliers to ±limit: x/√(1 + (x/limit)²), which is about x near 0.

    Put it behind a scaling such as `robust`: the limit is in units of the scaled column. A missing number stays missing.

    Parameters
    ----------
    limit : float, default 3.0
        Bound that no number exceeds.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.
    """

    ranges = {"limit": "(0, inf)"}
    invertible = True

    def __init__(self, limit: float = 3.0) -> None:
        self.limit = limit

    def encode(self, columns: NDArray[Any], learned: Learned, out: NDArray[np.float64]) -> None:
        np.divide(columns, self.limit, out=out)
        np.clip(out, -SATURATED, SATURATED, out=out)
        root = np.multiply(out, out)
        root += 1
        np.divide(out, np.sqrt(root, out=root), out=out)
        np.multiply(out, self.limit, out=out)

    def inverse(self, encoded: NDArray[np.float64], learned: Learned) -> NDArray[np.float64]:
        part = np.clip(encoded / self.limit, -1, 1)
        numbers: NDArray[np.float64] = self.limit * np.clip(part / np.sqrt((1 - part) * (1 + part)), -SATURATED, SATURATED)
        return numbers

    def formula(self, g: Graph, x: Value, learned: Learned) -> Value:
        part = g.minimum(g.maximum(x / self.limit, -SATURATED), SATURATED)
        return part / g.sqrt(1 + part * part) * self.limit

    def inverse_formula(self, g: Graph, encoded: Value, learned: Learned) -> Value:
        part = g.minimum(g.maximum(encoded / self.limit, -1), 1)
        return g.minimum(g.maximum(part / g.sqrt((1 - part) * (1 + part)), -SATURATED), SATURATED) * self.limit
