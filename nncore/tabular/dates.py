"""Parse dates and times of day, and detect how a column writes them."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

_MONTHS = {name: 1 + i for i, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])}
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(:(?P<second>\d{2})(\.(?P<fraction>\d{1,9}))?)?( ?(?P<half>[ap]m))?"
_BEHIND = rf"([T ,]\s*{_CLOCK} ?(?P<zone>z|[+-]\d{{2}}:?\d{{2}})?)?"
_NAME = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"

#: Forms of dates by name: year first (ISO 8601), day or month first, with the name of the month, or the time of day only.
FORMS = {
    name: re.compile(pattern, re.IGNORECASE | re.ASCII)
    for name, pattern in {
        "year-month-day": rf"(?P<year>\d{{4}})([-/.])(?P<month>\d{{1,2}})\2(?P<day>\d{{1,2}}){_BEHIND}",
        "day-month-year": rf"(?P<day>\d{{1,2}})([-/.])(?P<month>\d{{1,2}})\2(?P<year>\d{{4}}){_BEHIND}",
        "month-day-year": rf"(?P<month>\d{{1,2}})([-/])(?P<day>\d{{1,2}})\2(?P<year>\d{{4}}){_BEHIND}",
        "day-name-year": rf"([a-z]{{3,9}}\.?,? )?(?P<day>\d{{1,2}})[-. ]{{1,2}}{_NAME}[-. ](?P<year>\d{{4}}){_BEHIND}",
        "name-day-year": rf"{_NAME} (?P<day>\d{{1,2}}),? (?P<year>\d{{4}}){_BEHIND}",
        "time of day": _CLOCK,
    }.items()
}


def forms_of(texts: Collection[str]) -> list[str]:
    """Forms in which all texts are dates."""
    return [form for form in FORMS if all(moment(text, form) is not None for text in texts)]


def moment(text: str, form: str) -> datetime | None:
    """Parse a text in a form; in UTC if it has a time zone. None if it is not a date in this form."""
    found = FORMS[form].fullmatch(text)
    if found is None:
        return None
    parts = found.groupdict()
    month = _MONTHS[parts["name"].lower()] if parts.get("name") else int(parts.get("month") or 1)
    hour, half = int(parts["hour"] or 0), (parts["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (half == "pm")
    fraction = int(((parts["fraction"] or "") + "000000")[:6])
    clock = hour, int(parts["minute"] or 0), int(parts["second"] or 0), fraction
    try:
        found_moment = datetime(int(parts.get("year") or 1970), month, int(parts.get("day") or 1), *clock)
        return found_moment - _offset(parts.get("zone") or "")
    except (ValueError, OverflowError):
        return None


def _offset(zone: str) -> timedelta:
    if zone in ("", "z", "Z"):
        return timedelta(0)
    return timezone((1 if zone[0] == "+" else -1) * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))).utcoffset(None)


def moments(texts: Collection[str | None], form: str) -> NDArray[np.datetime64]:
    """Parse texts to datetime64[us]; NaT for None and for texts that are not dates in the form."""
    return np.array([None if text is None else moment(text, form) for text in texts], "datetime64[us]")
