"""A Parquet file block by block, its cells as the text a CSV file would hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from nncore.configuration import require
from nncore.errors import DataError


class ParquetFile:
    """Rows of text, read as they are asked for. Needs the extra ``parquet``.

    Parameters
    ----------
    file : file
        That can seek: the description of a Parquet file stands at its end.
    source : str
        The file, for messages.

    Attributes
    ----------
    names : list of str
    has_header : bool
        True: the columns have names.
    delimiter : str
        Empty: there is none.
    unit : str
        What the numbers of rows count.

    Raises
    ------
    DataError
        If the file is damaged or empty, or has columns of lists, records or bytes.
    """

    unit = "row"
    has_header = True
    delimiter = ""

    def __init__(self, file: BinaryIO, source: str) -> None:
        parquet = require("pyarrow.parquet", extra="parquet", purpose="reading a Parquet file")
        self._arrow: Any = require("pyarrow", extra="parquet", purpose="reading a Parquet file")
        self.source = source
        if not file.seekable():
            raise DataError(f"Parquet cannot be read from {source}, its description stands at its end; give the name of a file")
        with self._explained():
            self._file = parquet.ParquetFile(file)
            self.names: list[str] = list(self._file.schema_arrow.names)
        if not self._file.metadata.num_rows:
            raise DataError(f"{source} has columns and no rows")
        for field in self._file.schema_arrow:
            if not self._is_scalar(field.type):
                raise DataError(f"{source}: column {field.name!r} holds {field.type}, not numbers or text; write it without that column")

    def blocks(self, n_rows: int) -> Iterator[tuple[Sequence[Sequence[str | None]], Sequence[int]]]:
        """Columns of cells, None where empty, and the number of each row from 1, for at most `n_rows` rows at a time."""
        done = 0
        batches = self._file.iter_batches(batch_size=n_rows)
        while True:
            with self._explained():
                batch = next(batches, None)
                columns = [] if batch is None else [self._text(column) for column in batch.columns]
            if batch is None:
                return
            yield columns, range(done + 1, done + batch.num_rows + 1)
            done += batch.num_rows

    def _is_scalar(self, kind: Any) -> bool:
        types = self._arrow.types
        return not (types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))

    def _text(self, column: Any) -> list[str | None]:
        if self._arrow.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if self._arrow.types.is_boolean(column.type):  # as Python, and so pandas, writes them to CSV
            return [None if value is None else str(value) for value in column.to_pylist()]
        return column.cast(self._arrow.string()).to_pylist()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (self._arrow.ArrowException, OSError) as error:
            raise DataError(f"{self.source} is damaged or cut off: {str(error).splitlines()[0]}; write it again") from None
