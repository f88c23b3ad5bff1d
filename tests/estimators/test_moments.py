"""Dates in frames of several libraries are converted to UTC."""

import datetime

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from nncore.errors import DataError
from nncore.estimators.moments import are_moments, moments_of

STAMPS = pd.Series(pd.to_datetime(["2024-01-31 12:30:15.5", None, "1969-07-20 20:17:40.25"]))
EXPECTED = STAMPS.to_numpy().astype("datetime64[us]")


def found(series):
    return moments_of("column 'when'", nw.from_native(series, series_only=True))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_time_stamps_of_every_unit(unit):
    stamps = STAMPS.astype(f"datetime64[{unit}]")
    for series in (
        stamps,
        stamps.astype(f"timestamp[{unit}][pyarrow]"),
        *([] if unit == "s" else [pl.from_pandas(STAMPS).cast(pl.Datetime(unit))]),
        pa.chunked_array([pa.array(stamps)]),
    ):
        moments, has_zone = found(series)
        assert moments.dtype == "datetime64[us]"
        assert not has_zone
        np.testing.assert_array_equal(moments, EXPECTED.astype(f"datetime64[{unit}]").astype("datetime64[us]"))


def test_time_zones_become_utc():
    berlin = STAMPS.dt.tz_localize("Europe/Berlin")
    expected = berlin.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    for series in (
        berlin,
        berlin.astype(object),
        berlin.astype("timestamp[us, tz=Europe/Berlin][pyarrow]"),
        pl.from_pandas(berlin),
        pa.chunked_array([pa.array(berlin)]),
    ):
        moments, has_zone = found(series)
        assert has_zone
        np.testing.assert_array_equal(moments, expected)


def test_dates():
    expected = EXPECTED.astype("datetime64[D]").astype("datetime64[us]")
    days = [None if day is pd.NaT else day.date() for day in STAMPS]
    for series in (pd.Series(days), pd.Series(days, dtype="date32[pyarrow]"), pl.Series(days), pa.chunked_array([pa.array(days)])):
        np.testing.assert_array_equal(found(series)[0], expected)


def test_periods_begin():
    periods = pd.Series(pd.PeriodIndex(["2024-02", "NaT", "2023-11"], freq="M"))
    for series in (periods, periods.astype(object)):
        np.testing.assert_array_equal(found(series)[0], np.array(["2024-02-01", "NaT", "2023-11-01"], "datetime64[us]"))


def test_times_of_day():
    times = [datetime.time(12, 30), None, datetime.time(0, 0, 1)]
    expected = np.array(["1970-01-01T12:30", "NaT", "1970-01-01T00:00:01"], "datetime64[us]")
    for series in (pd.Series(times), pl.Series(times), pa.chunked_array([pa.array(times)])):
        np.testing.assert_array_equal(found(series)[0], expected)


def test_objects():
    assert are_moments([None, np.datetime64("2024-01-01"), pd.NaT])
    assert not are_moments([None, np.nan])
    assert not are_moments([datetime.date(2024, 1, 1), "2024-01-02"])
    with pytest.raises(DataError, match="column 'when' of X holds '2024-01-02' among its dates"):
        moments_of("column 'when'", np.array([datetime.date(2024, 1, 1), "2024-01-02"], object))
