"""Matrix products in bfloat16 against NumPy: every orientation, sizes around a tile's edges, and any split."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from host_calls import multiply, rows_apart

from nncore._core import native
from nncore.testing.expectations import expect_same_bits

#: Fewer terms are summed in float32.
TERMS = 64

needs_bfloat16 = pytest.mark.skipif(not native.HAS_BFLOAT16, reason="this processor has no AVX512_BF16")


@pytest.fixture(params=[True, False], ids=["lent", "without"])
def rounds(request: pytest.FixtureRequest) -> Iterator[None]:
    """Matrix products of this thread round to bfloat16, with and without the scratch memory of a run."""
    native.lend(request.param, bfloat16=True)
    yield
    native.lend(False)


def rounded(x: np.ndarray) -> np.ndarray:
    """Round to the nearest bfloat16, ties to even, as float32. Subnormal numbers become 0."""
    bits = x.astype(np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    nearest = bits.astype(np.uint32).view(np.float32)
    return np.where(np.isnan(x), np.float32(np.nan), np.where(np.abs(x) < np.finfo(np.float32).tiny, np.float32(0), nearest))


def check(m: int, n: int, k: int, turns_a: bool, turns_b: bool, begin: str) -> None:
    rng = np.random.default_rng([m, n, k, turns_a, turns_b])
    a, b, matrix = (rng.normal(size=shape).astype(np.float32) for shape in ((m, k), (k, n), (m, n)))
    given_a, given_b = rows_apart(a.T if turns_a else a, 3), rows_apart(b.T if turns_b else b, 5)
    c = rows_apart(matrix if begin == "itself" else np.full((m, n), 7, np.float32), 2)
    start = {"nothing": None, "a row": matrix[0].copy(), "a matrix": rows_apart(matrix, 1), "itself": c}[begin]
    before = {"nothing": 0, "a row": matrix[0], "a matrix": matrix, "itself": matrix}[begin]
    multiply(given_a, given_b, start, c, turns_a, turns_b)
    a, b = (rounded(x).astype(float) for x in (a, b))
    # Products of two numbers of 8 digits are exact in float32: sums of k + 1 numbers are off by at most k eps times their magnitudes.
    bound = (k + 2) * float(np.finfo(np.float32).eps) * (np.abs(a) @ np.abs(b) + np.abs(before))
    assert (np.abs(c - (a @ b + before)) <= bound).all()
    assert np.isnan(c.base[:, n:]).all(), "memory outside the rows of c was written"


@needs_bfloat16
@pytest.mark.usefixtures("rounds")
@pytest.mark.parametrize("size", [(1, 1, 64), (3, 5, 65), (17, 33, 97), (70, 16, 300), (5, 130, 64), (29, 64, 576), (300, 1030, 131)])
@pytest.mark.parametrize("turns", ["", "a", "b", "ab"])
def test_products(size: tuple[int, int, int], turns: str) -> None:
    m, n, k = size
    for begin in ("nothing", "a row", "a matrix", "itself"):
        check(m, n, k, "a" in turns, "b" in turns, begin)


@needs_bfloat16
@pytest.mark.usefixtures("rounds")
def test_every_height_of_a_strip() -> None:
    for m in range(1, 30):
        check(m, 33, 70, False, False, "a row")
        check(m, 7, 70, True, True, "nothing")


@needs_bfloat16
@pytest.mark.parametrize("k", [64, 515])
@pytest.mark.parametrize("turns", ["", "a", "b", "ab"])
def test_cutting_a_product_changes_no_bit(turns: str, k: int) -> None:
    """Splitting a product changes no bit, nor does scratch memory: blocks of k hold whole pairs."""
    m, n, turns_a, turns_b = 61, 75, "a" in turns, "b" in turns
    rng = np.random.default_rng(k)
    a, b, bias = (rng.normal(size=shape).astype(np.float32) for shape in ((k, m) if turns_a else (m, k), (n, k) if turns_b else (k, n), n))

    def product(rows: slice, columns: slice) -> np.ndarray:
        part_a, part_b = a[:, rows] if turns_a else a[rows], b[columns] if turns_b else b[:, columns]
        return multiply(part_a, part_b, bias[columns].copy(), turns_a=turns_a, turns_b=turns_b)

    everything = slice(None)
    whole = None
    for has_room in (True, False):
        native.lend(has_room, bfloat16=True)
        try:
            whole = product(everything, everything) if whole is None else whole
            for length in (1, 5, 14, 33):
                rows, columns = ([slice(i, i + length) for i in range(0, size, length)] for size in (m, n))
                expect_same_bits(np.vstack([product(part, everything) for part in rows]), whole, f"by {length} rows")
                expect_same_bits(np.hstack([product(everything, part) for part in columns]), whole, f"by {length} columns")
        finally:
            native.lend(False)


@needs_bfloat16
@pytest.mark.usefixtures("rounds")
@pytest.mark.parametrize("turns", [False, True])
def test_numbers_that_are_none(turns: bool) -> None:
    """NaN and infinity affect only their row and column, with any payload; the padding of an odd last pair adds none."""
    a, b = np.ones((20, 67), np.float32), np.ones((67, 40), np.float32)
    a[3, 66] = np.array(0x7F800001, np.uint32).view(np.float32)  # a NaN whose upper half alone would be infinity
    a[5, 0], a[6, 1], b[:, 7] = np.inf, np.finfo(np.float32).max, -np.inf
    a[8], b[:, 9] = -1e-40, 1e-40  # subnormal
    given = (np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)) if turns else (a, b)
    c = multiply(*given, turns_a=turns, turns_b=turns)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(c, rounded(a) @ rounded(b))
    assert np.isnan(c[3]).all()
    assert np.isinf(c[5, :7]).all()


@needs_bfloat16
@pytest.mark.usefixtures("rounds")
def test_what_stays_in_float32() -> None:
    """Products with fewer terms, and float64, are not rounded to bfloat16."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(20, 70)), rng.normal(size=(70, 40))
    few = [x.astype(np.float32) for x in (a[:, : TERMS - 1], b[: TERMS - 1])]
    rounding = [multiply(a, b), multiply(*few)]
    native.lend(False)
    for got, expected in zip(rounding, [multiply(a, b), multiply(*few)], strict=True):
        expect_same_bits(got, expected, "with and without")


@pytest.mark.skipif(native.HAS_BFLOAT16, reason="this processor has AVX512_BF16")
def test_refused_without_the_instructions() -> None:
    with pytest.raises(ValueError, match="no instructions for products in bfloat16"):
        native.lend(True, bfloat16=True)
    with pytest.raises(ValueError, match="no instructions for products in bfloat16"):
        native.product_flops(True, 0.0)


@needs_bfloat16
def test_speed_is_measured() -> None:
    assert native.product_flops(True, 0.0) > 0
    assert native.product_flops(False, 0.0) > 0
