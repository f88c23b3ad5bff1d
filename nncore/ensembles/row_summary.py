"""What encodings of columns and targets learn from: a sample of the training rows of a member, and statistics of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nncore.data import EncodingChain
from nncore.ensembles.input_columns import InputColumns, InputLayout
from nncore.ensembles.target_scale import TargetStatistics


@dataclass(frozen=True)
class RowSummary:
    """The training rows of a member, as far as encodings need them.

    Attributes
    ----------
    matrix : ndarray of shape (n_sampled, n_columns)
        All rows of a weight above 0, or a uniform sample of `sample_rows` of them.
    sample_weight : ndarray of shape (n_sampled,), float64, or None
    number_edges : ndarray of shape (n, n_numbers)
        Rows with the smallest and the largest number of each column of numbers, and NaN if there is one.
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

    @classmethod
    def of(
        cls,
        layout: InputLayout,
        matrix: NDArray[np.floating],
        sample_weight: NDArray[np.floating] | None,
        edges: NDArray[np.float64],
        codes: Mapping[int, NDArray[np.int64]],
        targets: TargetStatistics | None,
    ) -> Self:
        """Make a summary.

        Parameters
        ----------
        layout : InputLayout
        matrix, sample_weight
            Sampled rows. Those of weight 0 are left out.
        edges : ndarray of shape (n, n_columns)
            Rows with the extremes of each column of numbers, and NaN if there is one.
        codes : mapping of int to ndarray of int64
            The codes that occur in each column of codes.
        targets : TargetStatistics or None
        """
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        if weights is not None and not weights.all():
            matrix, weights = matrix[weights > 0], weights[weights > 0]
        hot = zip(layout.hot.tolist(), layout.hot_levels.tolist(), strict=True)
        level_edges = _code_edges([np.unique(np.where(codes[column] < n_levels, codes[column], -1)) for column, n_levels in hot])
        return cls(matrix, weights, edges[:, layout.numbers], level_edges, targets)

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


def _code_edges(found: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Rows with all codes that occur, int64 of shape (n, n_columns), from those of each column; -1 for a column without any."""
    n = max([1, *map(len, found)])
    edges = np.full((n, len(found)), -1, np.int64)
    for column, codes in enumerate(found):
        if len(codes):
            edges[:, column] = np.concatenate([codes, np.full(n - len(codes), codes[0])])
    return edges
