from __future__ import annotations

import datetime
from collections.abc import Hashable
from decimal import Decimal
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from nncore.data.levels import level_key

EQUAL: dict[str, list[Hashable]] = {
    "one": ["1", "1.0", "1.", "+1", "1e0", "1.00", 1, 1.0, np.int8(1), np.uint64(1), np.float32(1), np.float64(1), Decimal("1.0")],
    "zero": ["0", "0.0", "-0", "-0.0", ".0", "0e5", 0, 0.0, -0.0, np.float16(0)],
    "a tenth": ["0.1", ".1", "1e-1", 0.1, np.float32(0.1)],
    "a hundred thousand": ["100000", "1e5", "1E+5", 1e5, 10**5],
    "true": ["True", "TRUE", "true", True, np.bool_(True)],
    "false": ["False", "FALSE", "false", False, np.bool_(False)],
    "a code": ["01"],
    "another code": ["001"],
    "a word": ["yes"],
    "another word": ["Yes"],
    "a foreign digit": ["\N{ARABIC-INDIC DIGIT ONE}"],
    "a number with an underscore": ["1_0"],
    "hexadecimal": ["0x1"],
    "a long number": ["12345678901234567", 12345678901234567],
    "its neighbour": ["12345678901234568"],
    "an identifier longer than decimals usually are": ["1234567890123456789012345678901", 1234567890123456789012345678901],
    "the next identifier": ["1234567890123456789012345678902"],
    "a long number beyond any float": ["1e9999"],
    "infinity": ["inf", float("inf")],
    "a day": ["2020-02-29", datetime.date(2020, 2, 29), datetime.datetime(2020, 2, 29), pd.Timestamp("2020-02-29")],
    "an hour": ["2020-02-29T05:00:00", datetime.datetime(2020, 2, 29, 5), pd.Timestamp("2020-02-29 05:00")],
    "nothing": [None],
    "a pair": [(1, 2)],
    "empty": [""],
}  # fmt: skip


@pytest.mark.parametrize("name", EQUAL)
def test_equal_values_are_one_level(name: str) -> None:
    assert len({level_key(value) for value in EQUAL[name]}) == 1


def test_different_values_are_different_levels() -> None:
    keys = {name: level_key(values[0]) for name, values in EQUAL.items()}
    assert [(a, b) for a, b in combinations(keys, 2) if keys[a] == keys[b]] == []


@given(st.integers() | st.floats(allow_nan=False))
def test_a_number_and_its_text_are_one_level(value: float) -> None:
    assert level_key(value) == level_key(str(value)) == level_key(repr(value))


@given(st.text())
def test_a_key_is_its_own_key(text: str) -> None:
    assert level_key(level_key(text)) == level_key(text)
