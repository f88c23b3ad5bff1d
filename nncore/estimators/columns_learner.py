"""Fit columns to streamed samples in one pass: categories, dates, and statistics of numbers."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _check_sample_weight

from nncore.contract import Encoding
from nncore.data import ChainLearner, StreamBlock, is_missing
from nncore.ensembles import label_of_number
from nncore.errors import DataError
from nncore.estimators.categories import Categories
from nncore.estimators.column_blocks import NumberFacts, cut_anew, told
from nncore.estimators.columns import TableColumns
from nncore.estimators.dates import DatesLearner
from nncore.estimators.frames import Columns, Factorized, frame_columns

#: Largest number of distinct values of a category in streamed data. More would take memory proportional to the file.
MOST_VALUES = 1_000_000


@dataclass(frozen=True)
class LearnedRows:
    """Rows of a block while columns are learned.

    Attributes
    ----------
    numbers : ndarray of shape (n_rows, n_features)
        A column for each of `X`: numbers; codes of categories in the order in which values occurred first, -1 for missing; 0 for dates.
    times : dict of int to ndarray of shape (n_rows,), datetime64[us]
        Dates of each date column of `X`.
    parts : dict of int to ndarray of shape (n_rows, n_parts)
        All parts of these dates.
    """

    numbers: NDArray[np.floating]
    times: dict[int, NDArray[np.datetime64]]
    parts: dict[int, NDArray[np.float64]]


@dataclass
class _Values:
    """Values of a category that occurred, each with its code."""

    codes: dict[Any, int] = field(default_factory=dict)
    has_missing: bool = False

    def add(self, column: Factorized) -> NDArray[np.int64]:
        """Take the values of a block into account. Returns the code of each row."""
        own = np.empty(len(column.values), np.int64)
        for place, value in enumerate(column.values):
            if is_missing(value):
                own[place], self.has_missing = -1, True
            else:
                own[place] = self.codes.setdefault(value, len(self.codes))
        return own[column.codes]


class ColumnsLearner:
    """Fits columns to blocks in one pass, like `TableColumns.fit_transform`, with the same result to the last bit.

    Pass all blocks to `learned`. `tell` then passes the result to the columns.

    Parameters
    ----------
    columns : TableColumns
        Columns that receive the result.
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_``.

    Attributes
    ----------
    dates : dict of int to DatesLearner
        Learner of each date column; known after the first block.
    """

    def __init__(self, columns: TableColumns, estimator: Any) -> None:
        self._columns, self._estimator = columns, estimator
        self.dates: dict[int, DatesLearner] = {}
        self._first: Columns | None = None
        self._values: dict[int, _Values] = {}
        self._facts: NumberFacts | None = None
        self._n_rows = 0

    def learned(self, blocks: Iterable[StreamBlock]) -> Iterator[tuple[StreamBlock, LearnedRows]]:
        """Learn from blocks, and yield each with its rows.

        Raises
        ------
        DataError, ParameterError
            See `TableColumns.fit_transform`. Also if a category has too many distinct values.
        """
        for block in blocks:
            with told(self._n_rows):
                rows = self._add(block.X)
            self._n_rows += len(rows.numbers)
            yield block, rows

    def _add(self, X: Any) -> LearnedRows:
        found = frame_columns(X)
        columns = self._columns.checked_columns(self._estimator, X, found, reset=self._first is None)
        if self._first is None:
            self._begin(columns, found, X)
        elif found is not None:
            self._columns.refuse_new_times(columns, self.dates)
        of_columns: dict[int, NDArray[Any]] = {}
        for i, values in self._values.items():
            of_columns[i] = values.add(columns[i].factorized())
            if len(values.codes) > MOST_VALUES:
                raise DataError(f"{columns.label(i)} of X has more than {MOST_VALUES:,} different values, so it identifies rows: drop it")
        found_dates = {i: one.add(columns[i]) for i, one in self.dates.items()}
        of_columns |= dict.fromkeys(found_dates, np.zeros(columns.n_rows, np.int8))
        numbers = self._columns.samples_to_learn(self._estimator, X, columns, of_columns)
        return LearnedRows(
            numbers, {i: times for i, (times, _) in found_dates.items()}, {i: parts for i, (_, parts) in found_dates.items()}
        )

    def _begin(self, columns: Columns, found: Columns | None, X: Any) -> None:
        self._first = columns
        self._columns.categories, self._columns.dates = {}, {}
        self._columns.is_categorical = self._columns.categorical(found, X)
        mask = self._columns.is_categorical
        self._values = {i: _Values() for i in ([] if mask is None else np.flatnonzero(mask).tolist())}
        if found is not None:
            self.dates = {i: DatesLearner(columns.label(i)) for i in range(len(columns)) if self._columns.is_time(columns, i)}
        self._columns.place(len(columns), columns.names)

    @property
    def number_features(self) -> list[int]:
        """Columns of `X` that hold numbers; known after the first block."""
        assert self._first is not None, "there has been a block"
        return [i for i in range(len(self._first)) if i not in self._values and i not in self.dates]

    @property
    def code_features(self) -> list[int]:
        """Columns of `X` that hold categories; known after the first block."""
        return list(self._values)

    @property
    def names(self) -> list[Any] | None:
        """Names of the columns of `X`; known after the first block."""
        assert self._first is not None, "there has been a block"
        return self._first.names

    def look_at_numbers(self, numbers: NDArray[np.floating]) -> None:
        """Take numbers of `LearnedRows` into account, in blocks of `cut_anew`."""
        self._facts = self._facts or NumberFacts(numbers.shape[1])
        self._facts.add(numbers)

    def tell(self) -> None:
        """Pass the result to the columns, after all blocks. Raises `DataError` if there were none."""
        columns, first = self._columns, self._first
        if first is None or self._facts is None:
            raise DataError("X has no samples")
        for one in self.dates.values():
            one.end_pass()
        columns.dates = {i: one.learned() for i, one in self.dates.items()}
        for i, values in self._values.items():
            columns.categories[i] = Categories.learn(
                Factorized(np.empty(0, np.int64), [*values.codes, *([None] if values.has_missing else [])])
            )
            columns.warn_of_names(first, i, self._n_rows)
        columns.place(len(first), first.names)
        columns.check_width()
        columns.take_note(*self._facts.of_columns(columns, {i: one.has_missing for i, one in self.dates.items()}))

    # ---- after `tell` -----------------------------------------------------------------------------------------------------------

    def starts(self, features: list[int]) -> list[tuple[int, int]]:
        """Some columns of `X`, each with its first column of samples."""
        return [(i, int(self._columns.starts[i])) for i in features]

    def code_of(self, i: int) -> NDArray[np.int64]:
        """The learned code of each code of `LearnedRows` of a category, and in the last place that of -1."""
        values, categories = self._values[i], self._columns.categories[i]
        found = list(values.codes)
        everything = Factorized(np.arange(len(found) + values.has_missing), [*found, *([None] if values.has_missing else [])])
        codes = categories.codes(self._first.label(i) if self._first is not None else "", everything).astype(np.int64)
        return codes if values.has_missing else np.append(codes, -1)

    def matrix(self, numbers: NDArray[np.floating], times: dict[int, NDArray[np.datetime64]]) -> NDArray[np.floating]:
        """Samples in the form of `TableColumns.transform`, from `LearnedRows`."""
        columns = self._columns
        parts: dict[int, NDArray[Any]] = {i: self.code_of(i)[numbers[:, i].astype(np.int64)] for i in self._values}
        parts |= {i: columns.dates[i].chain.encode(times[i][:, None]) for i in self.dates}
        return columns.samples_of_parts(numbers, parts)


def learn_columns(
    columns: TableColumns, estimator: Any, blocks: Iterable[StreamBlock], encodings: tuple[Encoding, ...]
) -> tuple[ChainLearner | None, np.dtype]:
    """Fit columns to blocks like `TableColumns.fit_transform`, with the same result to the last bit, and encodings of their numbers.

    Parameters
    ----------
    columns : TableColumns
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_``.
    blocks : iterable of StreamBlock
        `X` in the user's form, and checked weights.
    encodings : tuple of Encoding
        Encodings of the numbers of `X`, which one pass is enough for. They are not for parts of dates.

    Returns
    -------
    learner : ChainLearner or None
        The fitted encodings; None if there are none.
    dtype
        float32 or float64: the dtype of the first samples.
    """
    kinds = ColumnsLearner(columns, estimator)
    learner: ChainLearner | None = None
    dtype: np.dtype | None = None

    def numbers() -> Iterator[tuple[NDArray[np.floating], NDArray[np.float64] | None]]:
        for block, rows in kinds.learned(blocks):
            weights = block.sample_weight
            yield rows.numbers, None if weights is None else _check_sample_weight(weights, rows.numbers, dtype=np.float64)

    for samples, weights in cut_anew(numbers()):
        kinds.look_at_numbers(samples)
        if dtype is None:
            dtype = samples.dtype
            if encodings:
                label = partial(label_of_number, np.array(kinds.number_features, np.int64), kinds.names)
                learner = ChainLearner(encodings, np.arange(len(kinds.number_features)), None, None, label)
        if learner is not None:
            learner.add(samples[:, kinds.number_features], weights)
    kinds.tell()
    assert dtype is not None, "there have been samples"
    if learner is not None:
        learner.end_pass()
    return learner, dtype
