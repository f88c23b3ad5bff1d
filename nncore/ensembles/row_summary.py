"""What encodings of columns and targets learn from: a sample of the training rows of a member, and statistics of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.contract import SAMPLE_SIZE, Extremes, RowSample
from nncore.data import EncodingChain
from nncore.ensembles.input_columns import InputColumns, InputLayout
from nncore.ensembles.target_scale import TargetStatistics


@dataclass(frozen=True)
class RowSummary:
    """The training rows of a member, as far as encodings need them.

    Attributes
    ----------
    matrix : ndarray of shape (n_sampled, n_columns)
        All rows of a weight above 0, or a uniform sample of 65,536 of them.
    sample_weight : ndarray of shape (n_sampled,), float64, or None
    number_edges : ndarray of shape (n, n_numbers)
        Rows with the smallest and the largest number of each column of numbers.
    level_edges : ndarray of shape (n, n_hot), int64
        Rows with all codes of each one-hot column, -1 for missing.
    targets : TargetStatistics or None
        None if targets are not scaled.
    """

    matrix: NDArray[np.floating]
    sample_weight: NDArray[np.float64] | None
    number_edges: NDArray[np.float64]
    level_edges: NDArray[np.int64]
    targets: TargetStatistics | None

    def columns(self, layout: InputLayout, number_encodings: Sequence[Any], level_encodings: Sequence[Any], rng: Any) -> InputColumns:
        """Fit encodings, with the result of `InputColumns.learn` if the sample has all rows.

        Raises
        ------
        DataError
            If there are no rows.
        """
        rows, weights = self.matrix, self.sample_weight
        numbers = EncodingChain.of_sample(
            number_encodings, rows[:, layout.numbers], weights, self.number_edges, rng=rng, label=layout.label
        )
        hot = EncodingChain.of_sample(level_encodings, layout.levels(rows), weights, self.level_edges, n_levels=layout.hot_levels)
        return InputColumns.of_chains(layout, numbers, hot)


class RowSummaryLearner:
    """Make a `RowSummary` from blocks of any size: pass all rows to `add`, then call `summary`. No bit depends on the blocks.

    Parameters
    ----------
    layout : InputLayout
    """

    def __init__(self, layout: InputLayout) -> None:
        self._layout = layout
        self._sample: RowSample | None = None
        self._extremes = Extremes(len(layout.numbers))
        # One entry more than levels, for -1.
        self._occurs = [np.zeros(n + 1, bool) for n in layout.hot_levels.tolist()]
        self._targets: TargetStatistics | None = None
        self._waiting: list[tuple[NDArray[np.floating], NDArray[np.float64] | None]] = []
        self._n_waiting = 0

    def add(self, matrix: NDArray[np.floating], target: NDArray[np.floating] | None, sample_weight: NDArray[np.floating] | None) -> None:
        """Add the next rows. They must not change before the end. `target` is None if targets are not scaled."""
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        if target is not None:
            if self._targets is None:
                self._targets = TargetStatistics(1 if target.ndim == 1 else target.shape[1])
            self._targets.add(target, weights)
        if weights is not None and not weights.all():
            matrix, weights = matrix[weights > 0], weights[weights > 0]
        if not len(matrix):
            return
        self._extremes.add(matrix[:, self._layout.numbers], None)
        for occurs, codes in zip(self._occurs, self._layout.levels(matrix).T, strict=True):
            occurs[codes] = True
        start = 0
        while start < len(matrix):
            stop = min(len(matrix), start + SAMPLE_SIZE - self._n_waiting)
            self._waiting.append((matrix[start:stop], None if weights is None else weights[start:stop]))
            self._n_waiting += stop - start
            start = stop
            if self._n_waiting == SAMPLE_SIZE:
                self._digest()

    def _digest(self) -> None:
        """Pass the waiting rows to the sample."""
        weights = [own for _, own in self._waiting if own is not None]
        columns = np.asfortranarray(np.concatenate([matrix for matrix, _ in self._waiting]))
        self._sample = self._sample or RowSample(columns.shape[1])
        self._sample.add(columns, np.concatenate(weights) if len(weights) == len(self._waiting) else None)
        self._waiting, self._n_waiting = [], 0

    def summary(self) -> RowSummary:
        """The result, after all rows were added."""
        if self._n_waiting:
            self._digest()
        found = self._sample or RowSample(self._layout.n_columns)
        edges = np.array([self._extremes.least, self._extremes.largest])
        return RowSummary(found.columns, found.sample_weight, edges, code_edges(self._occurs), self._targets)


def code_edges(occurs: list[NDArray[np.bool_]]) -> NDArray[np.int64]:
    """Rows with all codes that occur, int64 of shape (n, n_columns).

    Parameters
    ----------
    occurs : list of ndarray of bool
        For each column: whether each code occurs, and in the last place whether -1 does.
    """
    found = [np.flatnonzero(own) for own in occurs]
    n = max([1, *map(len, found)])
    edges = np.full((n, len(occurs)), -1, np.int64)
    for column, (own, codes) in enumerate(zip(occurs, found, strict=True)):
        if len(codes):
            codes = np.where(codes == len(own) - 1, -1, codes)
            edges[:, column] = np.concatenate([codes, np.full(n - len(codes), codes[0])])
    return edges
