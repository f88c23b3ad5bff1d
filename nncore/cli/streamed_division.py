"""Split a table that is read in blocks: each row's part follows from its number, group or time."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nncore.cli.experiment import FEWEST_ROWS_TO_DIVIDE, VALIDATION_FRACTION, Parts, check_weights, divide, divide_in_folds
from nncore.cli.row_columns import RowColumns, group_keys, time_values
from nncore.cli.settings import Settings
from nncore.cli.task import Task
from nncore.contract import row_hashes
from nncore.data import hashes_between
from nncore.ensembles import FAMILIES, Recipe, member_folds
from nncore.errors import DataError
from nncore.tabular import Table

#: Added to the seed of hashes, so that hold-out, the parts of ``--cv`` and the folds of an ensemble are independent.
HELD_OUT, PARTS, FOLDS = 0, 0x5851F42D4C957F2D, 0x2545F4914F6CDD1D

#: Number of hashes.
_ALL = 2**64


class RowPlaces:
    """Numbers, groups and times of rows, which decide their part.

    Parameters
    ----------
    numbers : ndarray of shape (n_rows,), int64
        Row numbers, counted over all files.
    table : Table
        The rows.
    columns : RowColumns
    seed : int
    like : str, default ""
        Kind of times in other rows: "number" or "date".

    Attributes
    ----------
    numbers : ndarray
    """

    def __init__(self, numbers: NDArray[np.int64], table: Table, columns: RowColumns, seed: int, like: str = "") -> None:
        self.numbers = numbers
        self._table, self._columns, self._seed, self._like = table, columns, seed, like

    @cached_property
    def _keys(self) -> NDArray[np.int64]:
        """Keys of rows, equal for rows of the same group."""
        if self._columns.group is None:
            return self.numbers
        keys, places = group_keys(self._table, self._columns.group)
        of_groups: NDArray[np.int64] = np.array([_digest(key) for key in keys], np.uint64).view(np.int64)[places]
        return of_groups

    def hashes(self, purpose: int) -> NDArray[np.uint64]:
        """Hashes of the group, or of the number, of each row; independent for each purpose."""
        return row_hashes(self._keys, (self._seed + purpose) % _ALL)

    @cached_property
    def kind_and_times(self) -> tuple[str, NDArray[np.float64]]:
        """The kind of times, and the time of each row."""
        assert self._columns.time is not None, "asked for only with times"
        return time_values(self._table, self._columns.time, self._like)


def _digest(key: Hashable) -> int:
    return int.from_bytes(blake2b(str(key).encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


@dataclass(frozen=True)
class Share:
    """Rows with hashes in a range, which continues at 0 after the largest hash."""

    begin: int
    width: int
    purpose: int

    @classmethod
    def between(cls, begin: int, end: int, purpose: int) -> Self:
        """Rows with hashes from `begin` to below `end`."""
        return cls(begin, (end - begin) % _ALL, purpose)

    def mask(self, places: RowPlaces) -> NDArray[np.bool_]:
        """Which rows belong to it."""
        return hashes_between(places.hashes(self.purpose), self.begin, self.width)


@dataclass(frozen=True)
class Since:
    """Rows from a certain time on."""

    time: float

    def mask(self, places: RowPlaces) -> NDArray[np.bool_]:
        """Which rows belong to it."""
        since: NDArray[np.bool_] = places.kind_and_times[1] >= self.time
        return since


#: Rows that some networks are not trained on; for a tuple, the union.
Held = Share | Since


def folds_by_number(recipe: Recipe) -> Sequence[Held]:
    """What the folds of a recipe hold out, if rows have neither groups nor times."""
    return [Share.between(_hash(begin), _hash(end), FOLDS) for begin, end in _bounds(recipe, recipe.n_cv)]


def _bounds(recipe: Recipe, n_folds: int) -> list[tuple[float, float]]:
    """Where the rows that each fold holds out begin and end, as shares of all rows."""
    ends = [recipe.validation_fraction] if n_folds == 1 else [(number + 1) / n_folds for number in range(n_folds)]
    return list(zip([0.0, *ends], ends, strict=False))


def _hash(share: float) -> int:
    """The hash below which a share of all hashes is; 0 for all of them."""
    return int(share % 1.0 * _ALL)


def is_learnt(held: Sequence[Held], places: RowPlaces, n_rows: int) -> NDArray[np.bool_]:
    """Mask of the training rows, if `held` are held out."""
    found = np.ones(n_rows, bool)
    for one in held:
        found &= ~one.mask(places)
    return found


@dataclass(frozen=True)
class StreamedParts(Parts):
    """Rows in memory, by their numbers in its table; and the held-out rows of the files.

    Attributes
    ----------
    held : tuple of Share or Since
    """

    held: tuple[Held, ...] = ()


@dataclass(frozen=True)
class MemberFold:
    """The held-out rows of one fold of an ensemble.

    Attributes
    ----------
    held : Share or Since
    validation : ndarray of int64
        Those in memory, as positions among the training rows.
    """

    held: Held
    validation: NDArray[np.int64]


class Division:
    """The split of a table, some of whose rows are in memory.

    Parameters
    ----------
    settings : Settings
        Settings with the chosen model.
    task : Task
        Task of the rows in memory.
    places : RowPlaces
        Numbers, groups and times of the rows in memory.
    most : float
        Largest fraction of all rows to hold out for one purpose. The rows in memory are those with the smallest hashes.
    """

    def __init__(self, settings: Settings, task: Task, places: RowPlaces, most: float) -> None:
        self._settings, self._task, self._places, self._most = settings, task, places, most
        self._n = task.table.n_rows

    def divide(self) -> StreamedParts:
        """Hold out rows for the score, and set rows aside for early stopping."""
        settings = self._settings
        if self._by_time:
            return self._later(divide(self._task, settings))
        return self._parts(0.0, settings.test_fraction, HELD_OUT)

    def folds(self) -> list[StreamedParts]:
        """Split the rows in memory into ``settings.cv`` parts, each held out once; by time or by whole groups if there are such columns."""
        n_folds = self._settings.cv
        assert n_folds is not None, "asked for only with --cv"
        if self._by_time:
            return [self._later(parts) for parts in divide_in_folds(self._task, self._settings)]
        found = [self._parts(number / n_folds, 1 / n_folds, PARTS) for number in range(n_folds)]
        if any(not len(parts.test) or not len(parts.training) for parts in found):
            raise DataError(f"--cv {n_folds}: a fold has no rows, by the hashes of {self._unit}; use fewer folds")
        return found

    def everything(self) -> StreamedParts:
        """Use all rows for training."""
        none = np.empty(0, np.int64)
        return StreamedParts(np.arange(self._n), none, none)

    def members(self, parts: StreamedParts, recipe: Recipe) -> tuple[list[MemberFold], int]:
        """The held-out rows of each fold of an ensemble, and the number of starts of a fold.

        Raises
        ------
        DataError
            If a fold would have no training rows, or no validation rows.
        ParameterError
            If folds are requested for rows with times.
        """
        settings, rows = self._settings, parts.training
        try:
            if self._by_time:
                rng = np.random.default_rng([settings.seed, 2])
                splitter = self._task.splitter.of(rows)
                (fold,), n_starts = member_folds(recipe, splitter, np.arange(len(rows)), rng, n_cv=settings.n_cv, option="--n-cv ")
                times = self._places.kind_and_times[1][rows]
                return [MemberFold(Since(float(times[fold.held_out].min())), fold.held_out)], n_starts
            n_folds = recipe.n_cv
            if settings.n_cv is None and self._task.row_values.group is not None:
                n_folds = min(n_folds, len(np.unique(self._task.row_values.group[rows])))
            held = [self._share(begin, end, FOLDS, rows) for begin, end in _bounds(recipe, n_folds)]
            found = [MemberFold(one, np.flatnonzero(one.mask(self._places)[rows])) for one in held]
            if any(not 0 < len(fold.validation) < len(rows) for fold in found):
                raise DataError(f"--n-cv {n_folds}: a fold has no rows for training, or none for validation: use fewer folds")
        except DataError as error:
            raise DataError(f"{error}, or use --model mlp") from None
        return found, recipe.n_ens

    @property
    def _by_time(self) -> bool:
        return self._task.row_columns.time is not None

    @property
    def _unit(self) -> str:
        return "their numbers" if self._task.row_columns.group is None else "their groups"

    def _later(self, parts: Parts) -> StreamedParts:
        """Use all rows for training that are earlier than any held-out row."""
        seen = np.concatenate([parts.validation, parts.test])
        held = (Since(float(self._places.kind_and_times[1][seen].min())),) if len(seen) else ()
        return StreamedParts(parts.training, parts.validation, parts.test, held)

    def _parts(self, begin: float, test: float, purpose: int) -> StreamedParts:
        """Hold out a range of the rows by hash, and set aside the range after it."""
        settings = self._settings
        is_divided = settings.model not in FAMILIES and settings.mlp.patience > 0 and (1 - test) * self._n >= FEWEST_ROWS_TO_DIVIDE
        aside = VALIDATION_FRACTION * (1 - test) if is_divided else 0.0
        if purpose == HELD_OUT and self._task.row_columns.group is None:
            test, aside = min(test, self._most), min(aside, self._most)
        rows = np.arange(self._n)
        shares = [self._share(begin, begin + test, purpose, rows), self._share(begin + test, begin + test + aside, purpose, rows)]
        is_test, is_aside = (one.mask(self._places) for one in shares)
        training, validation, rest = map(np.flatnonzero, (~(is_test | is_aside), is_aside & ~is_test, is_test))
        found = StreamedParts(training, validation, rest, tuple(one for one in shares if one.width))
        check_weights(self._task, found)
        return found

    def _share(self, begin: float, end: float, purpose: int, rows: NDArray[np.int64]) -> Share:
        """A range of all rows by hash; `rows` are those in memory."""
        first, last = (self._cut(share % 1.0, purpose, rows) for share in (begin, end))
        return Share.between(first, last, purpose)

    def _cut(self, share: float, purpose: int, rows: NDArray[np.int64]) -> int:
        """The hash below which a share of the rows is. For groups, the nearest one for which neither side is empty."""
        if self._task.row_columns.group is None or share == 0:
            return _hash(share)
        hashes, counts = np.unique(self._places.hashes(purpose)[rows], return_counts=True)
        if len(hashes) < 2:
            return _hash(share)
        return int(hashes[1 + np.abs(np.cumsum(counts)[:-1] - share * len(rows)).argmin()])
