"""Calendar formulas equal NumPy's for every day of 800 years, and for moments around midnight."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pytest
from hypothesis import given, strategies as st

from nncore.contract import Graph
from nncore.encodings.calendars import Calendar, FormulaCalendar, TimesCalendar
from nncore.program import NumPyBuilder

SECOND = np.timedelta64(1, "s")
#: Range within which seconds in float64 resolve microseconds.
EXACT = 2**33
PARTS = sorted(Calendar.__annotations__)


def check(times: np.ndarray) -> None:
    seconds = (times - np.datetime64(0, "us")) / SECOND
    g = Graph(NumPyBuilder("float64"))
    by_formula, expected = FormulaCalendar(g, g.samples(seconds, ())), TimesCalendar(times)
    for part in PARTS:
        if part == "elapsed":
            np.testing.assert_allclose(by_formula.elapsed.node, expected.elapsed, rtol=1e-15)
        else:
            np.testing.assert_array_equal(getattr(by_formula, part).node, getattr(expected, part), part)


def test_both_have_every_part() -> None:
    for cls in (TimesCalendar, FormulaCalendar):
        assert {name for name, value in vars(cls).items() if isinstance(value, cached_property) and name[0] != "_"} == set(PARTS)


@pytest.mark.parametrize("time", ["00:00", "23:59:59"])
def test_every_day(time: str) -> None:
    days = np.arange("1599-12-31", "2400-01-02", dtype="datetime64[D]")
    check(days.astype("datetime64[us]") + (np.datetime64(f"1970-01-01T{time}", "us") - np.datetime64(0, "us")))


@given(st.lists(st.integers(-EXACT * 1_000_000, EXACT * 1_000_000), min_size=1))
def test_any_moment(microseconds: list[int]) -> None:
    check(np.array(microseconds, "datetime64[us]"))


@given(st.lists(st.tuples(st.integers(-EXACT // 86_400, EXACT // 86_400), st.integers(-3, 3)), min_size=1))
def test_moments_around_midnight(moments: list[tuple[int, int]]) -> None:
    check(np.array([day * 86_400_000_000 + microseconds for day, microseconds in moments], "datetime64[us]"))


@pytest.mark.filterwarnings("error")
def test_what_is_missing_stays_missing() -> None:
    g = Graph(NumPyBuilder("float64"))
    calendar = FormulaCalendar(g, g.samples(np.array([np.nan, 0.0]), ()))
    lengths = {"days_in_month", "days_in_year"}  # their values do not matter for missing dates
    for part in set(PARTS) - lengths:
        assert np.isnan(getattr(calendar, part).node).tolist() == [True, False], part
