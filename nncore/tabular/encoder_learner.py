"""Fit a `TableEncoder` to blocks of a table larger than memory. The result equals `TableEncoder.fit` on all rows, to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from nncore import registry
from nncore.data import ChainLearner, DatePartsLearner, EncodingChain
from nncore.errors import DataError
from nncore.tabular.column import CodedColumn
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
from nncore.tabular.raw_values import RawValues
from nncore.tabular.table import Table
from nncore.tabular.target import SCALINGS, ClassTarget, RealTarget

#: Largest number of distinct texts that are counted in a column. More would take memory proportional to the file.
MOST_TEXTS = 1_000_000


class EncoderLearner:
    """Fit an encoder to blocks of rows, in one pass: pass all rows to `add`, then call `end`.

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
        self._numbers = _Numbers([name for name, kind in kinds.items() if kind.kind == "numeric"], NUMBER_ENCODINGS)
        self._times = {name: _Times(name, kinds[name].form) for name in kinds if kinds[name].kind == "time"}
        self._texts = {name: _Texts(name) for name in kinds if kinds[name].kind == "categorical"}
        self._target: _Texts | _Numbers = _Texts(target) if task == "classification" else _Numbers([target], SCALINGS.get(target_range, ()))
        self._learned_classes = _Texts(target)
        self._most = most_levels

    @property
    def names(self) -> set[str]:
        """The columns that `add` reads."""
        return {name for name, kind in self._kinds.items() if kind.kind != "left out"} | {self._learned_classes.name}

    def add(self, table: Table, rows: np.ndarray) -> RawValues:
        """Add the next block.

        Parameters
        ----------
        table : Table
            Block without missing values in the target.
        rows : ndarray of int64
            Its training rows. Classes are taken from all rows.

        Returns
        -------
        RawValues
            Those of the training rows; parts and codes by the names of their columns.

        Raises
        ------
        DataError
            If a cell does not match the kind of its column.
        """
        target = None
        if isinstance(self._target, _Texts):
            self._learned_classes.add(table, rows)
            self._target.add(table, np.arange(table.n_rows))
        else:
            target = self._target.add(table, rows)[:, 0]
        parts = {name: part.add(table, rows) for name, part in self._times.items()}
        return RawValues(self._numbers.add(table, rows), parts, {name: part.add(table, rows) for name, part in self._texts.items()}, target)

    def end(self) -> None:
        """End the pass, after all rows were added."""
        for part in (self._numbers, *self._times.values(), self._target):
            if not isinstance(part, _Texts):
                part.end()

    def class_counts(self, target: ClassTarget) -> np.ndarray:
        """Number of training rows of each class, int64 of shape ``(n_classes,)``."""
        counts, of_texts = np.zeros(len(target.classes), np.int64), self._learned_classes.counts
        np.add.at(counts, target.indices(list(of_texts)), list(of_texts.values()))
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
        numbers = dict(self._numbers.columns())
        columns: list[TableColumn] = []
        kinds = self._kinds if kinds is None else kinds
        for name in (name for name, kind in kinds.items() if kind.kind != "left out"):
            if name in numbers:
                columns.append(NumericColumn(name, numbers[name]))
            elif name in self._times:
                columns.append(self._times[name].column())
            else:
                texts, as_text = self._texts[name], self._kinds[name].as_text
                counts = texts.counts if as_text else texts.levels()
                columns.append(CategoricalColumn.of_counts(name, counts, texts.n_missing > 0, self._most, most_one_hot, as_text=as_text))
        target: ClassTarget | RealTarget
        if isinstance(self._target, _Texts):
            target = ClassTarget.of_counts(self._target.name, self._target.levels(), missing_target)
        else:
            target = RealTarget(self._target.names[0], self._target.chain(), missing_target)
        return TableEncoder.of_columns(table, kinds, columns, target, missing)

    def edges(self, encoder: TableEncoder, numbers: np.ndarray, parts: Mapping[str, np.ndarray]) -> np.ndarray:
        """Convert rows of extremes of `RawValues` to the columns of `TableEncoder.matrix`.

        Parameters
        ----------
        encoder : TableEncoder
            Result of `encoder`.
        numbers : ndarray of shape (n, n_numbers)
        parts : mapping to ndarray of shape (n, n_parts)

        Returns
        -------
        ndarray of shape (n, n_columns)
            0 in columns of codes.
        """
        places = {name: place for place, name in enumerate(self._numbers.names)}
        found = []
        for column in encoder.columns:
            if isinstance(column, NumericColumn):
                found.append(numbers[:, [places[column.name]]])
            elif isinstance(column, TimeColumn):
                found.append(self._times[column.name].encoded(parts[column.name]))
            else:
                found.append(np.zeros((len(numbers), 1)))
        return np.concatenate(found, axis=1)

    def codes(self, encoder: TableEncoder, codes: Mapping[str, np.ndarray]) -> dict[int, np.ndarray]:
        """Convert codes of `RawValues` to those of columns of `TableEncoder.matrix`, by the numbers of these columns."""
        return {place: self._texts[column.name].codes_of(column)[codes[column.name]] for place, column in encoder.category_columns}


class _Numbers:
    """Fit numeric columns."""

    def __init__(self, names: Sequence[str], encodings: Sequence[str]) -> None:
        self.names = list(names)
        self._learner = _learner(encodings, len(names), labels_of(self.names))

    def add(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """Add rows. Returns their numbers, shape ``(n_rows, n_names)``."""
        numbers = np.empty((len(self.names), len(rows)))
        for own, name in zip(numbers, self.names, strict=True):
            own[:] = parse_numbers(name, table.column(name).take(rows), _place(table, rows))
        if self.names:
            self._learner.add(numbers.T)
        return numbers.T

    def end(self) -> None:
        if self.names:
            self._learner.end_pass()
            assert not self._learner.wants_rows, "one pass is enough for these encodings"

    def chain(self) -> EncodingChain:
        """The chain of all columns."""
        return EncodingChain.of_learners([self._learner])

    def columns(self) -> list[tuple[str, EncodingChain]]:
        """The name and chain of each column."""
        chain = self.chain() if self.names else None
        return [] if chain is None else [(name, one_of(chain, i)) for i, name in enumerate(self.names)]


class _Times:
    """Fit a date column."""

    def __init__(self, name: str, form: str) -> None:
        self._name, self._form, self._learner = name, form, DatePartsLearner(NUMBER_ENCODINGS, labelled(name))

    def add(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """Add rows. Returns all parts of their dates."""
        return self._learner.add(*parse_distinct_times(self._name, self._form, table.column(self._name).take(rows), _place(table, rows)))

    def end(self) -> None:
        self._learner.end_pass()
        assert not self._learner.wants_rows, "one pass is enough for these encodings"

    def column(self) -> TimeColumn:
        return TimeColumn(self._name, self._form, self._learner.learned())

    def encoded(self, parts: np.ndarray) -> np.ndarray:
        """The columns that `column` makes of rows of all parts."""
        return self._learner.encoded(parts)


def _learner(encodings: Sequence[str], n_columns: int, label: Callable[[int], str]) -> ChainLearner:
    return ChainLearner(tuple(registry.resolve("encodings", one) for one in encodings), np.arange(n_columns), None, None, label)


def _place(table: Table, rows: np.ndarray) -> Place:
    """Returns the place of a row in the file, for messages."""
    return lambda row: table.place(int(rows[row]))


class _Texts:
    """Count the texts of a column of categories or classes."""

    def __init__(self, name: str) -> None:
        self.name, self.n_missing = name, 0
        #: The code of each text, in the order in which they occurred first; and how often each code occurred.
        self._codes: dict[str, int] = {}
        self._counts = np.zeros(0, np.int64)

    def add(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """Add rows. Returns the code of each; -1 where missing."""
        coded = table.column(self.name).take(rows).coded.used()
        of_texts = np.array([*(self._codes.setdefault(text, len(self._codes)) for text in coded.texts), -1])
        if len(self._codes) > MOST_TEXTS:
            raise DataError(
                f"column {self.name!r} has more than {MOST_TEXTS:,} different texts, too many to hold in memory: "
                f"leave it out by --drop {self.name}"
            )
        self._counts = np.append(self._counts, np.zeros(len(self._codes) - len(self._counts), np.int64))
        codes: np.ndarray = of_texts[coded.codes]
        of_codes = np.bincount(codes + 1, minlength=len(self._codes) + 1)  # first those of -1
        self._counts += of_codes[1:]
        self.n_missing += int(of_codes[0])
        return codes

    @property
    def counts(self) -> dict[str, int]:
        """How often each text occurred, by codes."""
        return dict(zip(self._codes, self._counts.tolist(), strict=True))

    def levels(self) -> dict[str, int]:
        """Count the levels."""
        return merged_levels(self.counts)

    def codes_of(self, column: CategoricalColumn) -> np.ndarray:
        """The code that a column has for each text, by the text's code here; in the last place, for a missing one."""
        texts = CodedColumn(np.append(np.arange(len(self._codes)), -1), list(self._codes))
        codes = np.empty((len(texts), 1), np.int64)
        column.encode_raw(texts, str, codes)
        return codes[:, 0]
