"""What the text in one cell means: nothing, a number, or a word."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable

#: Cells that say "unknown", compared without regard to case.
MISSING = frozenset({"", "?", "-", "na", "n/a", "#n/a", "nan", "null", "none", "<na>"})


def clean(text: str, also_missing: Collection[str] = ()) -> str | None:
    """The text without surrounding spaces, or None if it stands for a missing value: one of `MISSING` or `also_missing`."""
    text = text.strip()
    return None if text.lower() in MISSING or text in also_missing else text


def as_number(text: str) -> float | None:
    """The finite number that `text` writes, or None. ``1_000``, which Python would take, is a word."""
    if "_" in text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def with_point(text: str) -> str:
    """``"1,5"`` as ``"1.5"``; anything else as it is."""
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text


def has_decimal_commas(texts: Iterable[str | None]) -> bool:
    """Whether a column is one of numbers with a decimal comma; ``1,234`` alone proves nothing, it may be a thousand."""
    present = [text for text in texts if text is not None]
    proofs = (text for text in present if _DECIMAL_COMMA.fullmatch(text) and not _THOUSANDS.fullmatch(text))
    return next(proofs, None) is not None and all(as_number(with_point(text)) is not None for text in present)
