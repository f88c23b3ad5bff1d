"""Arguments that no function can use, and the errors that calls of nncore with them may raise."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from nncore.errors import NNCoreError


def _fails(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("this object is hostile")


class Hostile:
    """Every operation on it fails."""

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __repr__ = __str__ = __float__ = __int__ = __index__ = __bool__ = _fails  # type: ignore[assignment]
    __len__ = __iter__ = __getitem__ = __contains__ = __add__ = __radd__ = __mul__ = __neg__ = __hash__ = __format__ = _fails  # type: ignore[assignment]


class Unwritten:
    """Only its repr fails."""

    __repr__ = _fails  # type: ignore[assignment]


class Number(int):
    """An int whose comparisons fail."""

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __repr__ = __hash__ = _fails  # type: ignore[assignment]


class Word(str):
    """A str whose comparisons fail."""

    __slots__ = ()
    __eq__ = __hash__ = __repr__ = lower = split = _fails  # type: ignore[assignment]


def hostile_values() -> dict[str, Any]:
    """Values by descriptive names; made anew at each call, since some can be used up."""
    values: dict[str, Any] = {
        "none": None, "true": True, "false": False, "numpy_true": np.True_, "zero": 0, "one": 1, "minus_one": -1, "half": 0.5,
        "large": 10**30, "huge": 10**400, "huge_negative": -(10**400), "unwritable": 10**5000, "int64_end": 2**63, "int32_end": 2**31,
        "nan": math.nan, "inf": math.inf, "minus_inf": -math.inf, "tiny": 5e-324, "largest": 1.7e308, "numpy_nan": np.float32("nan"),
        "complex": 1j, "numpy_complex": np.complex64(1j), "long_double": np.longdouble(1) / 3, "numpy_int": np.int64(3),
        "numpy_half": np.float16(0.5), "zero_d": np.array(0.5), "zero_d_int": np.array(3), "zero_d_object": np.array(None),
        "decimal": Decimal("0.5"), "decimal_nan": Decimal("sNaN"), "fraction": Fraction(1, 2), "empty_text": "", "text": "rleu",
        "number_text": "0.5", "false_text": "false", "nul": "a\0b", "surrogate": "\ud800", "long_text": "x" * 100_000, "bytes": b"relu",
        "bytearray": bytearray(b"3"), "path": Path("no/such/folder/file"), "list": [1, 2], "empty_list": [], "nested": [[1], [2, 3]],
        "texts": ["a", "b"], "nones": [None], "long_list": [0] * 100_000, "tuple": (0.5, 0.25), "set": {1, 2}, "range": range(3),
        "dict": {"name": "relu"}, "empty_dict": {}, "strange_dict": {1: 2}, "unknown_name": {"name": "nope"}, "odd_name": {"name": 3},
        "generator": (number for number in [1, 2]), "iterator": iter([]), "type": int, "class": Hostile, "module": math, "function": len,
        "lambda": lambda *arguments: None, "ellipsis": ..., "not_implemented": NotImplemented, "slice": slice(3), "object": object(),
        "exception": ValueError("an exception"), "array": np.array([1.0, 2.0]), "empty_array": np.empty(0), "matrix": np.ones((2, 2)),
        "text_array": np.array(["a", "b"]), "object_array": np.array([None, 1], dtype=object), "masked": np.ma.masked,
        "masked_array": np.ma.array([1.0, 2.0], mask=[False, True]), "datetime": np.datetime64("2020-01-01"), "dtype": np.dtype("f4"),
        "structured": np.zeros(2, [("a", "f4")]), "hostile": Hostile(), "unwritten": Unwritten(), "hostile_list": [Hostile()],
        "hostile_int": Number(3), "hostile_word": Word("relu"),
    }  # fmt: skip
    recursive: list[Any] = []
    recursive.append(recursive)
    values["recursive"] = recursive
    pandas = _pandas()
    if pandas is not None:
        values |= {
            "pandas_na": pandas.NA,
            "pandas_nat": pandas.NaT,
            "frame": pandas.DataFrame({"a": [1, 2]}),
            "series": pandas.Series([1.5]),
        }
    return values


def _pandas() -> Any:
    try:
        import pandas as pd
    except ModuleNotFoundError:
        return None
    return pd


def is_documented(error: BaseException, function: object) -> bool:
    """Whether a call may raise this: an error of nncore or of the file system, or one that the docstring lists under «Raises»."""
    if isinstance(error, OSError):
        return True  # its message contains the path, of any length
    if isinstance(error, NNCoreError):
        return len(str(error)) < 5000
    doc = getattr(function, "__doc__", None) or ""
    raises = doc.partition("Raises\n")[2].partition("Returns\n")[0]
    return any(base.__name__ in raises for base in type(error).__mro__ if base not in (Exception, BaseException, object))
