"""A whole table becomes a matrix; the description of how is plain data that is saved with the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nncore.arguments import listed
from nncore.errors import DataError
from nncore.tabular.column import Column
from nncore.tabular.columns import MOST_ONE_HOT, CategoricalColumn, NumericColumn, TableColumn, TimeColumn
from nncore.tabular.kinds import MOST_LEVELS, ColumnKind
from nncore.tabular.number_columns import NumberInputs, learn_numbers
from nncore.tabular.remarks import Remark
from nncore.tabular.table import Table, row_numbers
from nncore.tabular.target import ClassTarget, RealTarget


@dataclass(frozen=True)
class TableEncoder:
    """What every column of the training file became.

    Attributes
    ----------
    names : tuple of str
        All columns of the training file, also those left out, in order.
    has_header : bool
        Columns are found by name if the training file named them, else by position.
    decimal_comma : bool
        Whether the training file wrote 1,5 for 1.5.
    separator : str
        Of the training file; empty if it was no CSV file.
    missing : tuple of str
        Words, in lower case, that stand for a missing value in columns of features.
    columns : tuple of NumericColumn, TimeColumn or CategoricalColumn
        Those the network sees, in the order of its inputs.
    target : ClassTarget or RealTarget
    """

    names: tuple[str, ...]
    has_header: bool
    decimal_comma: bool
    separator: str
    missing: tuple[str, ...]
    columns: tuple[TableColumn, ...]
    target: ClassTarget | RealTarget

    @classmethod
    def fit(
        cls,
        table: Table,
        kinds: Mapping[str, ColumnKind],
        target: str,
        task: str,
        rows: Sequence[int] | np.ndarray,
        *,
        most_levels: int = MOST_LEVELS,
        most_one_hot: int = MOST_ONE_HOT,
        target_range: str | None = None,
        missing: tuple[str, ...] = (),
        missing_target: tuple[str, ...] = (),
    ) -> TableEncoder:
        """Fit on some rows of a table.

        Parameters
        ----------
        table : Table
            Without missing values in the target.
        kinds : mapping of str to ColumnKind
            From `column_kinds`.
        target : str
            Column to predict.
        task : {"classification", "regression"}
            Classes are those of the whole table: a class is a fact about the task and not a statistic.
        rows : sequence of int or ndarray of int64
            Rows to learn from. Means, medians and levels come from these alone.
        most_levels : int, default 500
            Levels of a categorical column that get a code of their own.
        most_one_hot : int, default 16
            A categorical column of more codes stays one of codes.
        target_range : str, optional
            Interval in which a real target must stay, ``"[0, inf)"``; by default it is standardised.
        missing, missing_target : tuple of str
            Words that stand for a missing value in columns of features, and in the target: for tables to come.
        """
        taken = row_numbers(rows)

        def learnt(name: str) -> Column:
            return table.column(name).take(taken)

        def place(row: int) -> str:
            return table.place(int(taken[row]))

        columns: list[TableColumn] = []
        of_numbers = {name: table.column(name) for name, kind in kinds.items() if kind.kind == "numeric"}
        numeric = iter(learn_numbers(of_numbers, taken, place))
        for name, kind in kinds.items():
            if kind.kind == "numeric":
                columns.append(next(numeric))
            elif kind.kind == "time":
                columns.append(TimeColumn.fit(name, kind.form, learnt(name), place))
            elif kind.kind == "categorical":
                columns.append(CategoricalColumn.fit(name, learnt(name), most_levels, most_one_hot, as_text=kind.as_text))
        if task == "classification":
            fitted: ClassTarget | RealTarget = ClassTarget.fit(target, table.column(target), missing_target)
        else:
            fitted = RealTarget.fit(target, learnt(target), place, target_range, missing_target)
        return cls.of_columns(table, kinds, columns, fitted, missing)

    @classmethod
    def of_columns(
        cls,
        table: Table,
        kinds: Mapping[str, ColumnKind],
        columns: Sequence[TableColumn],
        target: ClassTarget | RealTarget,
        missing: tuple[str, ...],
    ) -> TableEncoder:
        """Of what was learned of each column, for tables that are written like this one.

        Raises
        ------
        DataError
            If nothing is left to learn from.
        """
        if not any(column.width for column in columns):
            same = "always the same in the training rows"
            reasons = listed([f"{name!r} is left out: {kind.reason or same}" for name, kind in kinds.items()], most=3)
            detail = f"; {reasons} (--keep uses a column anyway)" if reasons else ""
            raise DataError(f"{table.source} has no column to learn from besides the target {target.name!r}{detail}")
        dialect = table.has_header, table.decimal_comma, table.delimiter
        return cls(tuple(table.names), *dialect, missing, tuple(columns), target)

    @property
    def n_inputs(self) -> int:
        """Columns of the matrix."""
        return sum(column.width for column in self.columns)

    def spans(self) -> dict[str, slice]:
        """The inputs that each column became."""
        return _spans([(column.name, column.width) for column in self.columns])

    def coded(self) -> dict[int, int]:
        """Where the matrix holds codes, and how many there are."""
        starts = {name: span.start for name, span in self.spans().items()}
        return {starts[c.name]: c.n_codes for c in self.columns if isinstance(c, CategoricalColumn) and c.is_coded}

    def match(self, table: Table) -> tuple[Table, list[str]]:
        """The columns of another file under the names of the training file, without the words that stand for a missing value, and what the
        user should know.

        Raises
        ------
        DataError
            If a column that the network needs is missing.
        """
        notices: list[str] = []
        if self.has_header:
            needed = [column.name for column in self.columns]
            missing = [name for name in needed if name not in table.positions]
            if missing:
                which = "the column" if len(missing) == 1 else "the columns"
                shown = listed(list(map(repr, missing)), most=20)
                raise DataError(f"{table.source} lacks {which} {shown}, which the network was trained with")
            known = set(self.names)
            extra = [name for name in table.names if name not in known]
            notices += [f"ignored {listed(list(map(repr, extra)), most=20)}: not a column of the training data"] if extra else []
        else:
            table = self._match_positions(table)
        table = table.take_missing(self.missing, [column.name for column in self.columns])
        if self.target.name in table.positions:
            table = table.take_missing(self.target.missing, [self.target.name])
        return table, notices

    def _match_positions(self, table: Table) -> Table:
        for names in (self.names, tuple(name for name in self.names if name != self.target.name)):
            if len(table.names) == len(names):
                return table.rename(names)
        raise DataError(
            f"{table.source} has {len(table.names)} columns; the network was trained on a file without header with {len(self.names)} "
            f"(or {len(self.names) - 1} without the target, {self.target.name!r})"
        )

    def transform(self, table: Table) -> tuple[np.ndarray, list[Remark]]:
        """Matrix of inputs, float32 of shape ``(n_rows, n_inputs)``, rounded last, and what the user should know.

        Raises
        ------
        DataError
            If a column is missing, or a cell of a column of numbers or dates is none.
        """
        X = np.empty((table.n_rows, self.n_inputs), dtype=np.float32)
        spans = self.spans()
        numeric = [column for column in self.columns if isinstance(column, NumericColumn)]
        found: dict[str, Remark | None] = {}
        if numeric:
            own = (spans[column.name] for column in numeric)
            places = np.concatenate([np.arange(span.start, span.stop) for span in own])
            cells = [table.column(column.name) for column in numeric]
            remarks = NumberInputs(numeric, places).encode(cells, table.place, X)
            found = {column.name: remark for column, remark in zip(numeric, remarks, strict=True)}
        for column in self.columns:
            if not isinstance(column, NumericColumn):
                found[column.name] = column.encode(table.column(column.name), table.place, X[:, spans[column.name]])
        return X, [remark for column in self.columns if (remark := found[column.name])]

    # ---- columns as they are, for networks with encodings of their own --------------------------------------------------------

    def matrix(self, table: Table) -> tuple[np.ndarray, list[Remark]]:
        """Columns as they are, and what the user should know.

        Returns
        -------
        matrix : ndarray of shape (n_rows, n_columns), float64
            Numbers, NaN where missing if training had such; parts of dates; codes of categories, -1 for what training did not have.
        remarks : list of Remark

        Raises
        ------
        DataError
            As `transform`.
        """
        spans = self.matrix_spans()
        matrix = np.empty((table.n_rows, sum(column.raw_width for column in self.columns)))
        found = [column.encode_raw(table.column(column.name), table.place, matrix[:, spans[column.name]]) for column in self.columns]
        return matrix, [remark for remark in found if remark]

    def matrix_spans(self) -> dict[str, slice]:
        """The columns of `matrix` that each column became."""
        return _spans([(column.name, column.raw_width) for column in self.columns])

    @property
    def matrix_names(self) -> list[str]:
        """Which column each of `matrix` was made of."""
        return [column.name for column in self.columns for _ in range(column.raw_width)]

    @property
    def number_columns(self) -> np.ndarray:
        """Columns of `matrix` with numbers, int64."""
        codes = {place for place, _ in self.category_columns}
        return np.array([place for place in range(len(self.matrix_names)) if place not in codes], np.int64)

    @property
    def category_columns(self) -> list[tuple[int, CategoricalColumn]]:
        """Columns of `matrix` with codes, and what they mean."""
        spans = self.matrix_spans()
        return [(spans[column.name].start, column) for column in self.columns if isinstance(column, CategoricalColumn)]

    @property
    def has_missing(self) -> np.ndarray:
        """Which columns of `matrix` had NaN in training, bool."""
        numbers = {column.name for column in self.columns if isinstance(column, NumericColumn) and column.has_missing}
        return np.array([name in numbers for name in self.matrix_names], bool)

    def transform_target(self, table: Table) -> np.ndarray:
        """Class indices, int64, or scaled numbers, float64; shape ``(n_rows,)``."""
        values = table.column(self.target.name)
        return self.target.encode(values) if isinstance(self.target, ClassTarget) else self.target.encode(values, table.place)


def _spans(widths: Sequence[tuple[str, int]]) -> dict[str, slice]:
    """Where columns of these names and widths stand, side by side."""
    ends = np.cumsum([width for _, width in widths]).tolist()
    return {name: slice(end - width, end) for (name, width), end in zip(widths, ends, strict=True)}
