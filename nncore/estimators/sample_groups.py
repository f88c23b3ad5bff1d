"""The arguments `groups` and `times` of `fit`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.data import Splitter, admitted, is_missing
from nncore.errors import DataError, DtypeError, ParameterError


def splitter_of(classes: np.ndarray | None, groups: Any, times: Any, n_samples: int) -> Splitter:
    """Make the splitter of samples.

    Parameters
    ----------
    classes : ndarray of shape (n_samples,), int64, or None
        Classes to stratify by.
    groups, times : array-like of shape (n_samples,) or None
        The user's arguments.
    n_samples : int

    Raises
    ------
    ParameterError
        If both are given.
    DataError
        If they have another length, or a value is missing.
    DtypeError
        For times that are neither numbers nor dates.
    """
    if groups is not None and times is not None:
        raise ParameterError("groups and times split the samples in different ways: pass only one of them")
    return Splitter(
        classes,
        None if groups is None else _codes(_checked(groups, "groups", n_samples)),
        None if times is None else _ranks(_checked(times, "times", n_samples)),
    )


def _checked(values: Any, name: str, n_samples: int) -> NDArray[Any]:
    """Check that there is one value for each sample, none missing."""
    array = np.asarray(admitted(values, name, holes=True, times=True))
    if array.shape != (n_samples,):
        raise DataError(f"{name} must have one value for each of the {n_samples} samples, got shape {array.shape}")
    if array.dtype.kind == "O":
        missing = np.fromiter(map(is_missing, array), bool, n_samples)
    elif array.dtype.kind in "mM":
        missing = np.isnat(array)
    else:
        missing = np.isnan(array) if array.dtype.kind == "f" else np.zeros(n_samples, bool)
    if missing.any():
        first, n = int(missing.argmax()), int(missing.sum())
        raise DataError(f"{name} is missing for {n} of {n_samples} samples, first {first}: fill it in, or leave these samples out")
    return array


def _codes(groups: NDArray[Any]) -> NDArray[np.int64]:
    """A number for each distinct value, in the order of first occurrence."""
    values = groups.tolist() if groups.dtype.kind not in "mM" else groups.view(np.int64).tolist()
    try:
        code_of = {value: code for code, value in enumerate(dict.fromkeys(values))}
    except TypeError:
        raise DtypeError("groups holds lists or other containers, which cannot be compared: pass numbers or texts") from None
    return np.fromiter(map(code_of.__getitem__, values), np.int64, len(values))


def _ranks(times: NDArray[Any]) -> NDArray[np.int64]:
    """A number for each distinct time, the earliest first."""
    if times.dtype.kind in "USb" or (times.dtype.kind == "O" and any(isinstance(time, (str, bytes)) for time in times)):
        raise DtypeError("times holds texts or truth values: pass numbers or dates, for example from pandas.to_datetime")
    try:
        ranks: NDArray[np.int64] = np.unique(times, return_inverse=True)[1]
    except TypeError as error:
        raise DtypeError(f"times cannot be put in order ({error}): pass numbers, or dates all with a time zone or all without") from None
    return ranks
