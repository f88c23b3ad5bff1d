"""Interpret the text of one cell: a number, or a word that may look like a number or a date."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable


def as_number(text: str) -> float | None:
    """Parse a finite number in ASCII digits; None otherwise. ``1_000`` and other digits, which Python accepts, are words."""
    if "_" in text or not text.isascii():
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


# ---- decimal commas ---------------------------------------------------------------------------------------------------------

_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_POINTS_FOR_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?", re.ASCII)


def has_thousands(text: str) -> bool:
    """Whether a number with a decimal comma has points as thousands separators."""
    return _POINTS_FOR_THOUSANDS.fullmatch(text) is not None


def with_point(text: str) -> str:
    """Convert a number with a decimal comma to Python's form: ``"1,5"`` to ``"1.5"``, ``"1.500"`` to ``"1500"``. Other text is
    unchanged."""
    if has_thousands(text):
        text = text.replace(".", "")
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text


def proves_decimal_comma(text: str) -> bool:
    """Whether a number certainly has a decimal comma."""
    if has_thousands(text):
        return "," in text
    return _DECIMAL_COMMA.fullmatch(text) is not None and _THOUSANDS.fullmatch(text) is None


def has_decimal_commas(texts: Iterable[str | None]) -> bool:
    """Whether a column has numbers with decimal commas. ``1,234`` alone does not prove it: the comma may separate thousands."""
    present = [text for text in texts if text is not None]
    proofs = (text for text in present if proves_decimal_comma(text))
    return next(proofs, None) is not None and all(as_number(with_point(text)) is not None for text in present)


def decimal_point(texts: Collection[str]) -> str | None:
    """A number with a decimal point, ``"2.25"``, in a numeric column of a file with decimal commas; None if there is none."""
    found = next((text for text in texts if "." in text and not has_thousands(text) and as_number(text) is not None), None)
    return found if found is not None and all(as_number(with_point(text)) is not None for text in texts) else None


# ---- words that look like something else ------------------------------------------------------------------------------------

#: 45$, € 5, 12 %, 70 kg, 1,000, 1 000, 1'000.50: text before the number, the number, text after it.
_MEASURE = re.compile(
    r"(?P<before>[$€£¥]|USD|EUR|GBP|CHF|JPY|)\s?[+-]?"
    r"(\d{1,3}([ ,.'’\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]\d{3})+([.,]\d+)?|\d+([.,]\d+)?)"
    r"[\s\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]?(?P<behind>[%‰$€£¥°]|[A-Za-zµ°Ω][A-Za-z²³/]{0,7}|)",
    re.ASCII,
)
#: Other notations of numbers: hexadecimal, with underscores, and values that are not finite.
_OTHER_NUMBER = re.compile(r"[+-]?(0x[0-9a-f]+|\d+(_\d+)+(\.\d*)?)", re.IGNORECASE | re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(inf|infinity|nan)", re.IGNORECASE | re.ASCII)

_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = re.compile(
    r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}($|[ T,].*)"  # 2024-01-31, 31.1.2024 10:00
    r"|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[ap]m)?$"  # 10:00
    rf"|\d{{1,2}}[-. ]{_MONTH}[-. ]\d{{2,4}}($|[ T,].*)"  # 31 Jan 2024
    rf"|{_MONTH} \d{{1,2}},? \d{{4}}($|[ T,].*)"  # January 31, 2024
    rf"|((mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? )\d{{1,2}} {_MONTH} \d{{2,4}}.*",
    re.IGNORECASE | re.ASCII,
)


def are_dates(words: Collection[str]) -> bool:
    """Whether all words are dates or times of day."""
    return bool(words) and all(map(_DATE.match, words))


def number_hint(words: Collection[str]) -> str:
    """What to do about words that all look like numbers: ``"write '45$' without separators and units"``. "" if they do not."""
    if not words or _is_no_number(next(iter(words))):  # the first word usually decides
        return ""
    example = min(words, key=lambda word: (len(word), word))
    measures = [_MEASURE.fullmatch(word) for word in words]
    if all(measures):
        units = {(found["before"], found["behind"]) for found in measures if found}
        if all(_DECIMAL_COMMA.fullmatch(word) for word in words):
            return f"write {example!r} without its comma if it separates thousands, or add --decimal , if it is a decimal comma"
        if len(units - {("", "")}) <= 1:
            return f"write {example!r} without separators and units"
        return ""
    if all(_NOT_FINITE.fullmatch(word) for word in words):
        return f"{example!r} is not finite; write a number, or add --missing {example} if it means missing"
    if all(_OTHER_NUMBER.fullmatch(word) or _has_other_digits(word) for word in words):
        return f"write {example!r} in ASCII digits, such as 1000 or 0.5"
    return ""


def _is_no_number(word: str) -> bool:
    """Whether a word does not look like a number at all."""
    return not (_MEASURE.fullmatch(word) or _NOT_FINITE.fullmatch(word) or _OTHER_NUMBER.fullmatch(word) or _has_other_digits(word))


def _has_other_digits(word: str) -> bool:
    """Whether a word consists of digits, some of them not ASCII: ٣, ½."""
    return not word.isascii() and all(letter.isnumeric() or letter in "+-.,٫٬" for letter in word)
