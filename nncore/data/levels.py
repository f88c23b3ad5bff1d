"""Decide whether two values are the same level of a category, for any type and spelling."""

from __future__ import annotations

import datetime
import re
from collections.abc import Hashable
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal

import numpy as np

#: A number in ASCII digits. With superfluous leading zeros, as in 02134, it is a code and not a number.
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*|(?=\.[0-9]))(\.[0-9]*)?([eE][+-]?[0-9]{1,4})?")
#: Enough digits for any number: the default of 28 would merge two long identifiers.
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_TRUTH = ("true", "false")


def level_key(value: Hashable) -> Hashable:
    """A key that is equal for equal levels: ``1``, ``1.0``, ``"1"`` and ``"1.00"`` are one level, and so are ``True`` and ``"TRUE"``.

    Numbers are compared exactly and not as float64, so two long identifiers differ. ``"007"`` is a code and not 7. Dates are compared by
    their ISO text, and other text unchanged.

    Parameters
    ----------
    value : hashable
        Text, number, boolean or date. Any other value is equal only to itself.

    Returns
    -------
    hashable
        A string for text, numbers, booleans and dates; otherwise `value`.
    """
    if isinstance(value, str):
        text = str(value)
    elif isinstance(value, datetime.date):
        return value.isoformat().removesuffix("T00:00:00")
    elif isinstance(value, (bool, np.bool_, int, np.integer, Decimal, float, np.floating)):
        text = str(value)  # for a float, the shortest text that restores it in its own precision
    else:
        return value
    if _NUMBER.fullmatch(text):
        number = Decimal(text).normalize(_EXACT)
        return str(number if number else abs(number))
    return lowered if (lowered := text.lower()) in _TRUTH else text
