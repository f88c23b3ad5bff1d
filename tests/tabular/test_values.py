from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from nncore.tabular.values import as_number, clean


@pytest.mark.parametrize("text", ["", "  ", "?", " ?", "NA", "n/a", "NaN", "nan", "null", "NULL", "None", "-", "#N/A", "<NA>"])
def test_missing(text: str) -> None:
    assert clean(text) is None


def test_missing_as_the_user_says() -> None:
    assert clean(" n.d. ", {"n.d.", "-999"}) is None
    assert clean("-999", {"n.d.", "-999"}) is None
    assert clean("", {"n.d."}) is None
    assert clean("N.D.", {"n.d."}) == "N.D."


@pytest.mark.parametrize("text", ["0", "no", "nano", "None of them", "--", "unknown"])
def test_not_missing(text: str) -> None:
    assert clean(f" {text} ") == text


@pytest.mark.parametrize(("text", "value"), [("1", 1.0), ("-2.5", -2.5), ("1e3", 1000.0), (".5", 0.5), ("+7", 7.0), ("007", 7.0)])
def test_numbers(text: str, value: float) -> None:
    assert as_number(text) == value


@pytest.mark.parametrize("text", ["abc", "1,5", "inf", "-Infinity", "nan", "1e999", "1_000", "0x10", "12 kg", "1/1/2011", "12%"])
def test_no_numbers(text: str) -> None:
    assert as_number(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_is_read_back(value: float) -> None:
    assert as_number(repr(value)) == value


@given(st.text())
def test_any_text_is_a_finite_number_or_none(text: str) -> None:
    number = as_number(text)
    assert number is None or math.isfinite(number)
