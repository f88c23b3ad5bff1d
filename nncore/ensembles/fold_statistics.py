"""Statistics of the training rows of each fold of an ensemble, and a sample of these rows, from one pass over a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Extremes, row_hashes, sample_rows
from nncore.ensembles.target_scale import TargetStatistics
from nncore.tabular import KeptRows, RawValues

Rows = TypeVar("Rows")


@dataclass(frozen=True)
class Edges:
    """Extremes of the training rows of a fold, and the codes that occur there.

    Attributes
    ----------
    numbers : ndarray of shape (n, n_numbers)
        Rows with the smallest and the largest number of each column, and NaN if there is one.
    parts : mapping to ndarray of shape (n, n_parts)
        The same for parts of dates.
    codes : mapping to ndarray of int64
        The codes that occur in each category column, ascending.
    """

    numbers: NDArray[np.float64]
    parts: Mapping[Any, NDArray[np.float64]]
    codes: Mapping[Any, NDArray[np.int64]]


class FoldStatistics(Generic[Rows]):
    """What encodings learn from the training rows of each fold, and of all folds together, in one pass over blocks of any size.

    Each row is held out by at most one fold. No bit of a result depends on the blocks. Folds share their sampled rows: those whose numbers
    have the smallest hashes.

    Parameters
    ----------
    n_folds : int
    n_numbers : int
        Number of columns of numbers, or fewer. Rows of wide tables are sampled as a `RowSample` does.
    choose : callable
        ``choose(rows, places)`` copies the rows at these places of a block.
    """

    def __init__(self, n_folds: int, n_numbers: int, choose: Callable[[Rows, NDArray[np.int64]], Rows]) -> None:
        #: The rows that each fold holds out, and those that none does.
        self._parts: list[_Part] = []
        #: Of the training rows of each fold, and of all.
        self._targets: list[TargetStatistics] = []
        self._sampled = KeptRows[Rows](n_folds + 1, sample_rows(n_numbers), choose)
        self.n_folds = n_folds

    def add(
        self,
        numbers: NDArray[np.int64],
        rows: Rows,
        values: RawValues,
        held: NDArray[np.bool_],
        counted: NDArray[np.bool_] | None,
        sample_weight: NDArray[np.floating] | None,
    ) -> None:
        """Add the next rows.

        Parameters
        ----------
        numbers : ndarray of shape (n_rows,), int64
            Their numbers among all rows.
        rows : Rows
            What to keep of those that are sampled, in any form that `choose` takes.
        values : RawValues
            Targets only if they are scaled.
        held : ndarray of shape (n_folds, n_rows), bool
            Whether each fold holds each row out.
        counted : ndarray of shape (n_rows,), bool, or None
            Mask of the rows of a weight above 0; None for all. No encoding learns from the others.
        sample_weight : ndarray of shape (n_rows,) or None
            For statistics of targets.
        """
        learns = np.concatenate([~held, np.ones((1, len(numbers)), bool)])
        if values.target is not None:
            self._add_targets(values.target, sample_weight, learns)
        own = np.concatenate([held, ~held.any(axis=0, keepdims=True)])
        if counted is not None:
            own, learns = own & counted, learns & counted
        self._parts = self._parts or [_Part(values) for _ in own]
        for part, is_there in zip(self._parts, own, strict=True):
            part.add(values, slice(None) if is_there.all() else np.flatnonzero(is_there), int(np.count_nonzero(is_there)))
        self._sampled.add(rows, row_hashes(numbers), learns)

    def _add_targets(self, target: NDArray[Any], sample_weight: NDArray[Any] | None, learns: NDArray[np.bool_]) -> None:
        self._targets = self._targets or [TargetStatistics(1 if target.ndim == 1 else target.shape[1]) for _ in learns]
        for statistics, own in zip(self._targets, learns, strict=True):
            places: Any = slice(None) if own.all() else np.flatnonzero(own)
            if len(chosen := target[places]):
                statistics.add(chosen, None if sample_weight is None else sample_weight[places])

    # ---- results: of the training rows of a fold, or of all for `number` -1 --------------------------------------------------------

    def sampled(self, number: int, most: int | None = None) -> Iterator[Rows]:
        """A uniform sample of the rows of a weight above 0, in blocks; all of few."""
        return self._sampled.chosen(self._sampled.places(number % (self.n_folds + 1), most))

    def targets(self, number: int) -> TargetStatistics | None:
        """Statistics of their targets; None if these are not scaled."""
        return self._targets[number] if self._targets else None

    def edges(self, number: int) -> Edges:
        """Extremes of the rows of a weight above 0, after at least one row was added."""
        number %= self.n_folds + 1
        chosen = [part for place, part in enumerate(self._parts) if place != number or number == self.n_folds]
        chosen = [part for part in chosen if not part.is_empty] or chosen
        parts = {key: np.concatenate([part.dates[key].rows() for part in chosen]) for key in chosen[0].dates}
        codes = {key: np.unique(np.concatenate([np.flatnonzero(part.occurs[key]) - 1 for part in chosen])) for key in chosen[0].occurs}
        return Edges(np.concatenate([part.numbers.rows() for part in chosen]), parts, codes)


class _Columns:
    """Extremes of some columns, and which of them have missing values."""

    def __init__(self, n_columns: int) -> None:
        self._extremes, self._has_missing = Extremes(n_columns), np.zeros(n_columns, bool)

    def add(self, columns: NDArray[np.floating]) -> None:
        self._extremes.add(columns, None)
        self._has_missing |= np.isnan(columns).any(axis=0)

    def rows(self) -> NDArray[np.float64]:
        """Rows with the smallest and the largest number of each column, and NaN if there is one."""
        least = self._extremes.least
        return np.array([least, self._extremes.largest, np.where(self._has_missing, np.nan, least)])


class _Part:
    """Extremes and codes of some of the rows.

    Parameters
    ----------
    values : RawValues
        Any block, which has the widths of all.
    """

    def __init__(self, values: RawValues) -> None:
        self.numbers = _Columns(values.numbers.shape[1])
        self.dates = {key: _Columns(parts.shape[1]) for key, parts in values.parts.items()}
        #: For each column of codes: whether each code occurs, and in the first place whether -1 does.
        self.occurs = {key: np.zeros(16, bool) for key in values.codes}
        self.is_empty = True

    def add(self, values: RawValues, places: Any, n: int) -> None:
        """Add the `n` rows at these places of a block."""
        if not n:
            return
        self.is_empty = False
        self.numbers.add(values.numbers[places])
        for key, columns in self.dates.items():
            columns.add(values.parts[key][places])
        for key, occurs in self.occurs.items():
            codes = values.codes[key][places] + 1
            if (most := int(codes.max())) >= len(occurs):
                occurs = self.occurs[key] = np.append(occurs, np.zeros(most + 1, bool))
            occurs[codes] = True
