"""Checks of plain arguments (numbers, flags, words, dtypes, seeds, lists), and values in messages."""

from __future__ import annotations

import math
import os
import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nncore.errors import ParameterError

#: Largest count: it is exact in float64.
LARGEST_COUNT = 2**53
#: Counts end in C as 64-bit integers.
MOST = 2**63 - 1


class _Shown(reprlib.Repr):
    """`repr`, shortened if it is long; an object whose `repr` fails is named by its class."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxtuple, self.maxlist, self.maxdict, self.maxset = 3, 12, 12, 8, 8
        self.maxstring, self.maxlong, self.maxother = 160, 60, 200

    def repr1(self, x: Any, level: int) -> str:
        try:
            return super().repr1(x, level)
        except Exception:  # an author's __repr__, or an int too long to be written
            return f"<{type(x).__name__}>"

    def repr_instance(self, x: Any, level: int) -> str:
        text = repr(x)
        return text if len(text) <= self.maxother else f"{text[: self.maxother - 3]}..."


_shown = _Shown()


def shown(value: object) -> str:
    """A value for a message: its `repr`, of bounded length; never raises."""
    return _shown.repr(value)


def plain(value: Any) -> Any:
    """Convert a NumPy scalar, an array without dimensions or an instance of a subclass to a plain int, float, bool or str."""
    if type(value) in (int, float, bool, str):
        return value
    if isinstance(value, (np.generic, np.ndarray)):
        if value.ndim == 0 and value.dtype.kind in "biufU" and not isinstance(value, np.ma.MaskedArray):
            scalar = value.item()
            return float(scalar) if value.dtype.kind == "f" else scalar  # an item of a long double is one
        return value
    # Methods of the built-in types, since a subclass may do anything in its own.
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    return str.__str__(value) if isinstance(value, str) else value


def is_whole(value: object) -> bool:
    """Whether `value` is an int or a NumPy integer. A bool is not."""
    return type(value) is int or (isinstance(value, (int, np.integer)) and not isinstance(value, bool))


def is_number(value: object) -> bool:
    """Whether `value` is an int, a float or a NumPy number. A bool is not."""
    return type(value) is float or is_whole(value) or isinstance(value, (float, np.floating))


def as_dtype(dtype: Any) -> np.dtype:
    """float32 or float64, from anything that NumPy accepts as a dtype."""
    try:
        number_type = np.dtype(object if dtype is None else dtype)
    except Exception:  # whatever an object that claims to have a dtype raises
        number_type = np.dtype(object)
    if number_type not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ParameterError(f'dtype must be "float32" or "float64", got {shown(dtype)}')
    return number_type


def as_seed(rng: Any) -> int:
    """64 bits from a seed."""
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**64, dtype=np.uint64))
    if isinstance(rng, np.random.SeedSequence):
        return int(rng.generate_state(1, np.uint64)[0])
    seed = plain(rng)
    if seed is None or (is_whole(seed) and seed >= 0):
        return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
    raise ParameterError(f"rng must be a whole number of at least 0, a numpy Generator or SeedSequence, or None, got {shown(rng)}")


def as_number(value: Any) -> float | None:
    """Convert a number to float. None for other objects, and for an int outside the range of floats."""
    value = plain(value)
    try:
        return float(value) if is_number(value) else None
    except OverflowError:
        return None


def number(name: str, value: Any, least: float) -> float:
    """Check that `value` is a finite number of at least `least`, and return it as a float. `name` is the argument's, for messages."""
    found = as_number(value)
    if found is None or not least <= found < math.inf:
        kind = "number" if found is None or found < least else "finite number"
        raise ParameterError(f"{name} must be a {kind} of at least {least}, got {shown(value)}")
    return found


def whole_number(name: str, value: Any, least: int, most: int = MOST) -> int:
    """Check that `value` is an int from `least` to `most`, and return it. `name` is the argument's, for messages."""
    found = plain(value)
    if not is_whole(found) or found < least:
        raise ParameterError(f"{name} must be a whole number of at least {least}, got {shown(value)}")
    if found > most:
        raise ParameterError(f"{name} must be a whole number of at most {most}, got {shown(value)}")
    return int(found)


#: Units of sizes; a B behind them changes nothing.
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def n_bytes(name: str, value: Any, least: int) -> int:
    """Number of bytes, at least `least`, from an int or a string such as ``"2 GB"`` or ``"512 MiB"``."""
    found = plain(value)
    if isinstance(found, str):
        match = re.fullmatch(r"\s*(\d{1,18}(?:\.\d{1,9})?)\s*([kmgt]i?)?b?\s*", found, re.IGNORECASE)
        if match is None:
            raise ParameterError(f'{name} must be a number of bytes or a text like "2 GB", got {shown(value)}')
        found = int(float(match[1]) * _UNITS[(match[2] or "").lower()])
    if not is_whole(found):
        raise ParameterError(f'{name} must be a number of bytes or a text like "2 GB", got {shown(value)}')
    if found < least:
        raise ParameterError(f"{name} must be at least {least} bytes, got {shown(value)}")
    return min(int(found), MOST)


def flag(name: str, value: Any) -> bool:
    """Check that `value` is a bool, and return it. 0, 1 and strings raise an error."""
    found = plain(value)
    if not isinstance(found, bool):
        raise ParameterError(f"{name} must be True or False, got {shown(value)}")
    return found


def choice(name: str, value: Any, words: Sequence[str]) -> str:
    """Check that `value` is one of `words`, and return it."""
    found = plain(value)
    if not isinstance(found, str) or found not in words:
        wanted = " or ".join(filter(None, [", ".join(map(repr, words[:-1])), repr(words[-1])]))
        raise ParameterError(f"{name} must be {wanted}, got {shown(value)}{did_you_mean(found, words)}")
    return found


def text(name: str, value: Any) -> str:
    """Check that `value` is a string that is not empty, and return it."""
    found = plain(value)
    if not isinstance(found, str) or not found:
        raise ParameterError(f"{name} must be a text, got {shown(value)}")
    return found


def path_text(name: str, value: Any) -> str:
    """The path of a file or folder as a string."""
    found = plain(value)
    try:
        found = os.fspath(found)
        os.fsencode(found)
    except Exception:  # no path, one whose __fspath__ fails, or one that no file system can write
        found = None
    if not isinstance(found, str) or not found or "\0" in found:
        raise ParameterError(f"{name} must be a path, a text or a pathlib.Path, got {shown(value)}")
    return found


def rescaled(weights: np.ndarray) -> np.ndarray:
    """Weights in float64, times the power of two that brings the largest into [1, 2). Ratios do not change, and sums cannot overflow."""
    weights = np.asarray(weights, np.float64)
    largest = float(weights.max(initial=0.0))
    return weights if not 0 < largest < math.inf or 1 <= largest < 2 else np.ldexp(weights, 1 - math.frexp(largest)[1])


def is_list(value: object) -> bool:
    """Whether `value` is a list of components. A string or a dict with a "name" is a single one."""
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping, type))


def several(name: str, values: Any) -> list[Any]:
    """Convert `values` to a list. `name` is the argument's, for messages."""
    if not is_list(values):
        raise ParameterError(f"{name} must be a list, also of one thing: [...]; got {shown(values)}")
    try:
        return list(values)
    except Exception as error:  # an array without dimensions, or an iterator that fails
        raise ParameterError(f"{name} must be a list, also of one thing: [...]; got {shown(values)}, which fails: {error}") from error


def texts(name: str, values: Any) -> list[str]:
    """Convert each of `values` with `str`. `name` is the argument's, for messages."""
    found = []
    for value in several(name, values):
        try:
            found.append(str(plain(value)))
        except Exception as error:  # of an author's __str__, or of an int too long to be written
            raise ParameterError(f"{name} must be texts, got {shown(value)}, which cannot be written: {error}") from error
    return found


def numbers(values: Any) -> list[float] | None:
    """Convert a sequence of numbers (Python's or NumPy's) to floats; None for anything else."""
    if not isinstance(values, (list, tuple, range, np.ndarray)) or (isinstance(values, np.ndarray) and values.ndim == 0):
        return None
    found = [as_number(value) for value in values]
    return None if any(value is None for value in found) else [value for value in found if value is not None]


def whole_numbers(values: Any) -> list[int] | None:
    """Convert a sequence of ints (Python's or NumPy's) to a list; None for anything else."""
    if not isinstance(values, (list, tuple, range, np.ndarray)) or (isinstance(values, np.ndarray) and values.ndim == 0):
        return None
    found = [plain(value) for value in values]
    return found if all(map(is_whole, found)) else None


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """``"; did you mean 'relu'?"``, or nothing if no known word is similar."""
    near = closest(word.lower(), known) if isinstance(word, str) else []
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def closest(word: str, known: Iterable[str]) -> list[str]:
    """Known words that are spelled much like this one, best first, at most three."""
    import difflib  # for messages alone

    return difflib.get_close_matches(word[:100], list(known))


def listed(names: Sequence[str], most: int = 12) -> str:
    """``a, b, c and 4 more``."""
    head = ", ".join(names[:most])
    return head if len(names) <= most else f"{head} and {len(names) - most} more"
