"""Formats of date columns, and the moments that they denote."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from nncore.tabular.dates import forms_of, moment, moments

DAY = datetime(2011, 1, 31)


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("2011-01-31", "year-month-day", DAY),
        ("2011/1/31", "year-month-day", DAY),
        ("2011-01-31 10:05", "year-month-day", DAY.replace(hour=10, minute=5)),
        ("2011-01-31T10:05:07.123456789Z", "year-month-day", DAY.replace(hour=10, minute=5, second=7, microsecond=123456)),
        ("2011-01-31T10:05:00+02:30", "year-month-day", DAY.replace(hour=7, minute=35)),
        ("31.1.2011", "day-month-year", DAY),
        ("1/31/2011 12:30 am", "month-day-year", DAY.replace(minute=30)),
        ("Mon, 31 Jan 2011 12:30 PM", "day-name-year", DAY.replace(hour=12, minute=30)),
        ("31-JAN-2011", "day-name-year", DAY),
        ("January 31, 2011", "name-day-year", DAY),
        ("10:05", "time of day", datetime(1970, 1, 1, 10, 5)),
    ],
)
def test_forms(text: str, form: str, expected: datetime) -> None:
    assert forms_of([text]) == [form]
    assert moment(text, form) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2011-02-30",
        "31.31.2011",
        "1.13.2011",
        "2011-01/31",
        "24:00",
        "13:00 pm",
        "2011-01-31 10:61",
        "11-1-3",
        "٢٠١١-01-31",
        "0000-01-01",
        "",
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert forms_of([text]) == []


def test_day_and_month_cannot_always_be_told_apart() -> None:
    assert forms_of(["1/2/2011", "3/4/2011"]) == ["day-month-year", "month-day-year"]
    assert forms_of(["1/2/2011", "3/14/2011"]) == ["month-day-year"]
    assert forms_of(["1.2.2011"]) == ["day-month-year"]


def test_a_zone_may_lead_out_of_the_calendar() -> None:
    assert moment("0001-01-01 00:00+05:00", "year-month-day") is None
    assert moment("2011-01-31 00:00+99:00", "year-month-day") is None


def test_moments() -> None:
    found = moments(["2011-01-31", None, "never"], "year-month-day")
    assert found.dtype == "datetime64[us]"
    assert found[0] == np.datetime64("2011-01-31")
    assert np.isnat(found).tolist() == [False, True, True]
    assert moments([], "time of day").shape == (0,)
