"""What encodings of columns and targets learn from: a sample of the training rows of a member, and statistics of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.contract import SAMPLE_SIZE, Extremes, row_hashes
from nncore.data import EncodingChain
from nncore.ensembles.input_columns import InputColumns, InputLayout
from nncore.ensembles.target_scale import TargetStatistics
from nncore.tabular import KeptRows


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


class SummariesLearner:
    """Make a `RowSummary` of each of several sets of rows, in one pass over blocks of any size. No bit depends on the blocks.

    Sets share their sampled rows: those whose numbers have the smallest hashes.

    Parameters
    ----------
    layout : InputLayout
    n_sets : int
    """

    def __init__(self, layout: InputLayout, n_sets: int) -> None:
        self._layout = layout
        self._extremes = [Extremes(len(layout.numbers)) for _ in range(n_sets)]
        # One entry more than levels, for -1.
        self._occurs = [[np.zeros(n + 1, bool) for n in layout.hot_levels.tolist()] for _ in range(n_sets)]
        self._targets: list[TargetStatistics] | None = None
        self._sampled = KeptRows[_Weighted](n_sets, SAMPLE_SIZE, _Weighted.chosen)

    def add(
        self,
        numbers: NDArray[np.int64],
        matrix: NDArray[np.floating],
        target: NDArray[np.floating] | None,
        sample_weight: NDArray[np.floating] | None,
        members: NDArray[np.bool_],
    ) -> None:
        """Add the next rows.

        Parameters
        ----------
        numbers : ndarray of shape (n,), int64
            Their numbers among all rows.
        matrix : ndarray of shape (n, n_columns)
        target : ndarray of shape (n,) or (n, n_targets), or None
            None if targets are not scaled.
        sample_weight : ndarray of shape (n,) or None
            Rows of weight 0 are left out.
        members : ndarray of shape (n_sets, n), bool
            Whether each row is in each set.
        """
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        counted = members if weights is None else members & (weights > 0)
        if target is not None and self._targets is None:
            self._targets = [TargetStatistics(1 if target.ndim == 1 else target.shape[1]) for _ in members]
        codes = self._layout.levels(matrix).T
        for number, own in enumerate(counted):
            places: Any = slice(None) if own.all() else np.flatnonzero(own)
            if not own.any():
                continue
            self._extremes[number].add(matrix[places][:, self._layout.numbers], None)
            for occurs, of_column in zip(self._occurs[number], codes, strict=True):
                occurs[of_column[places]] = True
            if target is not None and self._targets is not None:
                self._targets[number].add(target[places], None if weights is None else weights[places])
        self._sampled.add(_Weighted(matrix, weights), row_hashes(numbers), counted)

    def summary(self, number: int) -> RowSummary:
        """The result for a set, after all rows were added."""
        found = list(self._sampled.chosen(self._sampled.places(number)))
        weights = [own.weights for own in found if own.weights is not None]
        extremes = self._extremes[number]
        return RowSummary(
            np.concatenate([own.matrix for own in found]) if found else np.empty((0, self._layout.n_columns)),
            np.concatenate(weights) if found and len(weights) == len(found) else None,
            np.array([extremes.least, extremes.largest]),
            code_edges(self._occurs[number]),
            None if self._targets is None else self._targets[number],
        )


@dataclass(frozen=True)
class _Weighted:
    """Rows and their weights."""

    matrix: NDArray[np.floating]
    weights: NDArray[np.float64] | None

    def chosen(self, places: NDArray[np.int64]) -> _Weighted:
        """Copy some rows."""
        return _Weighted(self.matrix[places], None if self.weights is None else self.weights[places])


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
