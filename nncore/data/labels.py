"""Class labels: checked for missing and mixed values, and compared across types such as ``1`` and ``"1"``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.arguments import is_list, shown
from nncore.data.containers import admitted, is_missing
from nncore.data.levels import level_key
from nncore.errors import DataError, ShapeError


def as_labels(y: Any, name: str = "y") -> Any:
    """Check class labels: none is missing, and all of a column are numbers or all text. Numbers in an object array become a numeric array.

    Raises
    ------
    DataError
        If `y` is a single string, a label is missing, or text and numbers are mixed.
    """
    y = admitted(y, name, times=True)
    if isinstance(y, (str, bytes)):
        raise DataError(f"{name} must have a label for each sample, got one text: {shown(y)}")
    try:
        if isinstance(y, (list, tuple)):
            np.asarray(y)  # raises for lists of different lengths
        labels = np.asarray(y, dtype=object if isinstance(y, (list, tuple)) else None)  # otherwise NaN among strings becomes "nan"
    except MemoryError:
        raise
    except Exception:  # from NumPy, or from an object that claims to be an array
        raise _ragged(name) from None
    if labels.dtype.kind == "c":
        raise DataError(f"Complex data not supported: {name} has dtype {labels.dtype}, labels are numbers, text or booleans")
    if labels.dtype.kind not in "Of" or labels.ndim not in (1, 2) or labels.size == 0:
        return y
    if labels.dtype.kind == "O" and any(map(is_list, labels.flat)):
        raise _ragged(name)
    missing = np.isnan(labels) if labels.dtype.kind == "f" else np.vectorize(is_missing, otypes=[bool])(labels)
    if missing.any():
        row = int(np.argwhere(missing)[0, 0])
        raise DataError(f"Input {name} contains NaN or None, at row {row} first: leave such samples out, or give them a class of their own")
    if labels.dtype.kind == "f":
        return y
    kinds = [_kinds(column) for column in labels.reshape(len(labels), -1).T]
    for of_column in kinds:
        if len(of_column) > 1:
            mixed = " and ".join(sorted(of_column))
            raise DataError(f"{name} mixes labels that are {mixed}: make all of them text, [str(label) for label in {name}]")
    if not all(of_column <= {"numbers", "text"} for of_column in kinds):
        _check_sorts(labels, name)
    return np.array(labels.tolist()) if isinstance(y, np.ndarray) and all(of_column == {"numbers"} for of_column in kinds) else y


def _ragged(name: str) -> ShapeError:
    return ShapeError(
        f"{name} is not a rectangular array; of several labels a sample, sklearn.preprocessing.MultiLabelBinarizer makes columns"
    )


def _check_sorts(labels: NDArray[Any], name: str) -> None:
    """Check that labels can be sorted, since classes are numbered in sorted order."""
    try:
        flat = labels.ravel().tolist()
        set(flat)
        sorted(flat)
    except Exception:  # comparing such objects may raise anything
        raise DataError(
            f"{name} holds labels that cannot be sorted, of type {type(labels.flat[0]).__name__}: make all of them text or numbers"
        ) from None


def in_terms_of(classes: NDArray[Any], y: Any) -> Any:
    """Convert `y` to the type of `classes`: numbers to text (1 to ``"1"``), or text to numbers.

    Returned unchanged if the types agree, or if a label is not one of the classes. The caller reports unknown labels.
    """
    labels = np.asarray(y)
    if labels.ndim != 1 or _kinds(labels) == _kinds(classes):
        return y
    by_key = {level_key(label): label for label in classes.tolist()}
    keys = [level_key(label) for label in labels.tolist()]
    if len(by_key) < len(classes) or not by_key.keys() >= set(keys):
        return y
    return np.array([by_key[key] for key in keys], classes.dtype)


def _kinds(labels: NDArray[Any]) -> set[str]:
    """Kinds of labels in an array: "numbers", "text", or names of other types."""
    if labels.dtype.kind != "O":
        return {"numbers" if labels.dtype.kind in "biuf" else "text" if labels.dtype.kind in "USTO" else labels.dtype.name}
    types: Iterable[type] = set(map(type, labels.tolist()))
    return {_kind(kind) for kind in types}


def _kind(kind: type) -> str:
    if issubclass(kind, str):
        return "text"
    return "numbers" if issubclass(kind, (bool, int, float, np.number, np.bool_)) else kind.__name__
