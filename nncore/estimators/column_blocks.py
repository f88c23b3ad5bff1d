"""Statistics of the columns of streamed samples, equal to those of samples in memory, to the last bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Means, Missing, block_rows
from nncore.estimators.columns import TableColumns


@contextmanager
def told(first: int) -> Iterator[None]:
    """Add a note to errors inside the ``with`` block that names the block of the stream by the number of its first row."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in a block of which row 0 is row {first} of X")
        raise


class NumberFacts:
    """Find columns with NaN, and the means of the other values, from blocks of `cut_anew` with a column for each of `X`.

    Parameters
    ----------
    n_columns : int
        Number of columns of `X`.
    """

    def __init__(self, n_columns: int) -> None:
        self._means, self._missing = Means(n_columns), Missing(n_columns)

    def add(self, samples: NDArray[np.floating]) -> None:
        """Add the next samples."""
        numbers = np.asfortranarray(samples, np.float64)
        self._means.add(numbers, None)
        self._missing.add(numbers, None)

    def of_columns(self, columns: TableColumns, missing_dates: dict[int, bool]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """The result for columns of samples, after all samples were added, for `TableColumns.take_note`.

        Parameters
        ----------
        columns : TableColumns
        missing_dates : dict of int to bool
            Whether each date column of `X` has missing dates.
        """
        has_missing, means = np.zeros(columns.n_columns, bool), np.zeros(columns.n_columns)
        for i, start in enumerate(columns.starts.tolist()):
            if i in missing_dates:
                has_missing[start : start + columns.dates[i].width] = missing_dates[i]
            else:
                has_missing[start], means[start] = self._missing.any[i], self._means.mean[i]
        return has_missing, means


def cut_anew(
    blocks: Iterable[tuple[NDArray[np.floating], NDArray[np.float64] | None]],
) -> Iterator[tuple[NDArray[np.floating], NDArray[np.float64] | None]]:
    """Cut samples and weights again into blocks of `block_rows`, so that results do not depend on the original blocks."""
    waiting: list[tuple[NDArray[np.floating], NDArray[np.float64] | None]] = []
    n = 0

    def joined() -> tuple[NDArray[np.floating], NDArray[np.float64] | None]:
        weights = [np.ones(len(samples)) if weights is None else weights for samples, weights in waiting]
        has_none = all(weights is None for _, weights in waiting)
        return np.concatenate([samples for samples, _ in waiting]), None if has_none else np.concatenate(weights)

    for samples, weights in blocks:
        start, at_once = 0, block_rows(samples.shape[1])
        while start < len(samples):
            stop = min(len(samples), start + at_once - n)
            waiting.append((samples[start:stop], None if weights is None else weights[start:stop]))
            n, start = n + stop - start, stop
            if n == at_once:
                yield joined()
                waiting, n = [], 0
    if n:
        yield joined()
