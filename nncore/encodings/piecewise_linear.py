"""Piecewise linear encoding of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.plugin import Encoding, Extremes, Graph, Learned, RowSample, Statistic, Value


class PiecewiseLinear(Encoding):
    """Piecewise linear encoding of numbers: 1 in bins below x, 0 in bins above, (x − a)/(b − a) in its own bin from a to b.

    A linear layer behind it can represent any function that is linear in each bin. The edges are distinct quantiles of the training
    numbers. Numbers beyond the training range continue the first or the last bin linearly. A constant column is dropped. A missing number
    is missing in all columns.

    Parameters
    ----------
    n_bins : int, default 48
        Largest number of bins of a column.

    References
    ----------
    Gorishniy, Rubachev & Babenko, "On embeddings for numerical features in tabular deep learning", NeurIPS 2022.
    """

    learns = {"edges": "float64", "n_edges": "int64"}
    ragged = ("edges",)
    ranges = {"n_bins": "[1, inf)"}
    whole = ("n_bins",)
    examples = ({}, {"n_bins": 1}, {"n_bins": 5})

    def __init__(self, n_bins: int = 48) -> None:
        self.n_bins = n_bins

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
        # More bins than rows have equal edges.
        sample, extremes = statistics
        found = sample.quantiles(np.linspace(0, 1, self.n_bins + 1))
        found[:, 0], found[:, -1] = extremes.least, extremes.largest
        edges = [np.unique(row[~np.isnan(row)]) for row in found]
        return {"edges": np.concatenate([np.zeros(0), *edges]), "n_edges": np.array([len(one) for one in edges], np.int64)}

    def widths(self, learned: Learned, n_columns: int) -> NDArray[np.int64]:
        return np.maximum(learned["n_edges"] - 1, 0)

    def _lines(self, learned: Learned) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Of each encoded column: its source column, its lower edge, and its bounds."""
        n_edges, edges = learned["n_edges"], learned["edges"]
        widths = self.widths(learned, len(n_edges))
        origin = np.repeat(np.arange(len(n_edges)), widths)
        number = np.arange(len(origin)) - np.repeat(np.cumsum(widths) - widths, widths)
        low = np.repeat(np.cumsum(n_edges) - n_edges, widths) + number
        is_first, is_last = number == 0, number == widths[origin] - 1
        bounds = np.where(is_first, -np.inf, 0.0), np.where(is_last, np.inf, 1.0)
        return origin, np.stack([edges[low], edges[np.minimum(low + 1, len(edges) - 1)]]), *bounds

    def encode(self, columns: NDArray[Any], learned: Learned, out: NDArray[np.float64]) -> None:
        origin, (low, high), least, most = self._lines(learned)
        np.subtract(columns[:, origin], low, out=out)
        np.divide(out, high - low, out=out)
        np.clip(out, least, most, out=out)

    def check(self, learned: Learned, n_columns: int) -> None:
        super().check(learned, n_columns)
        edges, n_edges = learned["edges"], learned["n_edges"]
        self.require(edges.ndim == 1 and n_edges.ndim == 1, "has more than one dimension")
        self.require(
            bool(((n_edges >= 0) & (n_edges <= len(edges))).all()) and n_edges.sum() == len(edges), "has other edges than it counts"
        )
        begins = np.zeros(len(edges) + 1, bool)
        begins[np.cumsum(n_edges)] = True
        self.require(bool(((np.diff(edges) > 0) | begins[1:-1]).all()), "has edges that do not rise")

    def formula(self, g: Graph, x: Value, learned: Learned) -> Value:
        origin, (low, high), least, most = self._lines(learned)
        return g.minimum(g.maximum((g.columns(x, origin.tolist()) - low) / (high - low), least), most)
