"""Fit columns to streamed samples: categories, dates, and statistics of numbers."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Encoding
from nncore.data import ChainLearner, StreamBlock, is_missing
from nncore.ensembles import label_of_number
from nncore.errors import DataError
from nncore.estimators.categories import Categories
from nncore.estimators.column_blocks import NumberFacts, cut_anew, samples_of, told
from nncore.estimators.columns import TableColumns
from nncore.estimators.dates import DatesLearner
from nncore.estimators.frames import Columns, Factorized, frame_columns

#: Largest number of distinct values of a category in streamed data. More would take memory proportional to the file.
MOST_VALUES = 1_000_000

#: Each call yields all blocks: `X` in the user's form, and checked weights.
Passes = Callable[[], Iterable[StreamBlock]]

#: Blocks of samples, and their weights.
Samples = Iterator[tuple[NDArray[np.floating], NDArray[np.float64] | None]]


class KindsLearner:
    """Finds columns of categories and dates, levels of categories, and parts of dates.

    While `wants_rows` is True, pass all blocks to `add`, then call `end_pass`. `tell` passes the result to the columns.

    Parameters
    ----------
    columns : TableColumns
        Columns that receive the result.
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_``.

    Attributes
    ----------
    wants_rows : bool
        Whether another pass is needed.
    dates : dict of int to DatesLearner
        Learner of each date column; known after the first block.
    """

    def __init__(self, columns: TableColumns, estimator: Any) -> None:
        self._columns, self._estimator = columns, estimator
        self.wants_rows, self._is_first_pass = True, True
        self.dates: dict[int, DatesLearner] = {}
        self._first: Columns | None = None
        self._values: dict[int, dict[Any, None]] = {}
        self._has_missing, self._n_rows = set[int](), 0

    def add(self, X: Any) -> Columns:
        """Add the next block, and return its checked columns.

        Raises
        ------
        DataError, ParameterError
            See `TableColumns.fit_transform`. Also if a category has too many distinct values.
        """
        found = frame_columns(X)
        columns = self._columns.checked_columns(self._estimator, X, found, reset=self._first is None)
        if self._first is None:
            self._begin(columns, found, X)
        for i, own in self._values.items() if self._is_first_pass else ():
            met = columns[i].factorized().values
            own |= dict.fromkeys(value for value in met if not is_missing(value))
            if any(map(is_missing, met)):
                self._has_missing.add(i)
            if len(own) > MOST_VALUES:
                raise DataError(f"{columns.label(i)} of X has more than {MOST_VALUES:,} different values, so it identifies rows: drop it")
        for i, one in self.dates.items():
            if one.wants_rows:
                one.add(columns[i])
        self._n_rows += columns.n_rows if self._is_first_pass else 0
        return columns

    def _begin(self, columns: Columns, found: Columns | None, X: Any) -> None:
        self._first = columns
        self._columns.categories, self._columns.dates = {}, {}
        self._columns.is_categorical = self._columns.categorical(found, X)
        mask = self._columns.is_categorical
        self._values = {i: {} for i in ([] if mask is None else np.flatnonzero(mask).tolist())}
        if found is not None:
            self.dates = {i: DatesLearner(columns.label(i)) for i in range(len(columns)) if self._columns.is_time(columns, i)}
        self._columns.place(len(columns), columns.names)

    def end_pass(self) -> None:
        """End a pass, after all blocks were added. Raises `DataError` if there were none."""
        if self._first is None:
            raise DataError("X has no samples")
        for one in self.dates.values():
            if one.wants_rows:
                one.end_pass()
        self._is_first_pass = False
        self.wants_rows = any(one.wants_rows for one in self.dates.values())

    def finish(self, passes: Passes) -> None:
        """Run all passes that are still needed, then `tell` the columns."""
        while self.wants_rows:
            for block in passes():
                self.add(block.X)
            self.end_pass()
        self.tell()

    def tell(self) -> None:
        """Pass the result to the columns. Nothing is known about their numbers yet, so NaN is not replaced until then."""
        columns, first = self._columns, self._first
        assert first is not None, "a pass has ended"
        columns.dates = {i: one.learned() for i, one in self.dates.items()}
        for i, own in self._values.items():
            columns.categories[i] = Categories.learn(Factorized(np.empty(0, np.int64), [*own, *([None] if i in self._has_missing else [])]))
            columns.warn_of_names(first, i, self._n_rows)
        columns.place(len(first), first.names)
        columns.has_missing, columns.means = np.ones(columns.n_columns, bool), np.zeros(columns.n_columns)


def learn_kinds(columns: TableColumns, estimator: Any, passes: Passes) -> None:
    """Fit only the categories and dates of columns."""
    KindsLearner(columns, estimator).finish(passes)


def learn_columns(
    columns: TableColumns, estimator: Any, passes: Passes, encodings: tuple[Encoding, ...]
) -> tuple[ChainLearner | None, np.dtype]:
    """Fit columns like `TableColumns.fit_transform`, with the same result to the last bit, and encodings of their numbers.

    This takes one pass, and one more if there are dates, since their parts are known only after all dates.

    Parameters
    ----------
    columns : TableColumns
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_``.
    passes : callable
    encodings : tuple of Encoding
        Encodings of numeric columns.

    Returns
    -------
    learner : ChainLearner or None
        The fitted encodings; None if there are none.
    dtype
        float32 or float64: the dtype of the first samples.
    """
    kinds = KindsLearner(columns, estimator)
    numbers = _NumbersLearner(columns, encodings)

    def first_pass() -> Samples:
        first = 0
        for block in passes():
            with told(first):
                found = kinds.add(block.X)
                samples = None if kinds.dates else columns.numbers_of(estimator, block.X, found)
            first += found.n_rows
            if samples is not None:
                yield samples, block.sample_weight

    numbers.see(first_pass())
    kinds.end_pass()
    kinds.finish(passes)
    if kinds.dates:
        numbers.see(samples_of(columns, estimator, passes()))
    while numbers.wants_rows:
        numbers.see(samples_of(columns, estimator, passes()))
    return numbers.tell()


class _NumbersLearner:
    """Computes statistics of the numbers in samples, in blocks that are cut again.

    Parameters
    ----------
    columns : TableColumns
        Columns that receive the result. They know the positions of their numbers after the first block.
    encodings : tuple of Encoding
    """

    def __init__(self, columns: TableColumns, encodings: tuple[Encoding, ...]) -> None:
        self._columns, self._encodings = columns, encodings
        self._facts: NumberFacts | None = None
        self._learner: ChainLearner | None = None
        self._dtype: np.dtype = np.dtype(np.float64)

    @property
    def wants_rows(self) -> bool:
        """Whether an encoding needs another pass."""
        return self._learner is not None and self._learner.wants_rows

    def see(self, blocks: Samples) -> None:
        """Add all samples of a pass. A pass without samples does not count."""
        is_first = self._facts is None
        for samples, weights in cut_anew(blocks):
            if self._facts is None:
                self._begin(samples)
            if is_first and self._facts is not None:
                self._facts.add(samples)
            if self._learner is not None:
                self._learner.add(samples[:, self._columns.number_columns], weights)
        if self._facts is not None and self._learner is not None:
            self._learner.end_pass()

    def _begin(self, samples: NDArray[np.floating]) -> None:
        columns = self._columns
        self._facts, self._dtype = NumberFacts(columns.n_columns), samples.dtype
        if self._encodings:
            label = partial(label_of_number, columns.number_columns, columns.names)
            self._learner = ChainLearner(self._encodings, np.arange(len(columns.number_columns)), None, None, label)

    def tell(self) -> tuple[ChainLearner | None, np.dtype]:
        """Pass the result to the columns. Returns the fitted encodings, and the dtype of the first samples."""
        assert self._facts is not None, "there have been samples"
        self._facts.tell(self._columns)
        return self._learner, self._dtype
