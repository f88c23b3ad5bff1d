"""Samples in a sparse matrix: read from SciPy's, checked, and handed to the core as they lie."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore._core import SparseRows, all_finite, as_c_array
from nncore.data.rows import Rows
from nncore.errors import DataError, DtypeError, ShapeError

#: Columns are counted in int32.
MOST_COLUMNS = 2**31 - 1


class SparseSamples(Rows):
    """Samples of which only the numbers that are not 0 are there. What asks for some of them by an index gets them dense.

    Parameters
    ----------
    rows : SparseRows
    may_be_dense : bool
        Whether a network that cannot read sparse rows may be shown dense ones, some at a time; else it refuses them.

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
        """Of the whole matrix that the rows are of."""
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
        """Some of the samples, as sparse as they are."""
        return SparseSamples(self.rows[rows], may_be_dense=self.may_be_dense)

    def in_dtype(self, dtype: np.dtype) -> SparseSamples:
        """The same in a dtype; itself if it has it."""
        if dtype == self.dtype:
            return self
        with np.errstate(over="ignore"):
            values = self.rows.values.astype(dtype)
        return SparseSamples(self.rows.in_dtype(values), may_be_dense=self.may_be_dense)

    def add_to(self, digest: Any) -> None:
        """Let a digest take up all that is in the samples."""
        numbers, _ = _places(self.rows)
        for part in (self.rows.ends - self.rows.begins, self.rows.columns[numbers], self.rows.values[numbers]):
            digest.update(part.data)

    def check_finite(self, name: str, dtype: np.dtype) -> None:
        """Raise `DataError` naming the first row and column that is not finite after conversion to `dtype`."""
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
    """Sparse samples, dense as they are asked for, for a network that cannot read them otherwise.

    Parameters
    ----------
    samples : SparseSamples
    """

    def __init__(self, samples: SparseSamples) -> None:
        self._samples = samples
        self.shape, self.dtype = samples.shape, samples.dtype

    def __getitem__(self, rows: Any) -> np.ndarray:
        return self._samples[rows]


def is_sparse(data: object) -> bool:
    """Whether it is a sparse matrix or array of SciPy, which is not imported for that."""
    return any(kind.__module__.startswith("scipy.sparse") for kind in type(data).__mro__)


def sparse_samples(matrix: Any, name: str, *, may_be_dense: bool = False) -> SparseSamples:
    """Samples of a sparse matrix of any kind, a row each. Numbers at one place are added up.

    Raises
    ------
    DataError
        If its parts do not fit together.
    DtypeError, ShapeError
        If it holds no real numbers, or is no matrix.
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
    ends, columns = np.array(matrix.indptr, np.int64), np.array(matrix.indices, np.int32)  # its own: nobody else writes to what is checked
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
    """Raise `DataError` for places that are not there: SciPy goes where they say."""
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
    """Whether it is a vector of whole numbers from 0 to below n."""
    return places.ndim == 1 and places.dtype.kind in "iu" and (places.size == 0 or (places.min() >= 0 and bool(places.max() < n)))


def _broken(name: str) -> str:
    return f"{name} is a sparse matrix whose parts do not fit together: {name}.check_format() of SciPy says where"


def _in_order(ends: np.ndarray, columns: np.ndarray, values: np.ndarray, n_columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """With columns that rise within each row; numbers in one place become their sum."""
    columns, values = columns[: ends[-1]], values[: ends[-1]]
    places = np.repeat(np.arange(len(ends) - 1), np.diff(ends)) * n_columns + columns
    order = np.argsort(places, kind="stable")
    firsts = np.flatnonzero(np.diff(places[order], prepend=-1))
    kept = places[order][firsts]
    ends = np.searchsorted(kept, np.arange(len(ends)) * n_columns)
    return ends.astype(np.int64), (kept % n_columns).astype(np.int32), np.add.reduceat(values[order], firsts)


def _places(rows: SparseRows) -> tuple[np.ndarray, np.ndarray]:
    """Where the numbers of rows are among all, and of which row each is."""
    lengths = rows.ends - rows.begins
    of_row = np.repeat(np.arange(len(rows)), lengths)
    return np.arange(len(of_row)) + np.repeat(rows.begins - (np.cumsum(lengths) - lengths), lengths), of_row
