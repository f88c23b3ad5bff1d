"""Fit a `TableEncoder` to blocks of a table larger than memory. The result equals `TableEncoder.fit` on all rows, to the last bit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from nncore import registry
from nncore.data import ChainLearner, DatePartsLearner, EncodingChain
from nncore.errors import DataError
from nncore.tabular.columns import (
    MOST_ONE_HOT,
    NUMBER_ENCODINGS,
    CategoricalColumn,
    NumericColumn,
    Place,
    TableColumn,
    TimeColumn,
    labelled,
    merged_levels,
    parse_distinct_times,
    parse_numbers,
)
from nncore.tabular.encoder import TableEncoder
from nncore.tabular.kinds import MOST_LEVELS, ColumnKind
from nncore.tabular.number_columns import labels_of, one_of
from nncore.tabular.table import Table
from nncore.tabular.target import SCALINGS, ClassTarget, RealTarget

#: Largest number of distinct texts that are counted in a column. More would take memory proportional to the file.
MOST_TEXTS = 1_000_000


class EncoderLearner:
    """Fit an encoder to blocks of rows.

    While `wants_rows` is True, pass all rows to `add` in blocks, then call `end_pass`. Categories, classes, numbers and dates share a pass.

    Parameters
    ----------
    kinds : mapping of str to ColumnKind
    target : str
    task : {"classification", "regression"}
    most_levels, target_range
        See `TableEncoder.fit`.
    """

    def __init__(
        self,
        kinds: Mapping[str, ColumnKind],
        target: str,
        task: str,
        *,
        most_levels: int = MOST_LEVELS,
        target_range: str | None = None,
    ) -> None:
        self._kinds = kinds
        numbers = [name for name, kind in kinds.items() if kind.kind == "numeric"]
        self._numbers = _Numbers(numbers, NUMBER_ENCODINGS)
        self._times = {name: _Times(name, kinds[name].form) for name in kinds if kinds[name].kind == "time"}
        self._texts = {name: _Texts(name) for name in kinds if kinds[name].kind == "categorical"}
        self._target: _Texts | _Numbers = _Texts(target) if task == "classification" else _Numbers([target], SCALINGS.get(target_range, ()))
        self._learned_classes = _Texts(target)
        self._most = most_levels

    @property
    def _parts(self) -> list[_Part]:
        numbers = [self._numbers] if self._numbers.names else []
        return [*numbers, *self._times.values(), *self._texts.values(), self._target]

    @property
    def wants_rows(self) -> bool:
        """Whether another pass is needed."""
        return any(part.wants_rows for part in self._parts)

    def add(self, table: Table, rows: np.ndarray) -> None:
        """Add the next block of a pass.

        Parameters
        ----------
        table : Table
            Block without missing values in the target.
        rows : ndarray of int64
            Its training rows. Classes are taken from all rows.

        Raises
        ------
        DataError
            If a cell does not match the kind of its column.
        """
        if isinstance(self._target, _Texts) and self._target.wants_rows:
            self._learned_classes.add(table, rows)
        for part in self._parts:
            if part.wants_rows:
                part.add(table, np.arange(table.n_rows) if part is self._target and isinstance(part, _Texts) else rows)

    def end_pass(self) -> None:
        """End a pass, after all rows were added."""
        for part in self._parts:
            if part.wants_rows:
                part.end_pass()

    def class_counts(self, target: ClassTarget) -> np.ndarray:
        """Number of training rows of each class, int64 of shape ``(n_classes,)``."""
        counts = np.zeros(len(target.classes), np.int64)
        np.add.at(counts, target.indices(list(self._learned_classes.counts)), list(self._learned_classes.counts.values()))
        return counts

    def encoder(
        self,
        table: Table,
        missing: tuple[str, ...] = (),
        missing_target: tuple[str, ...] = (),
        *,
        kinds: Mapping[str, ColumnKind] | None = None,
        most_one_hot: int = MOST_ONE_HOT,
    ) -> TableEncoder:
        """The fitted encoder, for tables with the format of this one. The words mean missing values in later tables.

        Parameters
        ----------
        table : Table
        missing, missing_target, most_one_hot
            See `TableEncoder.fit`.
        kinds : mapping of str to ColumnKind, optional
            The columns to use, if they are only some of those that were learned.

        Raises
        ------
        DataError
            If no feature column is left.
        """
        numbers = dict(self._numbers.columns()) if self._numbers.names else {}
        columns: list[TableColumn] = []
        kinds = self._kinds if kinds is None else kinds
        for name in (name for name, kind in kinds.items() if kind.kind != "left out"):
            if name in numbers:
                columns.append(NumericColumn(name, numbers[name]))
            elif name in self._times:
                columns.append(self._times[name].column())
            else:
                texts, as_text = self._texts[name], self._kinds[name].as_text
                counts = dict(texts.counts) if as_text else texts.levels()
                columns.append(CategoricalColumn.of_counts(name, counts, texts.n_missing > 0, self._most, most_one_hot, as_text=as_text))
        target: ClassTarget | RealTarget
        if isinstance(self._target, _Texts):
            target = ClassTarget.of_counts(self._target.name, self._target.levels(), missing_target)
        else:
            target = RealTarget(self._target.names[0], self._target.chain(), missing_target)
        return TableEncoder.of_columns(table, kinds, columns, target, missing)


class _Part(ABC):
    """Fit the encoding of one or several columns."""

    wants_rows: bool

    @abstractmethod
    def add(self, table: Table, rows: np.ndarray) -> None: ...

    @abstractmethod
    def end_pass(self) -> None: ...


class _Numbers(_Part):
    """Fit numeric columns."""

    def __init__(self, names: Sequence[str], encodings: Sequence[str]) -> None:
        self.names = list(names)
        self._learner = _learner(encodings, len(names), labels_of(self.names))

    @property
    def wants_rows(self) -> bool:  # type: ignore[override]
        return self._learner.wants_rows

    def add(self, table: Table, rows: np.ndarray) -> None:
        own = [parse_numbers(name, table.column(name).take(rows), _place(table, rows)) for name in self.names]
        self._learner.add(np.stack(own).T)

    def end_pass(self) -> None:
        self._learner.end_pass()

    def chain(self) -> EncodingChain:
        """The chain of all columns."""
        return EncodingChain.of_learners([self._learner])

    def columns(self) -> list[tuple[str, EncodingChain]]:
        """The name and chain of each column."""
        chain = self.chain()
        return [(name, one_of(chain, i)) for i, name in enumerate(self.names)]


class _Times(_Part):
    """Fit a date column."""

    def __init__(self, name: str, form: str) -> None:
        self._name, self._form, self._learner = name, form, DatePartsLearner(NUMBER_ENCODINGS, labelled(name))

    @property
    def wants_rows(self) -> bool:  # type: ignore[override]
        return self._learner.wants_rows

    def add(self, table: Table, rows: np.ndarray) -> None:
        self._learner.add(*parse_distinct_times(self._name, self._form, table.column(self._name).take(rows), _place(table, rows)))

    def end_pass(self) -> None:
        self._learner.end_pass()

    def column(self) -> TimeColumn:
        return TimeColumn(self._name, self._form, self._learner.learned())


def _learner(encodings: Sequence[str], n_columns: int, label: Callable[[int], str]) -> ChainLearner:
    return ChainLearner(tuple(registry.resolve("encodings", one) for one in encodings), np.arange(n_columns), None, None, label)


def _place(table: Table, rows: np.ndarray) -> Place:
    """Returns the place of a row in the file, for messages."""
    return lambda row: table.place(int(rows[row]))


class _Texts(_Part):
    """Count the texts of a column of categories or classes."""

    def __init__(self, name: str) -> None:
        self.name, self.counts, self.n_missing, self.wants_rows = name, Counter[str](), 0, True

    def add(self, table: Table, rows: np.ndarray) -> None:
        column = table.column(self.name).take(rows)
        self.counts.update(column.counts)
        self.n_missing += column.n_missing
        if len(self.counts) > MOST_TEXTS:
            raise DataError(
                f"column {self.name!r} has more than {MOST_TEXTS:,} different texts, too many to hold in memory: "
                f"leave it out by --drop {self.name}"
            )

    def end_pass(self) -> None:
        self.wants_rows = False

    def levels(self) -> dict[str, int]:
        """Count the levels."""
        return merged_levels(self.counts)
