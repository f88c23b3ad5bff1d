"""Streams for estimators: files, datasets and batches. Their blocks are data frames and arrays in the user's form."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing

from nncore.arguments import path_text
from nncore.blocks import rows_at_once
from nncore.configuration import require
from nncore.data import (
    FORMATS,
    BatchStream,
    Stream,
    StreamBlock,
    are_files,
    arrow_dataset,
    arrow_stream,
    as_stream,
    bytes_per_numbers,
    is_arrow,
    is_stream,
    mapped,
)
from nncore.errors import DataError, ParameterError
from nncore.estimators.given import Given
from nncore.tabular import files_of

#: Suffixes of text files, of compressed files, and separators of cells.
_TEXTS, _PACKED = {".csv": ",", ".tsv": "\t"}, (".gz", ".bz2", ".zst", ".lz4")

#: Message about a file without targets.
NO_TARGETS = "y is missing: pass the name of its column, or batches (X, y)"

#: Bytes of a piece of an array or data frame.
_PIECE = 2**20


def raw_stream(X: Any, y: Any, sample_weight: Any, role: str = "", *, features: Sequence[str] | None = None) -> Stream | None:
    """Make a stream of X if it is a kind of stream, with blocks in the user's form; None for samples in memory.

    Parameters
    ----------
    X : object
        The path of a Parquet, Feather, CSV or NumPy file or of a folder, a pattern of names, or a list of paths of tables. Or a dataset or
        scanner of Arrow, an iterable of batches, or a `Stream`.
    y, sample_weight : object
        Names of columns, or None if `X` contains them. For a NumPy file, arrays or paths.
    role : str, default ""
        Prefix of names in messages.
    features : sequence of str, optional
        Columns to read. None: all except targets and weight.

    Raises
    ------
    DataError, DtypeError, ParameterError
        If X cannot be read.
    """
    if isinstance(X, (str, os.PathLike)):
        path = Path(path_text(f"{role}X", X))
        if path.suffix.lower() == ".npy":
            return SlicedStream(mapped(path), _array(y), _array(sample_weight), path.name)
        if path.suffix.lower() == ".npz":
            return as_stream(X, y, sample_weight, role)
        where = path if path.is_dir() else None
        return arrow_stream(_dataset(files_of(path), where, str(path), y), y, sample_weight, str(path), frames=True, features=features)
    if are_files(X, y):
        files = [file for one in X for file in files_of(Path(path_text(f"{role}X", one)))]
        source = f"the files of {role}X"
        return arrow_stream(_dataset(files, None, source, y), y, sample_weight, source, frames=True, features=features)
    if is_arrow(X):
        return arrow_stream(X, y, sample_weight, f"{role}X", frames=True, features=features)
    if isinstance(X, (Stream, list, tuple)) or not is_stream(X, y):
        return X if isinstance(X, Stream) else None
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ParameterError(f"{role}X gives batches, which hold the targets, (X, y) or (X, y, sample_weight): leave {name} out")
    return RawBatches(X, f"{role}X")


def training_stream(given: Given, X: Any, y: Any, sample_weight: Any) -> Stream | None:
    """Make the stream of a fit: of files, datasets and batches, and with `memory_limit` also of data in memory; otherwise None."""
    found = raw_stream(X, y, sample_weight)
    if found is None and given.unread("memory_limit") is not None:
        found = SlicedStream(X, y, sample_weight)
    if found is not None:
        given.obey("memory_limit")
        if not found.can_repeat:
            raise ParameterError(
                f"{found.source} can be iterated only once, but a fit reads it several times: pass an object whose __iter__ "
                "starts anew, or a function that returns a new iterator"
            )
        if not found.has_targets:
            raise ParameterError(NO_TARGETS)
    return found


def _array(part: Any) -> Any:
    return mapped(path_text("y", part)) if isinstance(part, (str, os.PathLike)) else part


def _dataset(files: list[Path], folder: Path | None, source: str, y: Any) -> Any:
    """Open files, which may be all files of a folder, as a dataset."""
    kinds = {_kind(file) for file in files}
    if len(kinds) > 1:
        found = ", ".join(sorted(kinds))
        raise DataError(f"{source} has files of several formats ({found}): select one format by a pattern, such as 'folder/*.csv'")
    (kind,) = kinds
    where: Any = [str(file) for file in files] if folder is None else str(folder)
    if kind not in _TEXTS:
        return arrow_dataset(where, kind, source)
    dataset, csv = (require(module, extra="parquet", purpose="reading files in blocks") for module in ("pyarrow.dataset", "pyarrow.csv"))
    text = dataset.CsvFileFormat(
        parse_options=csv.ParseOptions(delimiter=_TEXTS[kind]), convert_options=csv.ConvertOptions(strings_can_be_null=True)
    )
    found = arrow_dataset(where, text, source)
    # Integers in the first rows do not exclude 1.5 later.
    arrow, targets = require("pyarrow", extra="parquet", purpose="reading files in blocks"), [y] if isinstance(y, str) else y or []
    is_whole = [arrow.types.is_integer(field.type) and field.name not in targets for field in found.schema]
    fields = [field.with_type(arrow.float64()) if whole else field for field, whole in zip(found.schema, is_whole, strict=True)]
    return arrow_dataset(where, text, source, arrow.schema(fields))


def _kind(file: Path) -> str:
    """Arrow's name of a file's format, or the suffix of a text file."""
    suffixes = [suffix.lower() for suffix in file.suffixes]
    suffix = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] in _PACKED else suffixes[-1] if suffixes else ""
    if suffix in _TEXTS:
        return suffix
    if suffix not in FORMATS:
        known = ", ".join([*_TEXTS, *FORMATS, ".npy", ".npz"])
        raise DataError(f"{file} does not end in one of {known}: rename it, or pass a pyarrow.dataset.Dataset")
    return FORMATS[suffix]


class RawBatches(BatchStream):
    """Batches of data frames, arrays, sparse matrices and labels in the user's form. They are not cut."""

    def __init__(self, batches: Any, source: str) -> None:
        super().__init__(batches, source)
        self.is_sparse = issparse(self._block(self._first).X)

    def _converted(self, X: Any, y: Any = None, sample_weight: Any = None) -> StreamBlock:
        if not hasattr(X, "shape"):
            X = np.asarray(X)
        if len(X.shape) != 2:
            raise DataError(f"X of a batch of {self.source} must have rows and columns, its shape is {tuple(X.shape)}")
        return StreamBlock(X, y, sample_weight)

    def _bytes_per_row(self, X: Any) -> int:
        return sparse_row_bytes(X) if issparse(X) else 8 * int(X.shape[1])

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        for block in map(self._block, self._batches()):
            if issparse(block.X) != self.is_sparse:
                kinds = ("dense", "sparse") if self.is_sparse else ("sparse", "dense")
                raise DataError(f"a batch of {self.source} is {kinds[0]}, but the first was {kinds[1]}: let all be sparse, or none")
            yield block


def sparse_row_bytes(X: Any) -> int:
    """Average memory of a row of a sparse matrix in a stream, in bytes."""
    return bytes_per_numbers(X.nnz / max(1, X.shape[0]), 8)


class SlicedStream(Stream):
    """An array, a sparse matrix or a frame in memory, or a memory-mapped array, read range by range.

    Parameters
    ----------
    X : array-like, sparse matrix or frame of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_targets), or None
    sample_weight : array-like of shape (n_samples,) or None
    source : str, default "X"
    """

    def __init__(self, X: Any, y: Any, sample_weight: Any, source: str = "X") -> None:
        if not hasattr(X, "shape"):
            X = np.asarray(X)
        if len(X.shape) != 2:
            raise DataError(f"{source} must have rows and columns, its shape is {tuple(X.shape)}")
        self.is_sparse = issparse(X)
        self._parts = (X.tocsr() if self.is_sparse else X, y, sample_weight)
        self.n_samples, self.shape, self.source, self.has_targets = int(X.shape[0]), (int(X.shape[1]),), source, y is not None
        self.bytes_per_row = sparse_row_bytes(X) if self.is_sparse else 8 * self.shape[0]
        self._step = rows_at_once(self.bytes_per_row, of=_PIECE)
        for name, part in (("y", y), ("sample_weight", sample_weight)):
            n_values = None if part is None else part.shape[0] if hasattr(part, "shape") else len(part)
            if n_values not in (None, self.n_samples):
                raise DataError(f"{source} has {self.n_samples} samples, {name} has {n_values}")

    @property
    def piece_rows(self) -> np.ndarray:
        assert self.n_samples is not None, "it is in memory"
        return np.minimum(self._step, self.n_samples - np.arange(0, self.n_samples, self._step))

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        begin = piece * self._step
        end = begin + int(self.piece_rows[piece])
        for start in range(begin, end, n_rows):
            rows = slice(start, min(start + n_rows, end))
            yield StreamBlock(*(None if part is None else _safe_indexing(part, rows) for part in self._parts))
