"""Stream columns from Parquet, Feather and other files that pyarrow.dataset reads, from one file or many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nncore.arguments import listed
from nncore.configuration import require
from nncore.data.streams import Stream, StreamBlock
from nncore.errors import DataError, DtypeError, ParameterError

#: Approximate bytes for reading one column page by page: a page compressed and decompressed, and the read buffer of the file.
_PAGE, _READ = 2**21, 2**16

#: Arguments of ``pyarrow.parquet.ParquetFile``. By default it keeps everything it has read: in the end, the whole file.
BY_PAGE: dict[str, Any] = {"buffer_size": _READ, "pre_buffer": False}


def bytes_while_read(n_columns: int, group_sizes: Sequence[int]) -> int:
    """Approximate memory for reading a row group, in bytes.

    Parameters
    ----------
    n_columns : int
        Number of columns to read.
    group_sizes : sequence of int
        Uncompressed bytes of each row group.
    """
    return min(max(group_sizes, default=0), n_columns * _PAGE) + n_columns * _READ


def _library(module: str) -> Any:
    return require(module, extra="parquet", purpose="reading Parquet and Arrow files")


class ArrowColumns:
    """The numeric columns of a schema that are features, targets and sample weight.

    Parameters
    ----------
    schema : pyarrow.Schema
    y : str, sequence of str, or None
        Names of the target columns; None if there are none.
    sample_weight : str or None
        Name of the weight column.
    source : str
        Name of the source in messages.

    Attributes
    ----------
    features, all : tuple of str
        Names of the features, in the order of the schema; `all` continues with targets and weight.

    Raises
    ------
    DataError, DtypeError
        If a column does not exist or is not numeric.
    """

    def __init__(self, schema: Any, y: str | Sequence[str] | None, sample_weight: str | None, source: str) -> None:
        self._choose(schema, y, sample_weight, source)
        numpy_types = {name: self._dtype(name, schema.field(name).type) for name in self.all}
        self._dtype_of_x = np.result_type(*(numpy_types[name] for name in self.features))

    def _choose(self, schema: Any, y: str | Sequence[str] | None, sample_weight: str | None, source: str) -> None:
        self._arrow, self._source = _library("pyarrow"), source
        self._is_vector = isinstance(y, str)
        self._targets: tuple[str, ...] = () if y is None else (y,) if isinstance(y, str) else tuple(y)
        self._weight = sample_weight
        named = (*self._targets, *(() if sample_weight is None else (sample_weight,)))
        for name in named:
            if not isinstance(name, str) or name not in schema.names:
                raise DataError(f"{source} has no column {name!r}; it has {listed(schema.names)}")
        self.features = tuple(name for name in schema.names if name not in named)
        self.all = (*self.features, *named)
        if not self.features:
            raise DataError(f"{source} has no columns for features besides {listed(named)}")

    def _dtype(self, name: str, kind: Any) -> np.dtype:
        """The dtype that holds a column of an Arrow type, including NaN."""
        types = self._arrow.types
        if types.is_boolean(kind) or types.is_float32(kind) or types.is_float16(kind) or (types.is_integer(kind) and kind.bit_width <= 16):
            return np.dtype(np.float32)
        if types.is_integer(kind) or types.is_float64(kind) or types.is_decimal(kind) or types.is_null(kind):
            return np.dtype(np.float64)
        raise DtypeError(
            f"column {name!r} of {self._source} holds {kind}, but a network needs numbers: encode it, or leave it out with "
            "pyarrow.dataset.dataset(...).scanner(columns=[...]). nncore train and the estimators encode text and dates"
        )

    @property
    def has_targets(self) -> bool:
        """Whether there are target columns."""
        return bool(self._targets)

    @property
    def bytes_per_row(self) -> int:
        """Bytes of a row as Arrow stores it, plus those of a row in a block."""
        return 2 * len(self.features) * self._dtype_of_x.itemsize + 8 * (len(self.all) - len(self.features))

    def block(self, batch: Any, constants: Mapping[str, Any]) -> StreamBlock:
        """The samples of a record batch. `constants` has the values of columns that the batch lacks because they are constant."""
        return self._with_targets(self._samples(batch, constants), batch, constants)

    def _samples(self, batch: Any, constants: Mapping[str, Any]) -> Any:
        X = np.empty((len(batch), len(self.features)), self._dtype_of_x)
        for place, name in enumerate(self.features):
            X[:, place] = self._column(batch, name, constants)
        return X

    def _with_targets(self, X: Any, batch: Any, constants: Mapping[str, Any]) -> StreamBlock:
        targets = [self._column(batch, name, constants) for name in self._targets]
        y = None if not targets else targets[0] if self._is_vector else np.column_stack(targets)
        return StreamBlock(X, y, None if self._weight is None else self._column(batch, self._weight, constants))

    def _column(self, batch: Any, name: str, constants: Mapping[str, Any]) -> np.ndarray:
        """A column as an array, NaN where a value is missing."""
        if (place := batch.schema.get_field_index(name)) < 0:
            value = constants.get(name)
            return np.full(len(batch), np.nan if value is None else value)
        column = batch.column(place)
        types = self._arrow.types
        if types.is_boolean(column.type):
            column = column.cast("uint8")
        elif types.is_decimal(column.type) or types.is_null(column.type):
            column = column.cast("float64")
        found: np.ndarray = column.to_numpy(zero_copy_only=False)
        return found


class FrameColumns(ArrowColumns):
    """Columns of any type. Blocks hold Arrow tables, whose columns are encoded later.

    Parameters
    ----------
    schema, y, sample_weight, source
        See `ArrowColumns`.
    features : sequence of str, optional
        Names of the features, in this order. None: all columns except targets and weight.
    """

    def __init__(self, schema: Any, y: Any, sample_weight: str | None, source: str, features: Sequence[str] | None = None) -> None:
        self._choose(schema, y, sample_weight, source)
        if features is not None:
            if lacking := [name for name in features if name not in schema.names]:
                raise DataError(
                    f"{source} lacks the training columns {listed(list(map(repr, lacking)), most=20)}; it has {listed(schema.names)}"
                )
            self.features = tuple(features)
            self.all = tuple(dict.fromkeys((*self.features, *self.all[len(self.all) - len(self._targets) - (sample_weight is not None) :])))
        self._types = {name: schema.field(name).type for name in self.all}

    @property
    def bytes_per_row(self) -> int:
        return sum(2 * _width(kind) for kind in self._types.values())

    def _samples(self, batch: Any, constants: Mapping[str, Any]) -> Any:
        return self._arrow.Table.from_arrays([self._typed(batch, name, constants) for name in self.features], names=list(self.features))

    def _typed(self, batch: Any, name: str, constants: Mapping[str, Any]) -> Any:
        """A column in the type of the common schema of all files."""
        kind = self._types[name]
        if (place := batch.schema.get_field_index(name)) < 0:
            return self._arrow.repeat(self._arrow.scalar(constants.get(name), kind), len(batch))
        column = batch.column(place)
        return column if column.type == kind else column.cast(kind)

    def _column(self, batch: Any, name: str, constants: Mapping[str, Any]) -> np.ndarray:
        column = self._typed(batch, name, constants)
        types = self._arrow.types
        if types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if types.is_decimal(column.type):
            column = column.cast("float64")
        found: np.ndarray = column.to_numpy(zero_copy_only=False)
        return found


#: Assumed bytes of a cell without a fixed width, such as a string.
_TEXT = 32


def _width(kind: Any) -> int:
    """Approximate bytes of a cell."""
    try:
        return max(1, int(kind.bit_width) // 8)
    except ValueError:  # strings, lists
        return _TEXT


class ParquetStream(Stream):
    """Read Parquet files by row groups, with a few pages of a group in memory at a time.

    Parameters
    ----------
    fragments : list of pyarrow.dataset.ParquetFileFragment
    schema : pyarrow.Schema
        The common schema of all files.
    columns : ArrowColumns
        The columns of `schema` to read.
    source : str
    """

    def __init__(self, fragments: Sequence[Any], schema: Any, columns: ArrowColumns, source: str) -> None:
        self._columns = columns
        self._groups = [(fragment, group.id) for fragment in fragments for group in fragment.row_groups]
        sizes = [(group.num_rows, group.total_byte_size) for fragment in fragments for group in fragment.row_groups]
        self._sizes = np.array([rows for rows, _ in sizes], np.int64)
        self.n_samples, self.shape, self.names = int(self._sizes.sum()), (len(self._columns.features),), self._columns.features
        self.source, self.has_targets, self.bytes_per_row = source, self._columns.has_targets, self._columns.bytes_per_row
        self.bytes_a_piece = bytes_while_read(len(self._columns.all), [size for _, size in sizes])

    @property
    def piece_rows(self) -> np.ndarray:
        return self._sizes

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        parquet, dataset = _library("pyarrow.parquet"), _library("pyarrow.dataset")
        fragment, group = self._groups[piece]
        constants = dataset.get_partition_keys(fragment.partition_expression)
        there = set(fragment.physical_schema.names)
        columns = [name for name in self._columns.all if name in there]
        with fragment.open() as handle, parquet.ParquetFile(handle, metadata=fragment.metadata, **BY_PAGE) as file:
            for batch in file.iter_batches(n_rows, row_groups=[group], columns=columns, use_threads=False):
                yield self._columns.block(batch, constants)


class FragmentStream(Stream):
    """Read the files of a dataset in another format than Parquet, file by file.

    Parameters
    ----------
    fragments : list of pyarrow.dataset.Fragment
    schema, columns, source
        See `ParquetStream`.
    """

    def __init__(self, fragments: Sequence[Any], schema: Any, columns: ArrowColumns, source: str) -> None:
        self._columns, self._fragments, self._schema = columns, fragments, schema
        self._sizes = np.array([fragment.count_rows() for fragment in fragments], np.int64)
        self.n_samples, self.shape, self.names = int(self._sizes.sum()), (len(self._columns.features),), self._columns.features
        self.source, self.has_targets, self.bytes_per_row = source, self._columns.has_targets, self._columns.bytes_per_row

    @property
    def piece_rows(self) -> np.ndarray:
        return self._sizes

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        batches = self._fragments[piece].to_batches(schema=self._schema, columns=list(self._columns.all), **_few_at_once(n_rows))
        return (self._columns.block(batch, {}) for batch in batches)


class ScannerStream(Stream):
    """Read the result of a query (a dataset with a filter, or a scanner) from front to back.

    Parameters
    ----------
    query : pyarrow.dataset.Dataset or pyarrow.dataset.Scanner
    columns, source
        See `ParquetStream`.
    """

    def __init__(self, query: Any, columns: ArrowColumns, source: str) -> None:
        self._query, self._is_scanner, self._columns = query, isinstance(query, _library("pyarrow.dataset").Scanner), columns
        self.n_samples, self.shape, self.names = int(query.count_rows()), (len(self._columns.features),), self._columns.features
        self.source, self.has_targets, self.bytes_per_row = source, self._columns.has_targets, self._columns.bytes_per_row

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        if self._is_scanner:  # its own arguments set how much it reads ahead
            batches = self._query.to_batches()
        else:
            batches = self._query.to_batches(columns=list(self._columns.all), **_few_at_once(n_rows))
        for batch in batches:
            for start in range(0, len(batch), n_rows):
                yield self._columns.block(batch.slice(start, n_rows), {})


def _few_at_once(n_rows: int) -> dict[str, Any]:
    """Arguments that keep Arrow's readers from reading many batches ahead."""
    return {"batch_size": n_rows, "batch_readahead": 1, "fragment_readahead": 1, "use_threads": False}


def is_arrow(X: object) -> bool:
    """Whether `X` is an Arrow dataset or scanner. Does not import pyarrow."""
    names = {f"{cls.__module__}.{cls.__name__}" for cls in type(X).__mro__}
    return bool(names & {"pyarrow._dataset.Dataset", "pyarrow._dataset.Scanner"})


def arrow_stream(X: Any, y: Any, sample_weight: Any, source: str, *, frames: bool = False, features: Sequence[str] | None = None) -> Stream:
    """Make a stream of a dataset or a scanner.

    Parameters
    ----------
    X : pyarrow.dataset.Dataset or pyarrow.dataset.Scanner
    y, sample_weight, source
        See `ArrowColumns`.
    frames : bool, default False
        Let blocks hold Arrow tables, whose columns may have any type.
    features : sequence of str, optional
        Columns of these tables; None: all.
    """
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None and not isinstance(value, str) and not (name == "y" and isinstance(value, (list, tuple))):
            raise ParameterError(
                f"{name} must name a column{' or several columns' if name == 'y' else ''} of {source}, got a {type(value).__name__}"
            )
    dataset = _library("pyarrow.dataset")
    schema = X.schema if isinstance(X, dataset.Dataset) else X.projected_schema
    columns = FrameColumns(schema, y, sample_weight, source, features) if frames else ArrowColumns(schema, y, sample_weight, source)
    if isinstance(X, dataset.Dataset):
        try:
            fragments = list(X.get_fragments())
        except ValueError:  # the dataset has a filter
            return ScannerStream(X, columns, source)
        if fragments and all(isinstance(fragment, dataset.ParquetFileFragment) for fragment in fragments):
            return ParquetStream(fragments, schema, columns, source)
        if fragments:
            return FragmentStream(fragments, schema, columns, source)
    return ScannerStream(X, columns, source)


def arrow_dataset(paths: Any, format: Any, source: str, schema: Any = None) -> Any:
    """Open a file, a folder or several files as a dataset.

    Parameters
    ----------
    paths : str or list of str
    format : str, pyarrow.dataset.FileFormat or None
    source : str
        Name of the source in messages.
    schema : pyarrow.Schema, optional
        None: the schema of the files.

    Raises
    ------
    DataError
        If the files cannot be read.
    """
    dataset, arrow = _library("pyarrow.dataset"), _library("pyarrow")
    try:
        return dataset.dataset(paths, schema=schema, format=format)
    except (OSError, arrow.ArrowException) as error:
        raise DataError(f"{source} cannot be read: {error}") from None
