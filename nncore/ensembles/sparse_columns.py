"""Statistics of the columns of sparse samples, with their zeros, in the time and memory of the numbers that are not 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nncore.contract import between, row_hashes, sample_rows
from nncore.data import SparseSamples


class SparseColumns:
    """The numbers of sparse samples by column, and those of a column in rising order.

    Parameters
    ----------
    samples : SparseSamples
        At least one row; finite.
    sample_weight : ndarray of shape (n_samples,) or None
        Above 0.

    Attributes
    ----------
    n_rows : int
    least, largest : ndarray of shape (n_columns,), float64
        Smallest and largest number of each column, as `nncore.plugin.Extremes` finds them.
    """

    def __init__(self, samples: SparseSamples, sample_weight: NDArray[np.float64] | None) -> None:
        self.n_rows, n_columns = samples.shape
        columns, values, rows = samples.numbers
        is_kept = values != 0
        columns, rows = columns[is_kept], rows[is_kept]
        values = values[is_kept].astype(np.float64)
        order = np.lexsort((values, columns))
        self._columns, self._values, self._rows = columns[order], values[order], rows[order]
        self._counts = np.bincount(columns, minlength=n_columns)
        self._starts = np.cumsum(self._counts) - self._counts
        self._n_negative = np.bincount(columns[values < 0], minlength=n_columns)
        self._n_zeros = self.n_rows - self._counts
        self._weight = None if sample_weight is None or bool((sample_weight == sample_weight[0]).all()) else sample_weight
        self.least, self.largest = (self._at(np.full((n_columns, 1), place))[:, 0] for place in (0, self.n_rows - 1))

    def quantiles(self, levels: ArrayLike) -> NDArray[np.float64]:
        """Quantiles of each column, as `nncore.plugin.quantiles` finds them in dense columns.

        Parameters
        ----------
        levels : array-like of shape (n_levels,)
            From 0 to 1.

        Returns
        -------
        ndarray of shape (n_columns, n_levels), float64
        """
        q = np.asarray(levels, np.float64)
        if self._weight is not None:
            return self._weighted(q, self._weight)
        last = self.n_rows - 1
        place = q * last
        below = np.floor(place).astype(np.int64)
        shape = (len(self._counts), len(q))
        low, high = (self._at(np.broadcast_to(places, shape)) for places in (below, np.minimum(below + 1, last)))
        return between(low, high, place - below)

    def _at(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """The numbers at places of each column (n_columns, n_places) if it were sorted with its zeros."""
        first, zeros = self._n_negative[:, None], self._n_zeros[:, None]
        is_zero = (places >= first) & (places < first + zeros)
        stored = np.where(places < first, places, places - zeros) + self._starts[:, None]
        found = np.zeros(places.shape)
        found[~is_zero] = self._values[stored[~is_zero]]
        return found

    def _weighted(self, q: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """The zeros of a column are one number, from the middle of the weight of the first to that of the last."""
        n_columns, total, own = len(self._counts), float(weight.sum()), weight[self._rows]
        first_zero, last_zero = (weight[row] for row in self._rows_of_zeros())
        is_negative = self._values < 0
        before = np.bincount(self._columns[is_negative], own[is_negative], n_columns)
        of_zeros = total - np.bincount(self._columns, own, n_columns)
        begin, end = before + first_zero / 2, before + of_zeros - last_zero / 2
        lowest, highest = begin.copy(), end.copy()
        has_less, has_more = self._n_negative > 0, self._n_negative < self._counts
        lowest[has_less] = own[self._starts[has_less]] / 2
        highest[has_more] = total - own[(self._starts + self._counts - 1)[has_more]] / 2
        span = np.where(highest > lowest, highest - lowest, 1.0)
        is_zero = (self._n_zeros > 0) & ((begin - lowest) / span <= q.min()) & ((end - lowest) / span >= q.max())
        found = np.zeros((n_columns, len(q)))
        for column in np.flatnonzero(~is_zero).tolist():
            here = slice(self._starts[column], self._starts[column] + self._counts[column])
            values, weights = self._values[here], own[here]
            middle = np.cumsum(weights) - weights / 2
            less = int(self._n_negative[column])
            if self._n_zeros[column]:
                middle = np.concatenate([middle[:less], [begin[column], end[column]], middle[less:] + of_zeros[column]])
                values = np.concatenate([values[:less], [0.0, 0.0], values[less:]])
            found[column] = np.interp(q, (middle - middle[0]) / ((middle[-1] - middle[0]) or 1.0), values)
        return found

    def _rows_of_zeros(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first and the last row in which each column is 0; any, if it never is."""
        order = np.lexsort((self._rows, self._columns))
        rows, columns = self._rows[order], self._columns[order]
        place = np.arange(len(rows)) - self._starts[columns]
        leads, ends = rows == place, self.n_rows - 1 - rows == self._counts[columns] - 1 - place
        first, after = (np.bincount(columns[is_run], minlength=len(self._counts)) for is_run in (leads, ends))
        return np.minimum(first, self.n_rows - 1), np.maximum(self.n_rows - 1 - after, 0)


def sampled_columns(samples: SparseSamples, sample_weight: NDArray[np.float64] | None) -> SparseColumns:
    """The columns of the rows that `nncore.plugin.RowSample` keeps."""
    most = sample_rows(samples.shape[1])
    if len(samples) <= most:
        return SparseColumns(samples, sample_weight)
    rows = np.sort(np.argpartition(row_hashes(np.arange(len(samples))), most - 1)[:most])
    return SparseColumns(samples.select(rows), None if sample_weight is None else sample_weight[rows])
