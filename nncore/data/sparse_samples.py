"""Samples from SciPy's sparse matrices: checked, and passed to the core in sparse form."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np

from nncore._core import SparseRows, all_finite, as_c_array
from nncore.data.rows import Rows
from nncore.errors import DataError, DtypeError, ShapeError

#: Column indices are int32.
MOST_COLUMNS = 2**31 - 1

#: Bytes of a row that lies alone, beside those of its numbers.
ROW_BYTES = 320


class SparseSamples(Rows):
    """Sparse samples, of which only the nonzero numbers are stored. Indexing returns dense samples.

    Parameters
    ----------
    rows : SparseRows
    may_be_dense : bool
        Whether a network that cannot read sparse rows may receive them as dense blocks; otherwise it raises an error.

    Attributes
    ----------
    rows : SparseRows
    may_be_dense : bool
    """

    def __init__(self, rows: SparseRows, *, may_be_dense: bool = False) -> None:
        self.rows, self.may_be_dense = rows, may_be_dense
        self.shape, self.dtype = (len(rows), rows.n_columns), rows.values.dtype

    @property
    def n_numbers(self) -> int:
        """Number of stored numbers of the whole matrix, not only of these rows."""
        return len(self.rows.values)

    def __getitem__(self, rows: Any) -> np.ndarray:
        if isinstance(rows, (int, np.integer)):
            return self[np.array([rows])][0]
        some = self.rows[rows]
        dense = np.zeros((len(some), some.n_columns), self.dtype)
        numbers, of_row = _places(some)
        dense[of_row, some.columns[numbers]] = some.values[numbers]
        return dense

    def select(self, rows: slice | np.ndarray) -> SparseSamples:
        """Select some of the samples, in sparse form."""
        return SparseSamples(self.rows[rows], may_be_dense=self.may_be_dense)

    def in_dtype(self, dtype: np.dtype) -> SparseSamples:
        """Convert to a dtype. Returns itself if it already has that dtype."""
        if dtype == self.dtype:
            return self
        with np.errstate(over="ignore"):
            values = self.rows.values.astype(dtype)
        return SparseSamples(self.rows.in_dtype(values), may_be_dense=self.may_be_dense)

    @property
    def numbers(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Columns, values and rows of the numbers, row by row; columns rise within a row."""
        numbers, of_row = _places(self.rows)
        return self.rows.columns[numbers], self.rows.values[numbers], of_row

    @classmethod
    def of_numbers(cls, columns: np.ndarray, values: np.ndarray, of_row: np.ndarray, shape: tuple[int, ...]) -> Self:
        """Samples of numbers as `numbers` gives them. The arrays are used in place."""
        ends = np.cumsum(np.bincount(of_row, minlength=shape[0])).astype(np.int64)
        return cls(SparseRows(np.concatenate([[0], ends[:-1]])[: len(ends)], ends, columns.astype(np.int32, copy=False), values, shape[1]))

    @classmethod
    def of_dense(cls, matrix: np.ndarray) -> Self:
        """The samples of a dense matrix."""
        of_row, columns = np.nonzero(matrix)
        return cls.of_numbers(columns, matrix[of_row, columns], of_row, matrix.shape)

    def followed_by(self, others: SparseSamples) -> SparseSamples:
        """These samples, and others of as many columns behind them."""
        parts = zip(self.numbers, others.numbers, strict=True)
        columns, values, of_row = (np.concatenate([own, other + len(self) if i == 2 else other]) for i, (own, other) in enumerate(parts))
        return type(self).of_numbers(columns, values, of_row, (len(self) + len(others), self.shape[1]))

    def add_to(self, digest: Any) -> None:
        """Update a hash with all samples."""
        columns, values, _ = self.numbers
        for part in (self.rows.ends - self.rows.begins, columns, values):
            digest.update(part.data)

    def check_finite(self, name: str, dtype: np.dtype) -> None:
        """Raise `DataError` for the first number that is not finite after conversion to `dtype`."""
        values = as_c_array(self.in_dtype(dtype).rows.values, dtype)
        if all_finite(values):
            return
        numbers, of_row = _places(self.rows)
        wrong = np.flatnonzero(~np.isfinite(values[numbers]))
        if not len(wrong):
            return
        place, row = numbers[wrong[0]], of_row[wrong[0]]
        value = self.rows.values[place]
        remedy = f", too large for {dtype}: scale it or use dtype='float64'" if np.isfinite(value) else ": impute or drop it first"
        raise DataError(f"{name} contains {'NaN' if np.isnan(value) else value} at row {row}, column {self.rows.columns[place]}{remedy}")


class DenseRows(Rows):
    """Sparse samples that become dense on access, for networks that cannot read sparse rows.

    Parameters
    ----------
    samples : SparseSamples
    """

    def __init__(self, samples: SparseSamples) -> None:
        self._samples = samples
        self.shape, self.dtype = samples.shape, samples.dtype

    def __getitem__(self, rows: Any) -> np.ndarray:
        return self._samples[rows]


def rows_apart(samples: SparseSamples) -> np.ndarray:
    """Rows one by one, so that each can be moved alone: an array of pairs, the columns and the values of a row. They are copied."""
    columns, values, _ = samples.numbers
    ends = np.cumsum(samples.rows.ends - samples.rows.begins)
    rows = np.empty(len(samples), object)
    begin = 0
    for i, end in enumerate(ends.tolist()):
        rows[i], begin = (columns[begin:end].copy(), values[begin:end].copy()), end
    return rows


def rows_joined(rows: np.ndarray, n_columns: int) -> SparseRows:
    """The rows of `rows_apart`, at least one, as the core reads them."""
    columns, values = (np.concatenate([row[i] for row in rows]) for i in (0, 1))
    ends = np.cumsum([len(columns) for columns, _ in rows], dtype=np.int64)
    return SparseRows(np.concatenate([[0], ends[:-1]]), ends, columns, values, n_columns)


def bytes_per_sparse_row(samples: SparseSamples) -> int:
    """Memory of a row in a stream, in bytes: of the two arrays that hold it, and of its numbers."""
    n_numbers = int((samples.rows.ends - samples.rows.begins).sum())
    return bytes_per_numbers(n_numbers / max(1, len(samples)), samples.dtype.itemsize)


def bytes_per_numbers(n_numbers: float, itemsize: int) -> int:
    """The same for a row of so many numbers, each of `itemsize` bytes."""
    return ROW_BYTES + math.ceil(n_numbers) * (itemsize + np.dtype(np.int32).itemsize)


def is_sparse(data: object) -> bool:
    """Whether `data` is a sparse matrix or array of SciPy. Does not import SciPy."""
    return any(kind.__module__.startswith("scipy.sparse") for kind in type(data).__mro__)


def sparse_samples(matrix: Any, name: str, *, may_be_dense: bool = False) -> SparseSamples:
    """Read the rows of a sparse matrix of any format as samples. Duplicate entries are summed.

    Raises
    ------
    DataError
        If indices and values of the matrix are inconsistent.
    DtypeError, ShapeError
        If it does not hold real numbers, or is not a matrix.
    """
    if len(matrix.shape) != 2:
        raise ShapeError(f"{name} must have a row for each sample, got a sparse array of shape {matrix.shape}")
    n_columns = matrix.shape[1]
    if n_columns == 0:
        raise ShapeError(f"{name} has no features: its shape is {matrix.shape}")
    if n_columns > MOST_COLUMNS:
        raise ShapeError(f"{name} has {n_columns} columns, a sparse matrix may have {MOST_COLUMNS} here")
    if matrix.dtype.kind not in "biuf":
        raise DtypeError(f"{name} has dtype {matrix.dtype}, but must be real numbers: convert it with {name}.astype(float)")
    _check_parts(matrix, name)
    if matrix.format != "csr":
        matrix = matrix.tocsr()
    ends, columns = np.array(matrix.indptr, np.int64), np.array(matrix.indices, np.int32)  # copies that nobody else changes
    values = as_c_array(matrix.data, matrix.dtype if matrix.dtype in (np.float32, np.float64) else np.dtype(np.float64))
    rises = np.diff(columns) > 0
    rises[(ends[1:-1] - 1)[(ends[1:-1] > 0) & (ends[1:-1] < len(columns))]] = True  # from one row to the next
    if not rises.all():
        ends, columns, values = _in_order(ends, columns, values, n_columns)
    columns.flags.writeable = ends.flags.writeable = False
    try:
        rows = SparseRows(ends[:-1], ends[1:], columns, values, n_columns)
    except DataError:
        raise DataError(_broken(name)) from None
    return SparseSamples(rows, may_be_dense=may_be_dense)


def _check_parts(matrix: Any, name: str) -> None:
    """Raise `DataError` for indices out of range: SciPy would read there."""
    n_rows, n_columns = matrix.shape
    is_sound = True
    if matrix.format in ("csr", "csc", "bsr"):
        n_major, n_minor = (n_columns, n_rows) if matrix.format == "csc" else (n_rows, n_columns)
        if matrix.format == "bsr":
            n_major, n_minor = (n // max(1, of_block) for n, of_block in zip(matrix.shape, matrix.data.shape[1:], strict=True))
        ends, places = np.asarray(matrix.indptr), np.asarray(matrix.indices)
        is_sound = ends.shape == (n_major + 1,) and ends.dtype.kind in "iu" and len(places) == len(matrix.data)
        is_sound = is_sound and ends[0] == 0 and ends[-1] <= len(places) and bool((ends[:-1] <= ends[1:]).all())
        is_sound = is_sound and _are_below(places, n_minor)
    elif matrix.format == "coo":
        both = [np.asarray(part) for part in (matrix.row, matrix.col)]
        is_sound = all(len(part) == len(matrix.data) and _are_below(part, n) for part, n in zip(both, matrix.shape, strict=True))
    if not is_sound:
        raise DataError(_broken(name))


def _are_below(places: np.ndarray, n: int) -> bool:
    """Whether it is a vector of integers from 0 to n − 1."""
    return places.ndim == 1 and places.dtype.kind in "iu" and (places.size == 0 or (places.min() >= 0 and bool(places.max() < n)))


def _broken(name: str) -> str:
    return f"{name} is a sparse matrix whose parts do not fit together: {name}.check_format() of SciPy says where"


def _in_order(ends: np.ndarray, columns: np.ndarray, values: np.ndarray, n_columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort the columns of each row, and sum duplicate entries."""
    columns, values = columns[: ends[-1]], values[: ends[-1]]
    places = np.repeat(np.arange(len(ends) - 1), np.diff(ends)) * n_columns + columns
    order = np.argsort(places, kind="stable")
    firsts = np.flatnonzero(np.diff(places[order], prepend=-1))
    kept = places[order][firsts]
    ends = np.searchsorted(kept, np.arange(len(ends)) * n_columns)
    return ends.astype(np.int64), (kept % n_columns).astype(np.int32), np.add.reduceat(values[order], firsts)


def _places(rows: SparseRows) -> tuple[np.ndarray, np.ndarray]:
    """Position of each number of these rows in the matrix, and its row."""
    lengths = rows.ends - rows.begins
    of_row = np.repeat(np.arange(len(rows)), lengths)
    return np.arange(len(of_row)) + np.repeat(rows.begins - (np.cumsum(lengths) - lengths), lengths), of_row
