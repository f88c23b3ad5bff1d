"""Encode a table as a matrix. The encoder is plain data, which is saved with the network."""

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
    """The encoding of a table, fitted to a training file.

    Attributes
    ----------
    names : tuple of str
        All columns of the training file in order, including those left out.
    has_header : bool
        Whether the training file named its columns. If not, columns are matched by position.
    decimal_comma : bool
        Whether the training file has decimal commas (1,5 for 1.5).
    separator : str
        Separator of the training file; empty if it was not a CSV file.
    missing : tuple of str
        Words, in lower case, that mean a missing value in feature columns.
    columns : tuple of NumericColumn, TimeColumn or CategoricalColumn
        Encoded columns, in the order of the inputs.
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
            Table without missing values in the target.
        kinds : mapping of str to ColumnKind
            Result of `column_kinds`.
        target : str
            Column to predict.
        task : {"classification", "regression"}
            Classes are taken from the whole table, not only from `rows`: they define the task.
        rows : sequence of int or ndarray of int64
            Training rows. Means, medians and levels come only from these.
        most_levels : int, default 500
            Largest number of levels of a categorical column with their own code.
        most_one_hot : int, default 16
            A categorical column with more codes stays one column of codes.
        target_range : str, optional
            Interval of a real target, such as ``"[0, inf)"``. By default the target is standardised.
        missing, missing_target : tuple of str
            Words that mean a missing value in feature columns and in the target, for later tables.
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
        """Make an encoder from fitted columns, for tables with the format of this one.

        Raises
        ------
        DataError
            If no feature column is left.
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
        """Number of columns of the matrix."""
        return sum(column.width for column in self.columns)

    def spans(self) -> dict[str, slice]:
        """The inputs of each column."""
        return _spans([(column.name, column.width) for column in self.columns])

    def coded(self) -> dict[int, int]:
        """Columns of the matrix with codes, and the number of codes of each."""
        starts = {name: span.start for name, span in self.spans().items()}
        return {starts[c.name]: c.n_codes for c in self.columns if isinstance(c, CategoricalColumn) and c.is_coded}

    def match(self, table: Table) -> tuple[Table, list[str]]:
        """Match another file's columns to those of the training file, and replace words for missing values. Also returns messages for the
        user.

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
        """Encode a table as inputs, float32 of shape ``(n_rows, n_inputs)``, rounded at the end. Also returns remarks for the user.

        Raises
        ------
        DataError
            If a column is missing, or a cell of a numeric or date column is not a number or date.
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

    # ---- columns without scaling, for networks with their own encodings --------------------------------------------------------

    def matrix(self, table: Table) -> tuple[np.ndarray, list[Remark]]:
        """Columns without scaling, and remarks for the user.

        Returns
        -------
        matrix : ndarray of shape (n_rows, n_columns), float64
            Numbers, NaN where missing if training had missing values; parts of dates; codes of categories, -1 for unknown levels.
        remarks : list of Remark

        Raises
        ------
        DataError
            See `transform`.
        """
        spans = self.matrix_spans()
        matrix = np.empty((table.n_rows, sum(column.raw_width for column in self.columns)))
        found = [column.encode_raw(table.column(column.name), table.place, matrix[:, spans[column.name]]) for column in self.columns]
        return matrix, [remark for remark in found if remark]

    def matrix_spans(self) -> dict[str, slice]:
        """The columns of `matrix` for each column of the table."""
        return _spans([(column.name, column.raw_width) for column in self.columns])

    @property
    def matrix_names(self) -> list[str]:
        """The table's column of each column of `matrix`."""
        return [column.name for column in self.columns for _ in range(column.raw_width)]

    @property
    def number_columns(self) -> np.ndarray:
        """Columns of `matrix` with numbers, int64."""
        codes = {place for place, _ in self.category_columns}
        return np.array([place for place in range(len(self.matrix_names)) if place not in codes], np.int64)

    @property
    def category_columns(self) -> list[tuple[int, CategoricalColumn]]:
        """Columns of `matrix` with codes, and their category columns."""
        spans = self.matrix_spans()
        return [(spans[column.name].start, column) for column in self.columns if isinstance(column, CategoricalColumn)]

    @property
    def has_missing(self) -> np.ndarray:
        """Mask of the columns of `matrix` that had NaN in training."""
        numbers = {column.name for column in self.columns if isinstance(column, NumericColumn) and column.has_missing}
        return np.array([name in numbers for name in self.matrix_names], bool)

    def transform_target(self, table: Table) -> np.ndarray:
        """The encoded target, shape ``(n_rows,)``: class indices (int64) or scaled numbers (float64)."""
        values = table.column(self.target.name)
        return self.target.encode(values) if isinstance(self.target, ClassTarget) else self.target.encode(values, table.place)


def _spans(widths: Sequence[tuple[str, int]]) -> dict[str, slice]:
    """Slices of adjacent columns with these names and widths."""
    ends = np.cumsum([width for _, width in widths]).tolist()
    return {name: slice(end - width, end) for (name, width), end in zip(widths, ends, strict=True)}
