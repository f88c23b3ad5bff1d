"""Cells of text are split as `csv` does, parsed as Python parses numbers, and returned as they were written."""

from __future__ import annotations

import csv
import io
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from nncore._core import MISSING, ODD, Distinct, cut, read_numbers, strip, written_numbers

ODD_ONES = [
    "", "-", "+", ".", "-.", "1.", "1e", "1e+", "e5", "nan", "inf", "1e999", "-1e999", "1e-400", "4.9e-324", "0x1", "1_0", "-0", "-0.00",
    "00", "007", ".5", "-.5", "-.0", "+7", "1e5", "1E+05", "1e00005", "٣", "½", "1\x002", "0." + "0" * 40 + "1", "0" * 30, "9" * 40,
    "18446744073709551615", "18446744073709551616", "9999999999999999999", "9007199254740993", "9007199254740992.5",
    "0.1000000000000000055", "0.1000000000000000056", "0.30000000000000004", "123456789012345678e-27", "1e22", "1e23", "8.5e22",
    "1" + "0" * 18,
    "2.2250738585072011e-308", "0.000000000000000000000000001", "0.0000000000000000000000000001", "179769313486231580793e289", "1 ", "1,5",
]  # fmt: skip


def cells_of(texts: list[str]) -> tuple[bytes, np.ndarray, np.ndarray]:
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([len(one) for one in encoded], dtype=np.int32)
    return b"".join(encoded), np.concatenate([[0], ends[:-1]]).astype(np.int32), ends


def as_python_reads(text: str) -> float:
    if "_" in text or not text.isascii() or text != text.strip():
        return math.nan
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def expect_as_python_reads(texts: list[str]) -> np.ndarray:
    """Check that texts are parsed to the numbers that Python reads, and returned unchanged; return the forms."""
    numbers, forms = np.full(len(texts), 7.0), np.zeros(len(texts), np.uint16)
    assert read_numbers(*cells_of(texts), numbers, forms) == np.count_nonzero(forms == ODD)
    for text, number in zip(texts, numbers.tolist(), strict=True):
        expected = as_python_reads(text)
        assert (math.isnan(expected) and math.isnan(number)) or (number, math.copysign(1, number)) == (
            expected,
            math.copysign(1, expected),
        ), text
    assert [text == "" for text in texts] == (forms == MISSING).tolist()
    plain = (forms != ODD) & (forms != MISSING)
    assert written_numbers(numbers[plain], forms[plain]) == [text for text, is_plain in zip(texts, plain, strict=True) if is_plain]
    return forms


def test_numbers_of_all_kinds() -> None:
    expect_as_python_reads(ODD_ONES)


@pytest.mark.parametrize("sign", ["", "-"])
def test_halves_are_rounded_to_even(sign: str) -> None:
    rng = np.random.default_rng(0)
    mantissas = (rng.integers(2**52, 2**53, 300) * 2 + 1).tolist()
    expect_as_python_reads([f"{sign}{mantissa << int(shift)}" for mantissa, shift in zip(mantissas, rng.integers(0, 10, 300), strict=True)])
    expect_as_python_reads([f"{sign}{mantissa * 5**4}e-4" for mantissa in mantissas])
    expect_as_python_reads([f"{sign}{mantissa}.5" for mantissa in (rng.integers(2**52, 2**53, 300)).tolist()])


def test_what_programs_write_is_had_back() -> None:
    values = np.random.default_rng(1).normal(size=1000)
    for form in ("{!r}", "{:.3f}", "{:.10f}", "{:.17f}", "{:.18f}"):
        assert not (expect_as_python_reads([form.format(value) for value in values.tolist()]) == ODD).mean() > 0.01
    assert not (expect_as_python_reads([str(value) for value in (values * 1e5).astype(int).tolist()]) == ODD).any()
    assert (expect_as_python_reads([f"{value:e}" for value in values.tolist()]) == ODD).all()


digits = st.text("0123456789", max_size=21)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(["", "-", "+"]), digits, st.sampled_from(["", "."]), digits,
                          st.sampled_from(["", "e", "e-", "E+"]), st.integers(0, 330)), min_size=1, max_size=20))  # fmt: skip
def test_any_number(parts: list[tuple[str, str, str, str, str, int]]) -> None:
    expect_as_python_reads([sign + a + point + b + (f"{e}{power}" if e else "") for sign, a, point, b, e, power in parts])


def test_blanks_are_those_of_python() -> None:
    letters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    some = [letter for letter in letters if letter.isspace() or ord(letter) < 0x3100]
    for around, tried in (
        (lambda c: c, letters), (lambda c: f"{c}x{c}", some), (lambda c: f"é{c}{c}", some), (lambda c: f" {c}é", some),
    ):  # fmt: skip
        texts = [around(letter) for letter in tried]
        data, begins, ends = cells_of(texts)
        strip(data, begins, ends)
        assert all(data[begin:end].decode() == text.strip() for begin, end, text in zip(begins, ends, texts, strict=True))


cell = st.text('ab,"; \té\xa0\u3000', max_size=5)


@settings(max_examples=300)
@given(st.lists(st.lists(cell, min_size=1, max_size=3), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_lines_are_cut_as_csv_cuts_them(rows: list[list[str]], end: str, has_last_end: bool) -> None:
    lines = [",".join(row) for row in rows]
    text = end.join(lines) + end * has_last_end
    width = len(next(csv.reader([lines[0]], skipinitialspace=True)))
    n_rows = text.count(end) + (not text.endswith(end))
    found = cut(text.encode(), ",", width, n_rows)
    if found is not None:
        expected = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True))
        data, begins, ends = found
        cells = [[data[a:b].decode() for a, b in zip(*row, strict=True)] for row in zip(begins.T, ends.T, strict=True)]
        assert cells == [[value.strip() for value in row] for row in expected]


def test_what_is_cut() -> None:
    assert cut(b'1, "x,""y"" "\r\n5\' 3",\n', ",", 2, 2) is not None
    for odd in (b"1,2\n\n3,4\n", b"1\n", b"1,2,3\n", b'1,"x\ny"\n', b'1,"x"y\n', b'1,"x', b"1,2\n3,4\n5"):
        assert cut(odd, ",", 2, odd.count(b"\n") + (odd[-1:] != b"\n")) is None, odd
    assert cut(b"", ",", 1, 0) is None
    assert cut(b"\n", ",", 1, 1) is None
    assert cut(b'""\n', ",", 1, 1) is not None


def test_text_without_a_number_stays_where_it_is() -> None:
    data = b'1,"a""b"\n'
    assert cut(data, ",", 2, 1) is not None
    assert data == b'1,"a""b"\n'  # it was not changed in place


def test_distinct_texts_are_numbered_as_they_come_up() -> None:
    rng = np.random.default_rng(2)
    texts = [f"level {i}" if i % 7 else "" for i in rng.integers(0, 3000, 20_000).tolist()]
    distinct, codes = Distinct(), []
    for start in range(0, len(texts), 999):
        codes += distinct.add(*cells_of(texts[start : start + 999])).tolist()
    known = [text for text in dict.fromkeys(texts) if text]
    data, ends = distinct.texts()
    begins = [0, *ends.tolist()]
    assert [data[a:b].decode() for a, b in zip(begins, ends.tolist(), strict=False)] == known
    assert len(distinct) == len(known)
    assert [known[code] if code >= 0 else "" for code in codes] == texts
    assert Distinct().texts()[0] == b""
