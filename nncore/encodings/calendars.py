"""Calendars: year, month and other parts of NumPy times, and of seconds in formulas."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.plugin import Graph, Value

Numbers = NDArray[np.floating]

_DAY = np.timedelta64(86_400_000_000, "us")


class Calendar:
    """Numbers of times that `date_parts` uses, each computed once.

    Attributes
    ----------
    elapsed : ndarray or Value
        Days since 1970, with fractions.
    year : ndarray or Value
    month, month_of_quarter, day, weekday, day_of_year, hour, minute, second : ndarray or Value
        From 0: January, the first of a month, Monday.
    days_in_month, days_in_year : ndarray or Value
    """

    elapsed: Any
    year: Any
    month: Any
    month_of_quarter: Any
    day: Any
    weekday: Any
    day_of_year: Any
    hour: Any
    minute: Any
    second: Any
    days_in_month: Any
    days_in_year: Any


class TimesCalendar(Calendar):
    """Of an array of datetime64[us] without missing times, in float64."""

    def __init__(self, times: NDArray[np.datetime64]) -> None:
        self.times = times

    def _since(self, unit: str, of: str) -> Numbers:
        """Whole units of `unit` since the start of the current unit `of`."""
        begin = self.times.astype(f"M8[{of}]").astype(f"M8[{unit}]")
        return _as_numbers(self.times.astype(f"M8[{unit}]") - begin)

    def _days_in(self, unit: str) -> Numbers:
        """Days of the month or year of each time."""
        begin = self.times.astype(f"M8[{unit}]")
        return _as_numbers((begin + 1).astype("M8[D]") - begin.astype("M8[D]"))

    @cached_property
    def elapsed(self) -> Numbers:
        days: Numbers = (self.times - np.datetime64(0, "us")) / _DAY
        return days

    @cached_property
    def year(self) -> Numbers:
        return _as_numbers(self.times.astype("M8[Y]")) + 1970

    @cached_property
    def month(self) -> Numbers:
        return self._since("M", "Y")

    @cached_property
    def month_of_quarter(self) -> Numbers:
        return self.month % 3

    @cached_property
    def day(self) -> Numbers:
        return self._since("D", "M")

    @cached_property
    def weekday(self) -> Numbers:
        return (_as_numbers(self.times.astype("M8[D]")) + 3) % 7  # 1970-01-01 was a Thursday

    @cached_property
    def day_of_year(self) -> Numbers:
        return self._since("D", "Y")

    @cached_property
    def hour(self) -> Numbers:
        return self._since("h", "D")

    @cached_property
    def minute(self) -> Numbers:
        return self._since("m", "h")

    @cached_property
    def second(self) -> Numbers:
        return self._since("s", "m")

    @cached_property
    def days_in_month(self) -> Numbers:
        return self._days_in("M")

    @cached_property
    def days_in_year(self) -> Numbers:
        return self._days_in("Y")


def _as_numbers(counts: NDArray[Any]) -> Numbers:
    """Whole units of datetime64 or timedelta64 as float64."""
    numbers: Numbers = counts.astype(np.int64).astype(np.float64)
    return numbers


class FormulaCalendar(Calendar):
    """Calendar of seconds since 1970 in a formula, by divisions that round down. No table is read, so NaN stays NaN.

    Dates are computed as in Howard Hinnant, "chrono-compatible low-level date algorithms" (2013). Years begin in March, so that leap days
    are their last days, and 400 years have 146 097 days.
    """

    def __init__(self, g: Graph, seconds: Value) -> None:
        self.g, self.seconds = g, seconds

    def _quotient(self, a: Value, b: float) -> Value:
        return self.g.floor(a / b)

    def _rest(self, a: Value, b: float) -> Value:
        return a - b * self._quotient(a, b)

    @cached_property
    def elapsed(self) -> Value:
        return self.seconds / 86_400

    @cached_property
    def _whole_seconds(self) -> Value:
        return self.g.floor(self.seconds)  # their quotients are never rounded up to the next whole number

    @cached_property
    def _days(self) -> Value:
        return self._quotient(self._whole_seconds, 86_400)

    @cached_property
    def _second_of_day(self) -> Value:
        return self._rest(self._whole_seconds, 86_400)

    @cached_property
    def _day_of_era(self) -> Value:
        """Days since the 1st of March of a year that is divisible by 400."""
        return self._rest(self._days + 719_468, 146_097)

    @cached_property
    def _year_of_era(self) -> Value:
        """Years since then."""
        days, q = self._day_of_era, self._quotient
        return q(days - q(days, 1_460) + q(days, 36_524) - q(days, 146_096), 365)

    @cached_property
    def _day_since_march(self) -> Value:
        """Days since the last 1st of March."""
        years = self._year_of_era
        return self._day_of_era - (365 * years + self._quotient(years, 4) - self._quotient(years, 100))

    @cached_property
    def _month_since_march(self) -> Value:
        return self._quotient(5 * self._day_since_march + 2, 153)

    @cached_property
    def year(self) -> Value:
        in_next = self.g.where(self._month_since_march < 10, self._year_of_era, self._year_of_era + 1)
        return in_next + 400 * self._quotient(self._days + 719_468, 146_097)

    @cached_property
    def month(self) -> Value:
        months = self._month_since_march
        return self.g.where(months < 10, months + 2, months - 10)

    @cached_property
    def month_of_quarter(self) -> Value:
        return self._rest(self.month, 3)

    @cached_property
    def day(self) -> Value:
        return self._day_since_march - self._quotient(153 * self._month_since_march + 2, 5)

    @cached_property
    def weekday(self) -> Value:
        return self._rest(self._days + 3, 7)

    @cached_property
    def day_of_year(self) -> Value:
        days = self._day_since_march
        return self.g.where(self._month_since_march < 10, days + (self.days_in_year - 306), days - 306)

    @cached_property
    def hour(self) -> Value:
        return self._quotient(self._second_of_day, 3_600)

    @cached_property
    def minute(self) -> Value:
        return self._quotient(self._rest(self._second_of_day, 3_600), 60)

    @cached_property
    def second(self) -> Value:
        return self._rest(self._second_of_day, 60)

    @cached_property
    def days_in_month(self) -> Value:
        month = self.month
        # 31 and 30 take turns from January and again from August.
        others = 31 - self._rest(self.g.where(month < 7, month, month + 1), 2)
        return self.g.where(month == 1, self.days_in_year - 337, others)

    @cached_property
    def days_in_year(self) -> Value:
        year = self.year
        is_leap = (self._rest(year, 4) == 0) & ((self._rest(year, 100) != 0) | (self._rest(year, 400) == 0))
        return self.g.where(is_leap, 366, 365)
