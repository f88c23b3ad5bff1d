"""Statistics of columns for encodings, computed in one pass over rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nncore.contract.quantiles import quantiles
from nncore.contract.splitmix import row_hashes

#: Largest number of rows in a call of a statistic, and of rows that a `RowSample` keeps. Up to this many, all statistics are exact.
SAMPLE_SIZE = 2**16

#: Largest number of cells in a call of a statistic, and in a `RowSample`; and smallest number of rows of one. Memory is bounded by them.
_BLOCK_CELLS, _SAMPLE_CELLS, _LEAST_SAMPLE = 2**22, 2**23, 2**13


def block_rows(n_columns: int) -> int:
    """Number of rows in a call of a statistic of a table: 65,536, and a smaller power of two for more than 64 columns."""
    return min(SAMPLE_SIZE, _power_of_two(_BLOCK_CELLS, n_columns))


def sample_rows(n_columns: int) -> int:
    """Number of rows in a `RowSample` of a table: 65,536, and a smaller power of two, down to 8,192, for more than 128 columns."""
    return max(_LEAST_SAMPLE, min(SAMPLE_SIZE, _power_of_two(_SAMPLE_CELLS, n_columns)))


def _power_of_two(n_cells: int, n_columns: int) -> int:
    """The largest power of two of rows that have at most `n_cells` cells; at least 1."""
    return int(2 ** (max(1, n_cells // max(1, n_columns)).bit_length() - 1))


class Statistic(ABC):
    """A statistic of columns that is computed in one pass over their rows.

    The host calls `add` for 65,536 rows at a time, and for the rest at the end, in the order of the data. With more than 64 columns, it is
    fewer rows. So results do not depend on the blocks in which a file is read, or on whether the rows are in memory.
    """

    @abstractmethod
    def add(self, columns: NDArray[Any], sample_weight: NDArray[np.float64] | None) -> None:
        """Add the next rows.

        Parameters
        ----------
        columns : ndarray of shape (n_samples, n_columns)
            At least one row, of the type that the encoding `takes`. Each column is contiguous. The array is read-only, and does not change
            until the encoding has learned.
        sample_weight : ndarray of shape (n_samples,), float64, or None
            Weights above 0. None is 1 for all.
        """


class Means(Statistic):
    """Weighted mean of the numbers of each column, without missing ones.

    Each column is summed separately. Means of the rows of each call are combined in the order of the calls. See Chan, Golub & LeVeque,
    "Updating formulae and a pairwise algorithm for computing sample variances", 1979.

    Parameters
    ----------
    n_columns : int
        Number of columns.

    Attributes
    ----------
    mean : ndarray of shape (n_columns,), float64
        0 for a column without numbers.
    weight : ndarray of shape (n_columns,), float64
        Sum of the weights of the rows in which a column has a number.
    """

    def __init__(self, n_columns: int) -> None:
        self.mean, self.weight = np.zeros(n_columns), np.zeros(n_columns)

    def add(self, columns: NDArray[Any], sample_weight: NDArray[np.float64] | None) -> None:
        self._combine(*_means(columns, sample_weight))

    def _combine(self, mean: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the mean of other rows into account; returns the share that these have in all."""
        total = self.weight + weight
        share = np.divide(weight, total, out=np.zeros_like(total), where=total > 0)
        # A share of 1 gives the new mean itself, and 0 the old one: no bit is lost where one of them is of nothing.
        self.mean = np.where(share == 1, mean, self.mean + (mean - self.mean) * share)
        self.weight = total
        return share


class Moments(Means):
    """Mean and standard deviation of the numbers of each column, without missing ones.

    Parameters
    ----------
    n_columns : int

    Attributes
    ----------
    mean, weight : ndarray of shape (n_columns,), float64
        As those of `Means`.
    std : ndarray of shape (n_columns,), float64
        √(Σw(x − mean)²/Σw); 0 for a column without numbers.
    """

    def __init__(self, n_columns: int) -> None:
        super().__init__(n_columns)
        self._variance = np.zeros(n_columns)

    def add(self, columns: NDArray[Any], sample_weight: NDArray[np.float64] | None) -> None:
        mean, weight = _means(columns, sample_weight)
        squares = columns - mean
        np.square(squares, out=squares)
        variance, distance = _means(squares, sample_weight)[0], mean - self.mean
        share = self._combine(mean, weight)
        between = np.where((share > 0) & (share < 1), np.square(distance) * share * (1 - share), 0.0)
        self._variance = np.where(share == 1, variance, self._variance + (variance - self._variance) * share + between)

    @property
    def std(self) -> NDArray[np.float64]:
        std: NDArray[np.float64] = np.sqrt(self._variance)
        return std


class Extremes(Statistic):
    """Smallest and largest number of each column.

    Parameters
    ----------
    n_columns : int

    Attributes
    ----------
    least, largest : ndarray of shape (n_columns,), float64
        NaN for a column without numbers.
    """

    def __init__(self, n_columns: int) -> None:
        self.least, self.largest = np.full(n_columns, np.nan), np.full(n_columns, np.nan)

    def add(self, columns: NDArray[Any], sample_weight: NDArray[np.float64] | None) -> None:
        self.least = np.fmin(self.least, np.fmin.reduce(columns, axis=0))
        self.largest = np.fmax(self.largest, np.fmax.reduce(columns, axis=0))


class Missing(Statistic):
    """Whether each column has missing values.

    Parameters
    ----------
    n_columns : int

    Attributes
    ----------
    any : ndarray of shape (n_columns,), bool
    """

    def __init__(self, n_columns: int) -> None:
        self.any = np.zeros(n_columns, bool)
        #: A row of what is there, and which of its columns are missing until now.
        self._row: NDArray[Any] | None = None
        self._wanted = np.arange(n_columns)

    def add(self, columns: NDArray[Any], sample_weight: NDArray[np.float64] | None) -> None:
        is_missing = np.isnan(columns)
        self.any |= is_missing.any(axis=0)
        self._row = columns[:1].copy() if self._row is None else self._row
        for column in self._wanted[~is_missing[:, self._wanted].all(axis=0)].tolist():
            self._row[0, column] = columns[is_missing[:, column].argmin(), column]
        self._wanted = np.flatnonzero(np.isnan(self._row[0]))

    def behind(self, encode: Callable[[NDArray[Any]], NDArray[Any]]) -> Self:
        """Return this statistic of the encoded rows, if an encoded number is missing exactly where the number is.

        Parameters
        ----------
        encode : callable
            ``encode(columns)`` returns encoded columns.

        Returns
        -------
        Missing
        """
        assert self._row is not None, "there were rows"
        there = encode(self._row)
        found = type(self)(there.shape[1])
        row = self._row.copy()
        row[:, self.any] = np.array("NaT" if row.dtype.kind == "M" else np.nan, row.dtype)
        found.any, found._row, found._wanted = np.isnan(encode(row)[0]), there, np.flatnonzero(np.isnan(there[0]))
        return found


class RowSample(Statistic):
    """A uniform sample of rows, for medians and other quantiles: all of up to 65,536 rows, else 65,536 of them.

    Of more rows, it keeps those whose numbers have the smallest hashes. The fraction of all rows below a quantile of level q then differs
    from q by a random number of standard deviation √(q(1 − q)/65,536), 0.002 at the median. Rows are drawn among those with a weight above
    0, the same for all columns. Of tables of more than 128 columns, the host lets it keep fewer rows, at least 8,192.

    Parameters
    ----------
    n_columns : int
        Number of columns.

    Attributes
    ----------
    most : int
        Largest number of rows.
    """

    def __init__(self, n_columns: int) -> None:
        self.most = SAMPLE_SIZE
        self._n_columns, self._n_seen = n_columns, 0
        #: The rows. They are as they were given, until `_is_ours`.
        self._blocks: list[tuple[NDArray[Any], NDArray[np.float64] | None]] = []
        self._is_ours = False
        self._rows: NDArray[np.int64] | None = None

    @property
    def columns(self) -> NDArray[Any]:
        """The rows, of shape (n_sampled, n_columns), in the order of the data if they are all rows. Do not write to them."""
        return self._joined()[0]

    @property
    def sample_weight(self) -> NDArray[np.float64] | None:
        """The weights of the rows, of shape (n_sampled,), or None."""
        return self._joined()[1]

    def _joined(self) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        if not self._blocks:
            return np.empty((0, self._n_columns)), None
        if len(self._blocks) > 1:
            blocks, self._blocks = self._blocks, []
            columns = np.empty((sum(len(own) for own, _ in blocks), self._n_columns), blocks[0][0].dtype, order="F")
            np.concatenate([own for own, _ in blocks], out=columns)
            weights = [own for _, own in blocks if own is not None]
            self._blocks, self._is_ours = [(columns, np.concatenate(weights) if weights else None)], True
        return self._blocks[0]

    def add(self, columns: NDArray[Any], sample_weight: NDArray[np.float64] | None) -> None:
        free = max(0, self.most - self._n_seen)
        if free:
            self._blocks.append((columns[:free], None if sample_weight is None else sample_weight[:free]))
        self._n_seen += len(columns)
        if len(columns) > free:
            self._replace(columns[free:], None if sample_weight is None else sample_weight[free:])

    def _replace(self, new: NDArray[Any], new_weight: NDArray[np.float64] | None) -> None:
        """Replace rows by the next ones, where these have smaller hashes."""
        columns, weight = self._joined()
        if not self._is_ours:
            columns, weight = np.array(columns, order="F"), None if weight is None else weight.copy()
            self._blocks, self._is_ours = [(columns, weight)], True
        if self._rows is None:
            self._rows = np.arange(self.most)
        rows = np.arange(self._n_seen - len(new), self._n_seen)
        known, new_hashes = row_hashes(self._rows), row_hashes(rows)
        better = np.flatnonzero(new_hashes < known.max())
        kept = np.argpartition(np.concatenate([known, new_hashes[better]]), self.most - 1)[: self.most]
        is_left = np.zeros(self.most, bool)
        is_left[kept[kept < self.most]] = True
        places, taken = np.flatnonzero(~is_left), better[np.sort(kept[kept >= self.most]) - self.most]
        self._rows[places] = rows[taken]
        for own, new_numbers in zip(columns.T, new.T, strict=True):
            own[places] = new_numbers[taken]
        if weight is not None and new_weight is not None:
            weight[places] = new_weight[taken]

    def behind(self, encode: Callable[[NDArray[Any]], NDArray[Any]]) -> Self:
        """Return this sample of the encoded rows. The same rows are drawn, since the draw does not depend on their content.

        Parameters
        ----------
        encode : callable
            ``encode(columns)`` returns encoded columns.

        Returns
        -------
        RowSample
        """
        columns = encode(self.columns)
        found = type(self)(columns.shape[1])
        found._blocks, found.most, found._rows, found._n_seen = [(columns, self.sample_weight)], self.most, self._rows, self._n_seen
        return found

    def quantiles(self, levels: ArrayLike) -> NDArray[np.float64]:
        """Compute quantiles of each column without its missing numbers, linear between neighbours.

        Without weights they are those of `numpy.quantile`. With weights each number is at the middle of its weight.

        Parameters
        ----------
        levels : array-like of shape (n_levels,)
            From 0 to 1.

        Returns
        -------
        ndarray of shape (n_columns, n_levels), float64
            NaN for a column without numbers.
        """
        return quantiles(self.columns, levels, self.sample_weight)


def _means(columns: NDArray[Any], sample_weight: NDArray[np.float64] | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean of what is there of each column, 0 where nothing is, and the sum of its weights; both of shape (n_columns,)."""
    x = columns.T
    of_all = 1.0
    if sample_weight is not None and (sample_weight == sample_weight[0]).all():
        of_all, sample_weight = float(sample_weight[0]), None
    is_there = ~np.isnan(x)
    # About a value of each column, so that a small deviation from a large mean keeps its digits.
    origin = np.take_along_axis(x, is_there.argmax(axis=1)[:, None], axis=1)
    with np.errstate(over="ignore"):
        terms = x - origin
    total: Any
    if is_there.all():
        total = np.full(len(x), float(len(columns)) if sample_weight is None else sample_weight.sum())
    else:
        origin, terms = np.where(np.isnan(origin), 0.0, origin), np.where(is_there, terms, 0.0)
        total = is_there.sum(axis=1) if sample_weight is None else np.where(is_there, sample_weight, 0.0).sum(axis=1)
    if sample_weight is not None:
        np.multiply(terms, sample_weight, out=terms)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = origin[:, 0] + terms.sum(axis=1) / np.where(total > 0, total, 1.0)
    for column in np.flatnonzero(~np.isfinite(mean)):  # a sum of huge numbers may overflow, their mean does not
        weights = np.ones(1) if sample_weight is None else sample_weight
        mean[column] = np.where(is_there[column], x[column] * (weights / total[column]), 0.0).sum()
    return mean, total * of_all
