"""Read `X` column by column: an array, or a data frame of any library that narwhals supports."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from nncore.arguments import listed
from nncore.configuration import require
from nncore.data import as_numbers, is_missing
from nncore.errors import DataError, ParameterError
from nncore.estimators.moments import are_moments, moments_of

#: Largest number of characters of a value in messages.
SHOWN = 40


@dataclass(frozen=True)
class Factorized:
    """A column as codes of its distinct values.

    Attributes
    ----------
    codes : ndarray of shape (n_rows,), of whole numbers
        Index into `values` for each row.
    values : list
        Distinct values as Python objects, including missing ones.
    """

    codes: NDArray[Any]
    values: list[Any]

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True)
class Column:
    """One column of `X`.

    Attributes
    ----------
    label : str
        Name in messages: ``column 'age'``, ``column 3``.
    kind : {"number", "text", "category", "time", "duration", "object"}
        "time" is for dates, timestamps and times of day; "object" may hold anything else.
    data : Series or ndarray of shape (n_rows,)
    """

    label: str
    kind: str
    data: Any

    def values(self) -> list[Any]:
        """Values as Python objects, including missing ones."""
        if str(self.data.dtype).lower() in ("float16", "float32"):  # as a Python float, 0.1 would be 0.10000000149
            return list(self.data.to_numpy() if hasattr(self.data, "to_numpy") else self.data)
        values: list[Any] = self.data.tolist() if isinstance(self.data, np.ndarray) else self.data.to_list()
        return values

    def factorized(self) -> Factorized:
        """Distinct values (few in a categorical column), and their index for each row.

        Raises
        ------
        DataError
            If values are containers, which cannot be compared.
        """
        native: Any = self.data if isinstance(self.data, np.ndarray) else getattr(self.data, "to_native", lambda: self.data)()
        module = type(native).__module__.partition(".")[0]
        dtype = getattr(native, "dtype", None)  # Arrow's has a type
        if module == "pandas" and hasattr(native, "cat"):
            codes, levels = native.cat.codes.to_numpy(), native.cat.categories.tolist()
            return Factorized(*_present(codes, levels, len(levels)))
        if module == "pandas" and type(dtype).__name__ == "StringDtype":
            codes, texts = native.factorize()
            return Factorized(*_present(codes, texts.tolist(), len(texts)))
        if module == "polars" and self.kind in ("text", "category"):
            texts = native.cast(_polars().String)
            levels = texts.unique(maintain_order=True).drop_nulls().to_list()
            codes = texts.replace_strict(levels, range(len(levels)), default=-1, return_dtype=_polars().Int32).fill_null(-1).to_numpy()
            return Factorized(*_present(codes, levels, len(levels)))
        if module == "pyarrow" and self.kind in ("text", "category"):
            array = native.combine_chunks()
            array = array if hasattr(array, "dictionary") else array.dictionary_encode()
            texts = array.dictionary.to_pylist()
            return Factorized(*_present(array.indices.fill_null(-1).to_numpy(zero_copy_only=False), texts, len(texts)))
        if isinstance(native, np.ndarray) and native.dtype.kind in "biu":
            distinct, codes = np.unique(native, return_inverse=True)
            return Factorized(codes, distinct.tolist())
        values = self.values()
        try:
            code_of = {value: code for code, value in enumerate(dict.fromkeys(values))}
        except TypeError:
            raise DataError(f"{self.label} of X holds lists or other containers, which cannot be categories: drop it") from None
        return Factorized(np.fromiter(map(code_of.__getitem__, values), np.int64, len(values)), list(code_of))

    def moments(self) -> tuple[NDArray[np.datetime64], bool]:
        """Times as datetime64[us] of shape ``(n_rows,)``, NaT where missing, and whether they have a time zone. Raises `DataError` for
        other values."""
        if self.kind in ("time", "object"):
            return moments_of(self.label, self.data)
        if all(is_missing(value) for value in self.values()):
            return np.full(len(self.data), np.datetime64("NaT"), "datetime64[us]"), False
        holds = {"number": "numbers", "category": "categories", "duration": "durations"}.get(self.kind, self.kind)
        raise DataError(f"{self.label} of X holds {holds}, but training had dates: convert the column to dates")

    def numbers(self) -> np.ndarray:
        """Numbers as float64 of shape ``(n_rows,)``, NaN where missing. Raises `DataError` for other values."""
        if self.kind == "number":
            if isinstance(self.data, np.ndarray):
                return self.data.astype(np.float64, copy=False)
            nw = require("narwhals.stable.v2", extra="sklearn", purpose="reading data frames")
            numbers: np.ndarray = self.data.cast(nw.Float64).to_numpy()
            return numbers
        return np.fromiter(map(self._as_number, self.values()), np.float64)

    def _as_number(self, value: Any) -> float:
        try:
            return np.nan if is_missing(value) else float(value)
        except (TypeError, ValueError):
            shown = repr(value) if len(repr(value)) <= SHOWN else repr(value)[:SHOWN] + "…"
            raise DataError(
                f"{self.label} of X holds {shown}, which is not a number: convert it, drop the column, or name it in categorical_features"
            ) from None


def _present(codes: NDArray[Any], values: list[Any], missing: int) -> tuple[NDArray[Any], list[Any]]:
    """Replace code -1 by `missing`, with the value None, if it occurs."""
    codes = np.where(codes < 0, missing, codes) if codes.min(initial=0) < 0 else codes
    counts = np.bincount(codes, minlength=missing + 1)
    there = np.flatnonzero(counts)
    if np.array_equal(there, np.arange(missing)):
        return codes, values
    place = np.zeros(missing + 1, np.min_scalar_type(missing + 1))
    place[there] = np.arange(len(there))
    return place[codes], [None if code == missing else values[code] for code in there.tolist()]


def _polars() -> Any:
    return require("polars", extra="sklearn", purpose="reading data frames")


class Columns(Sequence[Column]):
    """The columns of a frame or of an array of shape ``(n_rows, n_columns)``."""

    def __init__(self, X: Any, frame: Any = None) -> None:
        self._X, self._frame = X, frame
        self.names: list[Any] | None = None if frame is None else list(frame.columns)
        self._dtypes = [] if frame is None else frame.schema.dtypes()
        self._kinds: dict[int, str] = {}

    def __len__(self) -> int:
        return int(self._X.shape[1])

    @property
    def n_rows(self) -> int:
        return int(self._X.shape[0])

    def label(self, index: int) -> str:
        """Name of a column in messages."""
        return f"column {index}" if self.names is None else column_label(self.names[index])

    def kind(self, index: int) -> str:
        """Kind of a column by its type; see `Column`."""
        if self._frame is None:
            return {"U": "text", "S": "text", "O": "object", "M": "time", "m": "duration"}.get(self._X.dtype.kind, "number")
        if index not in self._kinds:
            self._kinds[index] = self._kind_of(index)
        return self._kinds[index]

    def _kind_of(self, index: int) -> str:
        nw = require("narwhals.stable.v2", extra="sklearn", purpose="reading data frames")
        dtype = self._dtypes[index]
        if dtype.is_numeric() or dtype == nw.Boolean:
            return "number"
        if dtype in (nw.Categorical, nw.Enum):
            return "category"
        if dtype.is_temporal():
            return "duration" if dtype == nw.Duration else "time"
        if dtype == nw.String:
            return "text"
        return "time" if are_moments(self._frame[:, index].to_list()) else "object"

    def looks_categorical(self, index: int) -> bool:
        """Whether a column is categorical by its type, or by its values if the type does not tell."""
        kind = self.kind(index)
        if kind != "object":
            return kind in ("text", "category")
        return not all(isinstance(value, (Number, np.bool_)) for value in self[index].values() if not is_missing(value))

    def __getitem__(self, index: Any) -> Any:
        data = self._X[:, index] if self.names is None else self._frame.get_column(self.names[index])
        return Column(self.label(index), self.kind(index), data)


def column_label(name: object) -> str:
    """Name of a data frame's column in messages."""
    return f"column {name!r}"


def frame_columns(X: Any) -> Columns | None:
    """The columns of a data frame of pandas, polars and other libraries; None if `X` is something else."""
    # Check the class, since a lazy frame would warn that it must resolve its columns.
    if isinstance(X, np.ndarray) or issparse(X) or not any(hasattr(type(X), name) for name in ("columns", "__narwhals_dataframe__")):
        return None
    nw = require("narwhals.stable.v2", extra="sklearn", purpose="reading data frames")
    if nw.dependencies.is_into_dataframe(X):
        return Columns(X, nw.from_native(X))
    return None


@contextmanager
def numbers_explained(**arrays: Any) -> Iterator[None]:
    """Convert errors inside scikit-learn's checks, which pass on NumPy's errors for integers beyond float64, and errors of unusual
    objects."""
    try:
        yield
    except (TypeError, ValueError, MemoryError):
        raise
    except Exception:
        for name, array in arrays.items():
            if not issparse(array):
                as_numbers(array, name)
        raise


def as_mask(chosen: NDArray[Any], columns: Columns | None, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Mask of shape ``(n_features,)`` from a mask, indices or names."""
    if len(shape) != 2 or chosen.size == 0:  # other shapes are refused later
        return np.zeros(shape[1:2], bool)
    n_features = shape[1]
    mask = np.zeros(n_features, bool)
    if chosen.dtype.kind == "b":
        if chosen.shape != mask.shape:
            raise ParameterError(f"categorical_features is a mask of shape {chosen.shape}, X has {n_features} features")
        return chosen
    if chosen.dtype.kind in "iu":
        if chosen.min() < 0 or chosen.max() >= n_features:
            raise ParameterError(f"categorical_features holds indices outside 0 to {n_features - 1}: {chosen.tolist()}")
        mask[chosen] = True
        return mask
    if chosen.dtype.kind not in "UO" or not all(isinstance(name, str) for name in chosen.ravel()):
        raise ParameterError(f"categorical_features must hold names, indices or booleans, got {chosen.tolist()}")
    if columns is None or columns.names is None:
        raise ParameterError("categorical_features holds names, but X has none: pass a frame, or indices")
    for name in chosen.ravel():
        if name not in columns.names:
            known = listed(list(map(repr, columns.names)), most=20)
            raise ParameterError(f"categorical_features names {str(name)!r}; the columns of X are {known}")
        mask[columns.names.index(name)] = True
    return mask
