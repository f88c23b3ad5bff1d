"""Dates and times as numbers: year, month, day of the week and others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.arguments import several, shown
from nncore.encodings.calendars import Calendar, FormulaCalendar, TimesCalendar
from nncore.errors import ParameterError
from nncore.plugin import Encoding, Graph, Learned, Statistic, Value

#: Parts that only rise.
_LINEAR: dict[str, Callable[[Calendar], Any]] = {"elapsed": lambda c: c.elapsed, "year": lambda c: c.year}
#: Cyclic parts: the number of each time from 0, the offset where it is not a sine, and the length of the cycle.
_CYCLIC: dict[str, tuple[Callable[[Calendar], Any], int, Callable[[Calendar], Any]]] = {
    "month": (lambda c: c.month, 1, lambda c: 12.0),
    "day": (lambda c: c.day, 1, lambda c: c.days_in_month),
    "weekday": (lambda c: c.weekday, 0, lambda c: 7.0),
    "day_of_year": (lambda c: c.day_of_year, 1, lambda c: c.days_in_year),
    "hour": (lambda c: c.hour, 0, lambda c: 24.0),
    "minute": (lambda c: c.minute, 0, lambda c: 60.0),
    "second": (lambda c: c.second, 0, lambda c: 60.0),
}
#: Parts that are true or not.
_TRUTHS: dict[str, Callable[[Calendar], Any]] = {
    "is_weekend": lambda c: c.weekday >= 5,
    "is_month_start": lambda c: c.day == 0,
    "is_month_end": lambda c: c.day == c.days_in_month - 1,
    "is_quarter_start": lambda c: (c.day == 0) & (c.month_of_quarter == 0),
    "is_quarter_end": lambda c: (c.day == c.days_in_month - 1) & (c.month_of_quarter == 2),
    "is_year_start": lambda c: c.day_of_year == 0,
    "is_year_end": lambda c: c.day_of_year == c.days_in_year - 1,
}
PARTS = (*_LINEAR, *_CYCLIC, *_TRUTHS)


class DateParts(Encoding):
    """Encode dates and times as numbers: year, month, weekday, hour and other parts that vary in the training rows.

    - ``elapsed`` is the number of days since 1970, with fractions, and ``year`` the year.
    - ``month``, ``day``, ``weekday``, ``day_of_year``, ``hour``, ``minute`` and ``second`` are cyclic: each becomes the sine and cosine of
      2π · part/cycle, the part counted from 0, so that December is near January. The cycle of a day is the length of its month, that of a
      day of the year the length of its year.
    - ``is_weekend``, ``is_month_start``, ``is_month_end``, ``is_quarter_start``, ``is_quarter_end``, ``is_year_start`` and ``is_year_end``
      are 1 or 0.

    A missing time is missing in all columns. Put a scaling behind it: ``["date_parts", "robust", "smooth_clip"]``.

    Parameters
    ----------
    parts : sequence of str, optional
        Parts to use. The default is ``elapsed``, ``year`` and all cyclic parts.
    cyclic : bool, default True
        Encode cyclic parts as sine and cosine. False gives one number: months, days and days of the year from 1, weekdays from 0 for
        Monday, hours, minutes and seconds from 0.

    Raises
    ------
    ParameterError
        If a part is unknown.
    """

    takes = "times"
    learns = {"kept": "int64"}
    flags = ("cyclic",)
    examples = ({}, {"cyclic": False}, {"parts": list(PARTS)}, {"parts": ["hour"]})

    def __init__(self, parts: Sequence[str] | None = None, cyclic: bool = True) -> None:
        self.parts = [*_LINEAR, *_CYCLIC] if parts is None else several("parts", parts)
        self.cyclic = cyclic

    def validate(self) -> None:
        are_known = all(isinstance(part, str) and part in PARTS for part in self.parts)
        if not self.parts or not are_known or len(set(self.parts)) < len(self.parts):
            raise ParameterError(f"DateParts: parts must be some of {', '.join(PARTS)}, none twice, got {shown(self.parts)}")

    def statistics(self, n_columns: int) -> Sequence[Statistic]:
        return (_Varied(self.parts, n_columns),)

    def learn(
        self,
        statistics: Sequence[Any],
        n_columns: int,
        *,
        n_levels: NDArray[np.int64] | None = None,
        seeds: NDArray[np.uint64] | None = None,
    ) -> Learned:
        (varied,) = statistics
        return {"kept": varied.is_varied.astype(np.int64)}

    def _width(self, part: str) -> int:
        return 2 if self.cyclic and part in _CYCLIC else 1

    def widths(self, learned: Learned, n_columns: int) -> NDArray[np.int64]:
        widths: NDArray[np.int64] = learned["kept"] @ np.array([self._width(part) for part in self.parts], np.int64)
        return widths

    def encode(self, columns: NDArray[Any], learned: Learned, out: NDArray[np.float64]) -> None:
        place = 0
        for times, kept in zip(columns.T, learned["kept"], strict=True):
            is_missing = np.isnat(times)
            calendar = TimesCalendar(np.where(is_missing, np.datetime64(0, "us"), times))
            begin = place
            for part in (part for part, is_kept in zip(self.parts, kept, strict=True) if is_kept):
                if self._width(part) == 2:
                    angle = _angle(part, calendar)
                    out[:, place], out[:, place + 1] = np.sin(angle), np.cos(angle)
                else:
                    out[:, place] = _number(part, calendar)
                place += self._width(part)
            out[is_missing, begin:place] = np.nan

    def formula(self, g: Graph, x: Value, learned: Learned) -> Value:
        calendar = FormulaCalendar(g, x)
        encoded: list[Value] = []
        order: list[list[int]] = [[] for _ in learned["kept"]]  # which columns of those encoded are of each column
        for part, kept in zip(self.parts, learned["kept"].T, strict=True):
            for values in self._values(g, calendar, part) if kept.any() else ():
                for column in np.flatnonzero(kept).tolist():
                    order[column].append(len(encoded) * len(kept) + column)
                encoded.append(values)
        which = [one for own in order for one in own]
        everything = g.concat(encoded) if encoded else x
        return everything if which == list(range(everything.sample_shape[0])) else g.columns(everything, which)

    def _values(self, g: Graph, calendar: FormulaCalendar, part: str) -> list[Value]:
        """What a part becomes of all columns."""
        if self._width(part) == 2:
            angle = _angle(part, calendar)
            return [g.sin(angle), g.cos(angle)]
        number = _number(part, calendar)
        if part in _TRUTHS:
            return [g.where(g.is_nan(calendar.seconds), np.nan, g.where(number, 1.0, 0.0))]
        return [number]

    def names(self, columns: Sequence[str], learned: Learned, levels: Sequence[Sequence[str]] | None = None) -> list[str]:
        return [
            f"{name}_{part}{ending}"
            for name, kept in zip(columns, learned["kept"], strict=True)
            for part, is_kept in zip(self.parts, kept, strict=True)
            if is_kept
            for ending in (("_sin", "_cos") if self._width(part) == 2 else ("",))
        ]

    def check(self, learned: Learned, n_columns: int) -> None:
        super().check(learned, n_columns)
        kept = learned["kept"]
        self.require(kept.shape == (n_columns, len(self.parts)), f"has kept of shape {kept.shape}, not a number for each part")
        self.require(bool(((kept == 0) | (kept == 1)).all()), "has kept that is neither 0 nor 1")


class _Varied(Statistic):
    """Which parts are not the same in all rows.

    Attributes
    ----------
    is_varied : ndarray of shape (n_columns, n_parts), bool
    """

    def __init__(self, parts: Sequence[str], n_columns: int) -> None:
        self._parts, self._first = parts, np.full((n_columns, len(parts)), np.nan)
        self.is_varied = np.zeros((n_columns, len(parts)), bool)

    def add(self, columns: NDArray[Any], sample_weight: NDArray[np.float64] | None) -> None:
        for column, firsts, is_varied in zip(columns.T, self._first, self.is_varied, strict=True):
            there = column[~np.isnat(column)]
            if not len(there):
                continue
            calendar = TimesCalendar(there)
            for k, part in enumerate(self._parts):
                if not is_varied[k]:
                    numbers = _number(part, calendar)
                    firsts[k] = numbers[0] if np.isnan(firsts[k]) else firsts[k]
                    is_varied[k] = (numbers != firsts[k]).any()


def _number(part: str, calendar: Calendar) -> Any:
    """The part of each time as a number or a truth."""
    if part in _CYCLIC:
        number, first, _ = _CYCLIC[part]
        return number(calendar) + first
    return (_LINEAR.get(part) or _TRUTHS[part])(calendar)


def _angle(part: str, calendar: Calendar) -> Any:
    """The part as an angle, of which 2π are a cycle."""
    number, _, cycle = _CYCLIC[part]
    return 2 * np.pi / cycle(calendar) * number(calendar)
