"""Shortcuts for plain numbers, which need none of scikit-learn's checks: arrays and numeric data frames like those of the training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore._core import all_finite, as_c_array, is_c_array
from nncore.blocks import blocks
from nncore.data import CONVERT_AT_ONCE, admitted
from nncore.errors import ShapeError
from nncore.estimators.frames import Column, Factorized, column_label

#: Libraries whose data frames give all names, and all numbers, in one call each.
FRAMES = ("pandas", "polars")

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


def are_plain(X: Any, y: Any) -> bool:
    """Whether scikit-learn's checks of training data would find no error and change nothing.

    X is an array of finite float64 or float32, and y an array of the same length with integers, booleans or finite numbers.
    """
    if type(X) is not np.ndarray or X.dtype not in FLOATS or X.ndim != 2 or X.size == 0:
        return False
    return type(y) is np.ndarray and y.shape == X.shape[:1] and _are_plain(y[:, None]) and _are_plain(X)


def learn_plain(estimator: Any, X: np.ndarray) -> None:
    """Set the attributes that scikit-learn sets for training data in an array."""
    estimator.n_features_in_ = X.shape[1]
    vars(estimator).pop("feature_names_in_", None)


def plain_numbers(estimator: Any, X: Any) -> np.ndarray | None:
    """Return `X` as an array if scikit-learn's checks for predictions would find nothing; None if they are needed.

    These checks take a hundred microseconds, mostly to find the type of `X`.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator with ``n_features_in_``, and ``feature_names_in_`` if it was trained on a data frame.
    X : object
        Data that the user passed.

    Returns
    -------
    ndarray of shape (n_samples, n_features_in_) or None
        At least one sample, without NaN and infinity, in the original dtype: float64, float32, integers or booleans.
    """
    fitted = vars(estimator)
    names = fitted.get("feature_names_in_")
    numbers: np.ndarray | None = None
    if names is not None:  # scikit-learn warns about arrays without names
        numbers = X.to_numpy() if _has_columns(X, names) else None
    elif type(X) is np.ndarray:
        numbers = X
    elif _is_frame(X) and getattr(getattr(X.columns, "dtype", None), "kind", "") == "i":  # integer column labels are not names
        numbers = X.to_numpy()
    if numbers is None or numbers.ndim != 2 or numbers.shape[1] != fitted["n_features_in_"] or numbers.size == 0:
        return None
    return numbers if _are_plain(numbers) else None


def plain_columns(estimator: Any, X: Any, is_categorical: NDArray[np.bool_]) -> tuple[np.ndarray, dict[int, Factorized]] | None:
    """Like `plain_numbers` for a data frame with categories: the other columns as an array, and the values of category columns by
    number."""
    names = vars(estimator).get("feature_names_in_")
    if names is None or not _has_columns(X, names) or len(X) == 0 or len(set(names)) < len(names):
        return None
    others = np.flatnonzero(~is_categorical)
    numbers = np.empty((len(X), 0))
    if len(others):
        numbers = (X.take(others, axis=1) if hasattr(X, "take") else X[names[others].tolist()]).to_numpy()
    if not _are_plain(numbers):
        return None
    labels = {int(index): names[index] for index in np.flatnonzero(is_categorical)}
    return numbers, {index: Column(column_label(name), "category", X[name]).factorized() for index, name in labels.items()}


def _is_frame(X: Any) -> bool:
    kind = type(X)
    return kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] in FRAMES


def _has_columns(X: Any, names: np.ndarray) -> bool:
    """Whether it is a data frame with the columns of the training in the same order."""
    if not _is_frame(X):
        return False
    columns = X.columns
    found: list[Any] = columns if isinstance(columns, list) else columns.tolist()
    return found == names.tolist()


def _are_plain(numbers: np.ndarray) -> bool:
    """Whether scikit-learn would accept all as finite numbers."""
    return _is_finite(numbers) if numbers.dtype in FLOATS else numbers.dtype.kind in "biu"


def _is_finite(X: np.ndarray) -> bool:
    for view in (X, X.T):
        if is_c_array(view, X.dtype):
            return all_finite(view)
    return all(all_finite(as_c_array(X[rows], X.dtype)) for rows in row_blocks(len(X), X.shape[1] * X.itemsize))


def row_blocks(n_rows: int, row_bytes: int) -> list[slice]:
    """Slices of rows to convert at a time; one empty slice if there are no rows."""
    return list(blocks(n_rows, row_bytes, of=CONVERT_AT_ONCE)) or [slice(0)]


def plain_row(estimator: Any, x: Any) -> np.ndarray | None:
    """Like `plain_numbers` for one sample of shape (n_features_in_,), which needs no names. Finiteness is not checked."""
    if type(x) is not np.ndarray:
        if type(x) not in (list, tuple):
            return None
        try:
            x = np.array(x)
        except ValueError:  # it contains lists
            return None
    if x.shape != (estimator.n_features_in_,):
        return None
    if x.dtype in FLOATS:
        return x
    return x.astype(np.float64) if x.dtype.kind in "biu" else None


def only_row(x: Any) -> Any:
    """Make an `X` with one sample as its only row. A pandas Series keeps its names.

    Raises
    ------
    ShapeError
        If it is not a single sample.
    """
    x = admitted(x, "x", holes=True)
    if np.ndim(x) != 1:
        raise ShapeError(f"x must be one sample, with a number for each feature, got shape {np.shape(x)}: predict takes several samples")
    return x.to_frame().T if hasattr(type(x), "to_frame") and hasattr(x, "index") else [x]
