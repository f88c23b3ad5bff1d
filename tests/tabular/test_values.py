from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from nncore.tabular.values import are_dates, as_number, decimal_point, number_hint, with_point


@pytest.mark.parametrize(("text", "value"), [("1", 1.0), ("-2.5", -2.5), ("1e3", 1000.0), (".5", 0.5), ("+7", 7.0), ("007", 7.0)])
def test_numbers(text: str, value: float) -> None:
    assert as_number(text) == value


@pytest.mark.parametrize(
    "text", ["abc", "1,5", "inf", "-Infinity", "nan", "1e999", "1_000", "0x10", "12 kg", "1/1/2011", "12%", "٣", "½", "１"]
)
def test_no_numbers(text: str) -> None:
    assert as_number(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_is_read_back(value: float) -> None:
    assert as_number(repr(value)) == value


@given(st.text())
def test_any_text_is_a_finite_number_or_none(text: str) -> None:
    number = as_number(text)
    assert number is None or math.isfinite(number)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,5", "1.5"), ("-,5", "-.5"), ("2,5e3", "2.5e3"), ("1.500", "1500"), ("1.234.567,5", "1234567.5"), ("-12.000", "-12000"),
        ("0.500", "0.500"), ("1.50", "1.50"), ("1,2,3", "1,2,3"), ("01.02.2020", "01.02.2020"), ("a,5", "a,5"),
    ],
)  # fmt: skip
def test_decimal_commas(text: str, expected: str) -> None:
    assert with_point(text) == expected


def test_a_decimal_point_among_decimal_commas_is_found_in_columns_of_numbers_alone() -> None:
    assert decimal_point(["1,5", "2.25"]) == "2.25"
    assert decimal_point(["1.500", "2"]) is None
    assert decimal_point(["2.25", "version"]) is None


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["45$", "7$"], "write '7$' without separators and units"),
        (["€ 5"], "write '€ 5' without separators and units"),
        (["12 %", "3"], "write '3' without separators and units"),
        (["70 kg", "8.5 kg"], "write '70 kg' without separators and units"),
        (["1 000", "2 500"], "write '1 000' without separators and units"),
        (["1\N{NARROW NO-BREAK SPACE}000"], "write '1\\u202f000' without separators and units"),
        (["1'000.50"], 'write "1\'000.50" without separators and units'),
        (["1,000,000"], "write '1,000,000' without separators and units"),
        (["1,000"], "write '1,000' without its comma if it separates thousands, or add --decimal , if it is a decimal comma"),
        (["1_000"], "write '1_000' in ASCII digits, such as 1000 or 0.5"),
        (["0x1F"], "write '0x1F' in ASCII digits, such as 1000 or 0.5"),
        (["Infinity"], "'Infinity' is not finite; write a number, or add --missing Infinity if it means missing"),
        (["٣"], "write '٣' in ASCII digits, such as 1000 or 0.5"),
        (["½"], "write '½' in ASCII digits, such as 1000 or 0.5"),
    ],
)
def test_words_that_look_like_numbers(words: list[str], hint: str) -> None:
    assert number_hint(words) == hint


@pytest.mark.parametrize("words", [[], ["yes"], ["A12"], ["12A", "13B"], ["5 km", "3 kg"], ["<=50K"], ["1/2/3"], ["12 %", "many"]])
def test_words_that_do_not(words: list[str]) -> None:
    assert number_hint(words) == ""


@pytest.mark.parametrize(
    "word",
    [
        "2024-01-31", "31.1.2024", "1/31/2011 10:00", "2024-01-31T10:00:00Z", "10:30", "9:05:07.5 pm", "31 Jan 2024", "January 31, 2024",
        "Wed, 31 Jan 2024 10:00",
    ],
)  # fmt: skip
def test_dates(word: str) -> None:
    assert are_dates([word])


@pytest.mark.parametrize("words", [[], ["1-2"], ["may"], ["10:5"], ["2024-01-31", "later"], ["1.2.3.4"]])
def test_no_dates(words: list[str]) -> None:
    assert not are_dates(words)
