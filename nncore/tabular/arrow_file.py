"""Read Parquet and Arrow files in blocks. Cells become the text that a CSV file would hold."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, ClassVar

from nncore.configuration import require
from nncore.data import BY_PAGE, bytes_while_read
from nncore.errors import DataError
from nncore.tabular.cells import Cells
from nncore.tabular.table_file import Block, TableFile


class _ArrowColumns(TableFile):
    """A file with typed columns. Needs the extra ``parquet``.

    Missing cells are marked in the file, so no word of a text column counts as missing.

    Parameters
    ----------
    file : file
        Seekable file, since its schema is at the end.
    source : str
        Name of the file in messages.

    Raises
    ------
    DataError
        If the file is damaged.
    """

    first_bytes: ClassVar[bytes]
    #: Suffixes of such files, and the kind of file of each.
    suffixes: ClassVar[dict[str, str]]
    #: Number of rows before the first one read, and of those read.
    _n_before = _n_read = 0
    #: Number of rows to read, set by `_open`.
    _n_rows: int

    def __init__(self, file: BinaryIO, source: str) -> None:
        self._arrow: Any = require("pyarrow", extra="parquet", purpose=f"reading {self.kind}")
        self._compute: Any = require("pyarrow.compute", extra="parquet", purpose=f"reading {self.kind}")
        self.source = source
        if not file.seekable():
            raise DataError(f"{self.kind} cannot be read from {source}, because it must be read from its end; give the name of a file")
        with self._explained():
            self._open(file)
            schema = self._schema()
            self.given_names = list(schema.names)
            self.indexes = _pandas_index(schema)
            types = [field.type for field in schema]
            self.unreadable: Mapping[int, str] = {i: str(kind) for i, kind in enumerate(types) if not self._is_scalar(kind)}

    @abc.abstractmethod
    def _open(self, file: BinaryIO) -> None: ...

    @abc.abstractmethod
    def _schema(self) -> Any: ...

    @abc.abstractmethod
    def _batches(self, n_rows: int) -> Iterator[Any]:
        """Record batches of at most `n_rows` rows."""

    @property
    def share_read(self) -> float:
        return self._n_read / max(1, self._n_rows)

    def rows(self, n_rows: int) -> Iterator[Block]:
        done = self._n_before
        batches = self._batches(n_rows)
        while True:
            with self._explained():
                batch = next(batches, None)
                columns = [] if batch is None else [Cells.of_arrow(self._cells(i, column)) for i, column in enumerate(batch.columns)]
            if batch is None:
                return
            if batch.num_rows:
                self._n_read += batch.num_rows
                yield columns, range(done + 1, done + batch.num_rows + 1)
                done += batch.num_rows

    def _is_scalar(self, kind: Any) -> bool:
        types = self._arrow.types
        if types.is_dictionary(kind):
            return self._is_scalar(kind.value_type)
        if types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
            return False
        try:
            self._arrow.array([], kind).cast(self._arrow.string())
        except self._arrow.ArrowException:
            return False
        return True

    def _cells(self, i: int, column: Any) -> Any:
        """The cells as an Arrow array of strings."""
        text = self._arrow.string()
        if i in self.unreadable:
            return self._arrow.nulls(len(column), text)
        if self._arrow.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if self._arrow.types.is_boolean(column.type):  # as Python and pandas write them to CSV
            return self._compute.if_else(column, "True", "False")
        if self._arrow.types.is_floating(column.type):
            if column.type == self._arrow.float16():
                column = column.cast(self._arrow.float32())
            column = self._compute.if_else(self._compute.is_nan(column), None, column)
        return column.cast(text)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (self._arrow.ArrowException, OSError) as error:
            raise DataError(f"{self.source} is damaged or cut off: {str(error).splitlines()[0]}; write it again") from None


class ParquetFile(_ArrowColumns):
    """A Parquet file."""

    kind = "Parquet"
    first_bytes = b"PAR1"
    suffixes = {".parquet": "Parquet", ".pq": "Parquet"}

    _group: int | None = None

    @property
    def groups(self) -> list[int]:
        described = self._file.metadata
        return [int(described.row_group(i).num_rows) for i in range(described.num_row_groups)]

    @property
    def bytes_while_read(self) -> int:
        described = self._file.metadata
        sizes = [int(described.row_group(i).total_byte_size) for i in range(described.num_row_groups)]
        return bytes_while_read(int(described.num_columns), sizes)

    def read_only(self, group: int) -> None:
        self._group, self._n_before, self._n_rows = group, sum(self.groups[:group]), self.groups[group]

    def _open(self, file: BinaryIO) -> None:
        self._file = require("pyarrow.parquet", extra="parquet", purpose="reading Parquet").ParquetFile(file, **BY_PAGE)
        self._n_rows = int(self._file.metadata.num_rows)

    def _schema(self) -> Any:
        return self._file.schema_arrow

    def _batches(self, n_rows: int) -> Iterator[Any]:
        groups = None if self._group is None else [self._group]
        batches: Iterator[Any] = self._file.iter_batches(batch_size=n_rows, row_groups=groups, use_threads=False)
        return batches


class ArrowFile(_ArrowColumns):
    """A Feather file of version 2, which is the Arrow format."""

    kind = "Arrow"
    first_bytes = b"ARROW1"
    suffixes = {".feather": "Feather", ".arrow": "Arrow"}

    def _open(self, file: BinaryIO) -> None:
        self._file = self._arrow.ipc.open_file(file)
        self._n_rows = int(self._file.count_rows())

    def _schema(self) -> Any:
        return self._file.schema

    def _batches(self, n_rows: int) -> Iterator[Any]:
        for number in range(self._file.num_record_batches):
            batch = self._file.get_batch(number)
            for start in range(0, batch.num_rows, n_rows):
                yield batch.slice(start, n_rows)


def _pandas_index(schema: Any) -> frozenset[int]:
    """Numbers of the columns that were the index of a data frame."""
    described = schema.pandas_metadata or {}
    names = {name for name in described.get("index_columns", ()) if isinstance(name, str)}
    return frozenset(i for i, name in enumerate(schema.names) if name in names)
