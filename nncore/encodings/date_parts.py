"""Dates and times as numbers: year, month, day of the week and others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.arguments import several, shown
from nncore.errors import ParameterError
from nncore.plugin import Encoding, Learned

Times = NDArray[np.datetime64]
Numbers = NDArray[np.floating]

_DAY = np.timedelta64(86_400_000_000, "us")


def _since(times: Times, unit: str, of: str) -> Numbers:
    """Whole units of `unit` since the last begin of a unit `of`, as int64 in float64."""
    numbers: Numbers = (times.astype(f"M8[{unit}]") - times.astype(f"M8[{of}]").astype(f"M8[{unit}]")).astype(np.int64).astype(np.float64)
    return numbers


def _days_in(times: Times, unit: str) -> Numbers:
    """Days of the month or year of each time."""
    begin = times.astype(f"M8[{unit}]")
    days: Numbers = ((begin + 1).astype("M8[D]") - begin.astype("M8[D]")).astype(np.int64).astype(np.float64)
    return days


def _weekday(times: Times) -> Numbers:
    """0 for Monday: 1970-01-01 was a Thursday."""
    days: Numbers = ((times.astype("M8[D]").astype(np.int64) + 3) % 7).astype(np.float64)
    return days


#: Parts that only rise, and the number of each time.
_LINEAR: dict[str, Callable[[Times], Numbers]] = {
    "elapsed": lambda t: (t - np.datetime64(0, "us")) / _DAY,
    "year": lambda t: t.astype("M8[Y]").astype(np.int64) + 1970.0,
}
#: Parts that come again: the number of each time from 0, what is added to it where it is not a sine, and the length of the cycle.
_CYCLIC: dict[str, tuple[Callable[[Times], Numbers], int, Callable[[Times], Any]]] = {
    "month": (lambda t: _since(t, "M", "Y"), 1, lambda t: 12.0),
    "day": (lambda t: _since(t, "D", "M"), 1, lambda t: _days_in(t, "M")),
    "weekday": (_weekday, 0, lambda t: 7.0),
    "day_of_year": (lambda t: _since(t, "D", "Y"), 1, lambda t: _days_in(t, "Y")),
    "hour": (lambda t: _since(t, "h", "D"), 0, lambda t: 24.0),
    "minute": (lambda t: _since(t, "m", "h"), 0, lambda t: 60.0),
    "second": (lambda t: _since(t, "s", "m"), 0, lambda t: 60.0),
}
#: Parts that are 0 or 1.
_TRUTHS: dict[str, Callable[[Times], Numbers]] = {
    "is_weekend": lambda t: (_weekday(t) >= 5) * 1.0,
    "is_month_start": lambda t: (_since(t, "D", "M") == 0) * 1.0,
    "is_month_end": lambda t: (_since(t, "D", "M") == _days_in(t, "M") - 1) * 1.0,
    "is_quarter_start": lambda t: ((_since(t, "D", "M") == 0) & (_since(t, "M", "Y") % 3 == 0)) * 1.0,
    "is_quarter_end": lambda t: ((_since(t, "D", "M") == _days_in(t, "M") - 1) & (_since(t, "M", "Y") % 3 == 2)) * 1.0,
    "is_year_start": lambda t: (_since(t, "D", "Y") == 0) * 1.0,
    "is_year_end": lambda t: (_since(t, "D", "Y") == _days_in(t, "Y") - 1) * 1.0,
}
PARTS = (*_LINEAR, *_CYCLIC, *_TRUTHS)


class DateParts(Encoding):
    """Parts of a date or time as numbers, for each part that is not the same in all training rows.

    ``elapsed`` is the days since 1970, with fractions, and ``year`` the year. ``month``, ``day``, ``weekday``, ``day_of_year``, ``hour``,
    ``minute`` and ``second`` come again: each becomes the sine and cosine of 2π · part/cycle, the part counted from 0, so that December is
    near January. The cycle of a day is the length of its month, that of a day of the year the length of its year. ``is_weekend``,
    ``is_month_start``, ``is_month_end``, ``is_quarter_start``, ``is_quarter_end``, ``is_year_start`` and ``is_year_end`` are 1 or 0. A
    missing time is missing in all columns. A scaling belongs behind it: ``["date_parts", "robust", "smooth_clip"]``.

    Parameters
    ----------
    parts : sequence of str, optional
        Which parts; default: ``elapsed``, ``year`` and all that come again.
    cyclic : bool, default True
        Sine and cosine of what comes again. False gives one number: months, days and days of the year from 1, weekdays from 0 for Monday,
        hours, minutes and seconds from 0.

    Raises
    ------
    ParameterError
        For a part that is not known.
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

    def learn(
        self,
        columns: NDArray[Any],
        *,
        sample_weight: NDArray[np.float64] | None = None,
        n_levels: NDArray[np.int64] | None = None,
        seeds: NDArray[np.uint64] | None = None,
    ) -> Learned:
        kept = np.zeros((columns.shape[1], len(self.parts)), np.int64)
        for column, row in zip(columns.T, kept, strict=True):
            there = column[~np.isnat(column)]
            if len(there):
                row[:] = [bool((numbers != numbers[0]).any()) for numbers in (_number(part, there) for part in self.parts)]
        return {"kept": kept}

    def _width(self, part: str) -> int:
        return 2 if self.cyclic and part in _CYCLIC else 1

    def widths(self, learned: Learned, n_columns: int) -> NDArray[np.int64]:
        widths: NDArray[np.int64] = learned["kept"] @ np.array([self._width(part) for part in self.parts], np.int64)
        return widths

    def encode(self, columns: NDArray[Any], learned: Learned, out: NDArray[np.float64]) -> None:
        place = 0
        for times, kept in zip(columns.T, learned["kept"], strict=True):
            is_missing = np.isnat(times)
            there = np.where(is_missing, np.datetime64(0, "us"), times)
            begin = place
            for part in (part for part, is_kept in zip(self.parts, kept, strict=True) if is_kept):
                if self._width(part) == 2:
                    number, _, cycle = _CYCLIC[part]
                    angle = 2 * np.pi / cycle(there) * number(there)
                    out[:, place], out[:, place + 1] = np.sin(angle), np.cos(angle)
                else:
                    out[:, place] = _number(part, there)
                place += self._width(part)
            out[is_missing, begin:place] = np.nan

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


def _number(part: str, times: Times) -> Numbers:
    """The part of each time as a number."""
    if part in _CYCLIC:
        number, first, _ = _CYCLIC[part]
        return number(times) + first
    return (_LINEAR.get(part) or _TRUTHS[part])(times)
