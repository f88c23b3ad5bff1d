"""Check array arguments before NumPy converts them: ``np.asarray`` drops masks and units, and wraps a generator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nncore.errors import DataError, DtypeError, ShapeError

#: Attributes that identify lazy frames and columns, and the call that loads them: Spark, Dask, DuckDB, Ray, polars and narwhals.
LAZY = {
    "toPandas": "toPandas()",
    "__dask_graph__": "compute()",
    "to_arrow_table": "to_arrow_table()",
    "iter_batches": "to_pandas()",
    "collect": "collect()",
}


def is_missing(value: object) -> bool:
    """Whether `value` marks a missing value: None, NaN, NaT or pandas' NA."""
    if value is None:
        return True
    try:
        equal = value == value
    except Exception:  # an object that cannot be compared is not missing
        return False
    return not equal if isinstance(equal, (bool, np.bool_)) else type(value).__name__ == "NAType"


def admitted(data: Any, name: str, *, holes: bool = False, times: bool = False) -> Any:
    """Return `data` itself if ``np.asarray`` loses no information, else an array with the same values.

    Parameters
    ----------
    data : object
        What a user passed as an array.
    name : str
        Name of the argument, for messages.
    holes : bool, default False
        Turn masked values into NaN (None in arrays of strings and objects); missing values are checked later. False raises an error for
        them.
    times : bool, default False
        Accept dates and times, for example as class labels.

    Raises
    ------
    DataError
        If values are masked and `holes` is False.
    DtypeError
        If `data` is not an array, or one that NumPy would strip of information: records, quantities with a unit.
    """
    if type(data) is np.ndarray and data.dtype.kind in "biufcUSO":
        return data
    if isinstance(data, (list, tuple)) and any(issubclass(kind, np.ma.MaskedArray) for kind in set(map(type, data))):
        try:
            data = np.ma.stack([np.ma.asarray(part) for part in data])
        except ValueError as error:
            raise ShapeError(f"{name} is not a rectangular array: {error}") from None
    if isinstance(data, np.ndarray):
        return _admitted_array(data, name, holes=holes, times=times)
    if _is_table(data):
        _refuse_lazy(data, name)
        return data
    _refuse_other_things(data, name)
    if _is_array(data):
        try:
            data = np.asarray(data)
        except MemoryError:
            raise
        except Exception as error:  # an object that claims to be an array may raise anything
            gradient = f": pass {name}.detach().cpu().numpy()" if hasattr(data, "detach") else ""
            raise DtypeError(f"{name} is a {_type_name(data)} that NumPy cannot read ({error}){gradient}") from None
        return _admitted_array(data, name, holes=holes, times=times)
    return data


def _admitted_array(array: np.ndarray, name: str, *, holes: bool, times: bool) -> np.ndarray:
    if array.dtype.kind in "mM" and not times:
        raise DtypeError(
            f"{name} has dtype {array.dtype}, but must be real numbers: convert it to numbers (year, month, hours since a date)"
        )
    if array.dtype.names is not None:
        fields = ", ".join(array.dtype.names)
        raise DtypeError(
            f"{name} is a structured array with the fields {fields}: convert it to columns with "
            f"numpy.lib.recfunctions.structured_to_unstructured({name})"
        )
    if type(array) is np.ndarray:
        return array
    if (unit := getattr(array, "unit", getattr(array, "units", None))) is not None:
        _refuse_unit(name, array, unit)
    return _without_mask(array, name, holes=holes) if isinstance(array, np.ma.MaskedArray) else array


def _without_mask(array: np.ma.MaskedArray[Any, Any], name: str, *, holes: bool) -> np.ndarray:
    masked = np.ma.getmaskarray(array)
    if not masked.any():
        return np.asarray(array)
    if holes:
        if array.dtype.kind in "biuf":
            return np.where(masked, np.nan, array.data).astype(array.dtype if array.dtype.kind == "f" else np.float64)
        filled = array.data.astype(object)
        filled[masked] = None
        return filled
    place = ", ".join(str(index) for index in np.argwhere(masked)[0])
    raise DataError(
        f"{name} has {int(masked.sum())} masked values, the first at {place}: leave these samples out, or pass {name}.data to use the "
        "values under the mask"
    )


def _refuse_lazy(data: Any, name: str) -> None:
    """Raise `DtypeError` for a lazy frame: NumPy would load all rows or none, and lose names and categories."""
    for attribute, call in LAZY.items():
        if hasattr(type(data), attribute):
            raise DtypeError(
                f"{name} is a {_type_name(data)} that is not loaded yet: pass {name}.{call}, or, if that does not fit into memory, "
                "its parts one by one"
            )


def _refuse_other_things(data: Any, name: str) -> None:
    """Raise `DtypeError` for objects that hold or produce numbers but are not arrays: generators, dicts, sets."""
    if hasattr(type(data), "magnitude") and hasattr(type(data), "units"):
        _refuse_unit(name, data, data.units)
    if isinstance(data, Mapping):
        raise DtypeError(f"{name} is a {_type_name(data)}: pass a frame, or numpy.column_stack(list({name}.values()))")
    if isinstance(data, (set, frozenset)):
        raise DtypeError(f"{name} is a {_type_name(data)}, which has no order: pass a list or an array")
    is_sequence = isinstance(data, Sequence) or (hasattr(type(data), "__len__") and hasattr(type(data), "__getitem__"))
    if isinstance(data, Iterable) and not is_sequence and not _is_array(data):
        raise DtypeError(
            f"{name} is a {_type_name(data)}, but must be a whole array: collect the values first, batches with "
            "numpy.concatenate(list(...)), samples with numpy.array(list(...))"
        )


def _refuse_unit(name: str, data: Any, unit: Any) -> None:
    raise DtypeError(
        f"{name} is a {_type_name(data)} in {unit!s:.40}, and networks ignore units: convert it to a fixed unit and pass the plain numbers"
    )


def _is_array(data: Any) -> bool:
    """Whether the object defines its own conversion to a NumPy array."""
    return any(hasattr(type(data), protocol) for protocol in ("__array__", "__array_interface__", "__cuda_array_interface__"))


def _is_table(data: Any) -> bool:
    """Whether it is a frame, a column of a frame or a sparse matrix. Their names, categories and sparsity are used later."""
    return any(hasattr(type(data), attribute) for attribute in ("columns", "to_frame", "__narwhals_dataframe__", "toarray"))


def _type_name(data: Any) -> str:
    return type(data).__name__
