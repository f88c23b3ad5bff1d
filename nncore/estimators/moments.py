"""Convert dates, times of day and timestamps, of data frames and as Python objects, to UTC times."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.data import is_missing
from nncore.errors import DataError

#: The date of a time of day without date.
NO_DAY = datetime.date(1970, 1, 1)


def are_moments(values: Sequence[Any]) -> bool:
    """Whether all Python objects that are not missing are dates or times, and there is at least one."""
    present = [value for value in values if not is_missing(value)]
    return bool(present) and all(_is_moment(value) for value in present)


def moments_of(label: str, series: Any) -> tuple[NDArray[np.datetime64], bool]:
    """Times of a data frame's column, and whether they have a time zone.

    Parameters
    ----------
    label : str
        Name of the column in messages.
    series : narwhals Series or ndarray of shape (n_rows,)
        Dates, timestamps, times of day, or objects of these types.

    Returns
    -------
    ndarray of shape (n_rows,), datetime64[us]
        NaT where missing. Times with a time zone are converted to UTC, times of day are on 1970-01-01, and periods count by their start.
    bool

    Raises
    ------
    DataError
        If an object is not a date.
    """
    zone = getattr(series.dtype, "time_zone", None)
    if zone is not None:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    native: Any = series if isinstance(series, np.ndarray) else series.to_native()
    if type(getattr(native, "dtype", None)).__name__ == "PeriodDtype":
        native = native.dt.to_timestamp()
    found: NDArray[Any] = native if isinstance(native, np.ndarray) else native.to_numpy()
    if found.dtype.kind == "M":
        return found.astype("datetime64[us]"), zone is not None
    moments = [None if is_missing(value) else _as_moment(label, value) for value in found.tolist()]
    has_zone = zone is not None or any(moment is not None and moment.tzinfo is not None for moment in moments)
    return np.array([None if moment is None else _in_utc(moment) for moment in moments], "datetime64[us]"), has_zone


def _is_moment(value: Any) -> bool:
    return isinstance(value, (datetime.date, datetime.time, np.datetime64)) or _is_period(value)


def _is_period(value: Any) -> bool:
    return type(value).__name__ == "Period" and hasattr(value, "to_timestamp")


def _as_moment(label: str, value: Any) -> datetime.datetime:
    """Convert a date or time to a Python datetime."""
    found = value.to_timestamp() if _is_period(value) else value
    found = found.astype("datetime64[us]").item() if isinstance(found, np.datetime64) else found
    if hasattr(found, "to_pydatetime"):
        found = found.to_pydatetime(warn=False)
    if isinstance(found, datetime.time):
        return datetime.datetime.combine(NO_DAY, found)
    if isinstance(found, datetime.date) and not isinstance(found, datetime.datetime):
        return datetime.datetime.combine(found, datetime.time())
    if not isinstance(found, datetime.datetime):
        raise DataError(f"{label} of X holds {value!r:.40} among its dates: convert it to a date, or to a missing value")
    return found


def _in_utc(moment: datetime.datetime) -> datetime.datetime:
    return moment if moment.tzinfo is None else moment.astimezone(datetime.UTC).replace(tzinfo=None)
