"""When two values are the same level of a category, whatever their type and however they are written."""

from __future__ import annotations

import datetime
import re
from collections.abc import Hashable
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal

import numpy as np

#: A number in ASCII digits. Superfluous zeros in front, as in 02134, make it a code.
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*|(?=\.[0-9]))(\.[0-9]*)?([eE][+-]?[0-9]{1,4})?")
#: Digits as many as there are: the usual 28 would make one level of two long identifiers.
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_TRUTH = ("true", "false")


def level_key(value: Hashable) -> Hashable:
    """What equal levels have in common: ``1``, ``1.0``, ``"1"`` and ``"1.00"`` are one level, so are ``True`` and ``"TRUE"``.

    Numbers are compared exactly, not as float64: two long identifiers stay apart. ``"007"`` is a code and not 7. A date is its ISO
    text. Words are compared as they are.

    Parameters
    ----------
    value : hashable
        Text, number, boolean, date, or anything else, which is equal to itself only.

    Returns
    -------
    hashable
        A text for texts, numbers, booleans and dates; else `value`.
    """
    if isinstance(value, str):
        text = str(value)
    elif isinstance(value, datetime.date):
        return value.isoformat().removesuffix("T00:00:00")
    elif isinstance(value, (bool, np.bool_, int, np.integer, Decimal, float, np.floating)):
        text = str(value)  # of a float the shortest text that gives it back, in its own precision
    else:
        return value
    if _NUMBER.fullmatch(text):
        number = Decimal(text).normalize(_EXACT)
        return str(number if number else abs(number))
    return lowered if (lowered := text.lower()) in _TRUTH else text
