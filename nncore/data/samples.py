"""Check users' samples (arrays, lists, data frames, sparse matrices): real numbers, one row a sample."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nncore._core import SparseRows, all_finite, as_c_array, ready_rows
from nncore.blocks import blocks, rows_at_once
from nncore.data.containers import admitted, is_missing
from nncore.data.rows import Rows
from nncore.data.sparse_samples import DenseRows, SparseSamples, is_sparse, sparse_samples
from nncore.errors import DataError, DataWarning, DtypeError, ShapeError, warn_user
from nncore.program import Blueprint, check_sparse

#: A column with fewer distinct numbers than this after conversion has lost too much precision.
FEWEST_STEPS = 1000
#: Bytes that are checked for lost precision. Larger data are checked at evenly spaced rows, so that a memory-mapped file is not read in
#: full.
LOOKED_AT = 64 * 2**20


#: Samples as the functions below return them.
Samples = np.ndarray | Rows


def as_samples(data: object, name: str, shape: tuple[int, ...] | None, dtype: np.dtype, allow_nan: bool = False) -> Samples:
    """Check `data` as an array of numbers of shape ``(n_samples, *shape)``. It is not converted to `dtype`.

    Raises
    ------
    ShapeError, DtypeError, DataError
        For a wrong number of dimensions or features, for values that are not numbers, for infinity, and for NaN unless it is allowed.
    """
    array = as_rows(data, name, shape)
    check_finite(array, name, dtype, allow_nan)
    return array


def as_rows(data: object, name: str, shape: tuple[int, ...] | None) -> Samples:
    """Check `data` as `as_samples` does, except for NaN and infinity. Masked values become NaN."""
    array: Samples
    array = data if isinstance(data, Rows) else sparse_samples(data, name) if is_sparse(data) else as_numbers(data, name, holes=True)
    if array.ndim < 2:
        hint = f"one sample: {name}.reshape(1, -1); one feature: {name}.reshape(-1, 1)"
        raise ShapeError(f"{name} must have a row for each sample, got shape {array.shape}; for {hint}")
    if shape is not None and array.shape[1:] != shape:
        raise ShapeError(f"{name} has samples of shape {array.shape[1:]}, this network takes {shape}")
    if 0 in array.shape[1:]:
        raise ShapeError(f"{name} has no features: its shape is {array.shape}")
    return array


def for_network(samples: Samples, blueprint: Blueprint, name: str, *, changes: bool = False) -> Samples:
    """Samples in a form that a network can read. Sparse samples become dense if the network cannot read them.

    Samples that must not become dense raise an error instead. Samples that may also become dense if a transform `changes` them.
    """
    if not isinstance(samples, SparseSamples) or (blueprint.takes_sparse and not (changes and samples.may_be_dense)):
        return samples
    if not samples.may_be_dense:
        check_sparse(blueprint, name)
    return DenseRows(samples)


def some_rows(samples: Samples, rows: Any) -> Samples:
    """Select some of the samples; sparse samples stay sparse."""
    return samples.select(rows) if isinstance(samples, SparseSamples) else samples[rows]


def as_inputs(data: object, name: str, shape: tuple[int, ...], dtype: np.dtype, blueprint: Blueprint) -> np.ndarray | SparseRows:
    """Prepare `data` for a network by `as_samples`, `for_network` and, unless it is sparse, `as_matrix`."""
    ready = ready_rows(data, shape, dtype, blueprint.accepts_nan)
    if ready is None:
        samples = as_samples(data, name, shape, dtype, blueprint.accepts_nan)
        return for_core(for_network(samples, blueprint, name), dtype)
    return ready if len(shape) == 1 else ready.reshape(len(ready), -1)


def for_core(samples: Samples, dtype: np.dtype) -> np.ndarray | SparseRows:
    """Checked samples as a program takes them: sparse rows or a matrix."""
    return samples.in_dtype(dtype).rows if isinstance(samples, SparseSamples) else as_matrix(samples, dtype)


def as_matrix(samples: Samples, dtype: np.dtype) -> np.ndarray:
    """Convert checked samples to a C-contiguous matrix of shape (n_samples, n_inputs)."""
    return as_c_array(samples[:], dtype).reshape(len(samples), math.prod(samples.shape[1:]))


def as_numbers(data: object, name: str, *, holes: bool = False) -> np.ndarray:
    """Convert `data` to an array of real numbers. Masked values raise an error, or become NaN with `holes`."""
    data = admitted(data, name, holes=holes)
    if hasattr(data, "toarray") and not isinstance(data, np.ndarray):
        raise DtypeError(f"{name} is a sparse matrix, which is not supported here: pass {name}.toarray()")
    try:
        array = np.asarray(data)
    except MemoryError:
        raise
    except Exception as error:  # from NumPy, or from an object that claims to be an array
        raise ShapeError(f"{name} is not a rectangular array: {error}") from None
    if array.dtype.kind == "O":  # a data frame with numeric columns of several dtypes, or a list of such rows
        array = _numbers_of_objects(array, name)
    array = admitted(array, name)  # the values of a data frame
    if array.dtype.kind == "c":
        raise DtypeError(f"{name} has dtype {array.dtype}, real numbers are needed: pass {name}.real and {name}.imag as columns")
    if array.dtype.kind not in "biuf":
        raise DtypeError(f"{name} has dtype {array.dtype}, but must be real numbers: convert it with {name}.astype(float)")
    return array


def _numbers_of_objects(array: np.ndarray, name: str) -> np.ndarray:
    """Convert an array of objects to float64; None and other missing values become NaN."""
    try:
        try:
            return array.astype(np.float64)
        except TypeError:
            missing = np.fromiter(map(is_missing, array.ravel()), bool, array.size).reshape(array.shape)
            if not missing.any():
                raise
            return np.where(missing, np.nan, array).astype(np.float64)
    except OverflowError:
        raise DataError(f"{name} holds a whole number too large for float64: scale it first") from None
    except MemoryError:
        raise
    except Exception as error:  # from an object that claims to be a number
        raise DtypeError(f"{name} holds something that is not a number ({error}): encode text and categories as numbers first") from None


def check_finite(array: Samples, name: str, dtype: np.dtype, allow_nan: bool = False) -> None:
    """Raise `DataError` for the first number that is infinite after conversion to `dtype`, or NaN unless that is allowed."""
    if array.dtype.kind in "biu" or array.size == 0:
        return
    if isinstance(array, SparseSamples):
        array.check_finite(name, dtype)
        return
    for rows in blocks(len(array), array[0].size * dtype.itemsize):
        block = array[rows]
        if block.dtype != dtype:
            with np.errstate(over="ignore"):
                block = block.astype(dtype)
        block = as_c_array(block, dtype)
        if not all_finite(block, allow_nan):
            position = np.argwhere(np.isinf(block) if allow_nan else ~np.isfinite(block))[0]
            row, column = rows.start + int(position[0]), ", ".join(str(i) for i in position[1:])
            value = array[row][tuple(position[1:])]
            too_large = f", too large for {dtype}: scale it or use dtype='float64'" if np.isfinite(value) else ": impute or drop it first"
            where = f"row {row}, column {column}" if column else f"row {row}"
            raise DataError(f"{name} contains {'NaN' if np.isnan(value) else value} at {where}{too_large}")


def warn_of_lost_digits(array: Samples, name: str, dtype: np.dtype) -> None:
    """Warn about the first column that loses most of its distinct values in `dtype`, because they are large compared with their
    differences."""
    if isinstance(array, Rows) or np.can_cast(array.dtype, dtype) or len(array) < 2:
        return
    some = array[:: -(-len(array) // max(2, rows_at_once(array[0].nbytes, of=LOOKED_AT)))]
    low, high = (np.asarray(ends.reduce(some, axis=0), np.float64).ravel() for ends in (np.fmin, np.fmax))
    spread, largest = high - low, np.maximum(np.abs(low), np.abs(high))
    few = np.flatnonzero((spread > 0) & (spread < FEWEST_STEPS * np.finfo(dtype).eps * largest))
    if len(few):
        column = few[0]
        warn_user(
            f"column {column} of {name} lies between {low[column]:.9g} and {high[column]:.9g}, where {dtype} has few numbers: subtract "
            "about the mean first, or use dtype='float64'",
            DataWarning,
        )


def check_replaced(inputs: np.ndarray, outputs: np.ndarray, first_row: int = 0) -> None:
    """Raise `DataError` for the first row whose outputs are NaN because its inputs are, and no layer replaced them.

    `first_row` is the number of the first row, for messages.
    """
    if all_finite(outputs):
        return
    lost = np.isnan(outputs.reshape(len(outputs), -1)).any(axis=1) & np.isnan(inputs).any(axis=1)
    if lost.any():
        row = int(lost.argmax())
        columns = ", ".join(str(column) for column in np.flatnonzero(np.isnan(inputs[row])))
        raise DataError(
            f"the output for row {first_row + row} is NaN: X contains NaN there (column {columns}), and no layer replaces it; "
            "impute it first, or fill it with nn.FillMissing() at the front of the network"
        )
