"""Statistics of the columns of streamed samples, equal to those of samples in memory, to the last bit."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import _check_sample_weight

from nncore.contract import SAMPLE_SIZE, Means, Missing
from nncore.data import StreamBlock
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
    """Find columns with NaN, and the means of the other values, from blocks of `cut_anew`.

    Parameters
    ----------
    n_columns : int
    """

    def __init__(self, n_columns: int) -> None:
        self._means, self._missing = Means(n_columns), Missing(n_columns)

    def add(self, samples: NDArray[np.floating]) -> None:
        """Add the next samples."""
        numbers = np.asfortranarray(samples, np.float64)
        self._means.add(numbers, None)
        self._missing.add(numbers, None)

    def tell(self, columns: TableColumns) -> None:
        """Pass the result to the columns, after all samples were added."""
        columns.take_note(self._missing.any, self._means.mean)


def samples_of(
    columns: TableColumns, estimator: Any, blocks: Iterable[StreamBlock]
) -> Iterator[tuple[NDArray[np.floating], NDArray[np.float64] | None]]:
    """Samples and weights of blocks, after categories and dates are known."""
    first = 0
    for block in blocks:
        with told(first):
            samples = TableColumns.transform(columns, estimator, block.X, accept_sparse=["csr", "csc"])
        samples = samples.toarray() if issparse(samples) else samples
        first += len(samples)
        weights = block.sample_weight
        yield samples, None if weights is None else _check_sample_weight(weights, samples, dtype=np.float64)


def cut_anew(
    blocks: Iterable[tuple[NDArray[np.floating], NDArray[np.float64] | None]],
) -> Iterator[tuple[NDArray[np.floating], NDArray[np.float64] | None]]:
    """Cut samples and weights again into blocks of `SAMPLE_SIZE` rows, so that results do not depend on the original blocks."""
    waiting: list[tuple[NDArray[np.floating], NDArray[np.float64] | None]] = []
    n = 0

    def joined() -> tuple[NDArray[np.floating], NDArray[np.float64] | None]:
        weights = [np.ones(len(samples)) if weights is None else weights for samples, weights in waiting]
        has_none = all(weights is None for _, weights in waiting)
        return np.concatenate([samples for samples, _ in waiting]), None if has_none else np.concatenate(weights)

    for samples, weights in blocks:
        start = 0
        while start < len(samples):
            stop = min(len(samples), start + SAMPLE_SIZE - n)
            waiting.append((samples[start:stop], None if weights is None else weights[start:stop]))
            n, start = n + stop - start, stop
            if n == SAMPLE_SIZE:
                yield joined()
                waiting, n = [], 0
    if n:
        yield joined()
