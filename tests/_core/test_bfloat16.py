"""Matrix products in bfloat16 against NumPy, by AMX and by AVX512_BF16: every orientation, sizes around a tile's edges, and any split."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from each import each
from host_calls import multiply, rows_apart

from nncore._core import native
from nncore.testing.expectations import expect_same_bits

#: Fewer terms are summed in float32.
TERMS = 64
#: Terms that an instruction of AMX adds to a sum.
TILE_TERMS = 32


@pytest.fixture(params=[True, False], ids=["lent", "without"])
def rounds(request: pytest.FixtureRequest, instructions: str) -> Iterator[str]:
    """Matrix products of this thread round to bfloat16, by each kind of instructions, with and without the scratch memory of a run."""
    native.lend(request.param, bfloat16=True)
    yield instructions
    native.lend(False)


def rounded(x: np.ndarray) -> np.ndarray:
    """Round to the nearest bfloat16, ties to even, as float32. Subnormal numbers become 0."""
    bits = x.astype(np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    nearest = bits.astype(np.uint32).view(np.float32)
    return np.where(np.isnan(x), np.float32(np.nan), np.where(np.abs(x) < np.finfo(np.float32).tiny, np.float32(0), nearest))


def fused(total: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """total + a b in float32, rounded once: a b is exact in float64, and what that sum lost decides its last bit (rounding to odd)."""
    product, old = a.astype(float) * b, total.astype(float)
    new = product + old
    gained = new - old
    lost = (old - (new - gained)) + (product - gained)
    is_even = new.view(np.int64) % 2 == 0
    return np.where(is_even & (lost != 0), np.nextafter(new, np.copysign(np.inf, lost)), new).astype(np.float32)


def in_order_of_amx(a: np.ndarray, b: np.ndarray, start: np.ndarray) -> np.ndarray:
    """start + a b as TDPBF16PS adds it, if no number is subnormal; a and b are rounded."""
    c = start.astype(np.float32)
    for first in range(0, a.shape[1], TILE_TERMS):
        halves = [np.zeros_like(c), np.zeros_like(c)]  # of terms with even places, and of those with odd ones
        for p in range(first, min(first + TILE_TERMS, a.shape[1])):
            halves[p % 2] = fused(halves[p % 2], a[:, p, None], b[p])
        c = c + (halves[0] + halves[1])
    return c


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


@pytest.mark.usefixtures("rounds")
@pytest.mark.parametrize(
    "size",
    [(1, 1, 64), (3, 5, 65), (17, 33, 97), (70, 16, 300), (5, 130, 64), (29, 64, 576), (300, 1030, 131), (130, 530, 1025)],
    ids=str,
)
@pytest.mark.parametrize("turns", ["", "a", "b", "ab"])
def test_products(size: tuple[int, int, int], turns: str) -> None:
    m, n, k = size
    for begin in ("nothing", "a row", "a matrix", "itself"):
        check(m, n, k, "a" in turns, "b" in turns, begin)


@pytest.mark.usefixtures("rounds")
def test_every_height_of_a_strip() -> None:
    for m in range(1, 34):
        check(m, 33, 70, False, False, "a row")
        check(m, 7, 70, True, True, "nothing")


@pytest.mark.usefixtures("rounds")
@each("k", [64, 65, 95, 96, 97])
def test_every_width_of_a_tile(k: int) -> None:
    for n in range(1, 34):
        check(18, n, k, False, True, "a matrix")
        check(33, n, k, True, False, "itself")


@each("turns_a, turns_b", [(False, False), (True, False), (False, True), (True, True)])
def test_the_order_of_amx(rounds: str, turns_a: bool, turns_b: bool) -> None:
    """Every bit, if it is as described: numbers of all magnitudes, and blocks of k that end within a sum."""
    if rounds != "AMX":
        pytest.skip("other instructions have another order")
    for m, n, k in ((19, 35, 64), (33, 16, 131), (3, 40, 1100)):
        rng = np.random.default_rng([m, n, k])
        a, b, start = (rng.normal(size=size) * 2.0 ** rng.integers(-9, 9, size) for size in ((m, k), (k, n), (m, n)))
        a, b, start = (x.astype(np.float32) for x in (a, b, start))
        given = (np.ascontiguousarray(a.T) if turns_a else a, np.ascontiguousarray(b.T) if turns_b else b)
        found = multiply(*given, start, turns_a=turns_a, turns_b=turns_b)
        expect_same_bits(found, in_order_of_amx(rounded(a), rounded(b), start), f"{m} x {n} x {k}")


@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize("k", [64, 515])
@pytest.mark.parametrize("turns", ["", "a", "b", "ab"])
def test_cutting_a_product_changes_no_bit(turns: str, k: int) -> None:
    """Splitting a product changes no bit, nor does scratch memory: blocks of k hold whole pairs, or whole tiles."""
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
            for length in (1, 5, 14, 16, 33):
                rows, columns = ([slice(i, i + length) for i in range(0, size, length)] for size in (m, n))
                expect_same_bits(np.vstack([product(part, everything) for part in rows]), whole, f"by {length} rows")
                expect_same_bits(np.hstack([product(everything, part) for part in columns]), whole, f"by {length} columns")
        finally:
            native.lend(False)


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


@pytest.mark.usefixtures("rounds")
@pytest.mark.parametrize("turns", [False, True])
def test_nothing_is_left_of_an_earlier_product(turns: bool) -> None:
    """Scratch memory that holds NaN does not reach a product of fewer rows, columns and terms."""
    multiply(np.full((64, 576), np.nan, np.float32), np.full((576, 64), np.nan, np.float32))
    a, b = np.ones((18, 67), np.float32), np.ones((67, 19), np.float32)
    given = (np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)) if turns else (a, b)
    np.testing.assert_array_equal(multiply(*given, turns_a=turns, turns_b=turns), np.full((18, 19), 67, np.float32))


@pytest.mark.usefixtures("rounds")
def test_results_below_the_smallest_normal_number_are_0() -> None:
    a, b = np.full((17, 65), 1e-20, np.float32), np.full((65, 18), 1e-20, np.float32)
    for start in (np.zeros((17, 18), np.float32), np.full((17, 18), 1e-40, np.float32)):
        np.testing.assert_array_equal(multiply(a, b, start), np.zeros((17, 18), np.float32))


@pytest.mark.usefixtures("rounds")
def test_what_stays_in_float32() -> None:
    """Products with fewer terms, and float64, are not rounded to bfloat16."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(20, 70)), rng.normal(size=(70, 40))
    few = [x.astype(np.float32) for x in (a[:, : TERMS - 1], b[: TERMS - 1])]
    rounding = [multiply(a, b), multiply(*few)]
    native.lend(False)  # and products round no more
    for got, expected in zip(rounding, [multiply(a, b), multiply(*few)], strict=True):
        expect_same_bits(got, expected, "with and without")


@pytest.mark.skipif(native.HAS_BFLOAT16, reason="this processor has AVX512_BF16")
def test_refused_without_the_instructions() -> None:
    with pytest.raises(ValueError, match="no instructions for products in bfloat16"):
        native.lend(True, bfloat16=True)
    with pytest.raises(ValueError, match="no instructions for products in bfloat16"):
        native.product_flops(True, 0.0)


def test_instructions_are_those_that_the_machine_has() -> None:
    assert (native.bfloat16_instructions() is None) == (not native.HAS_BFLOAT16)
    assert not native.use_amx(False)
    assert native.use_amx(True) == (native.bfloat16_instructions() == "AMX")
    if (cpuinfo := Path("/proc/cpuinfo")).exists() and native.use_amx(True):
        assert {"amx_tile", "amx_bf16", "avx512_bf16"} <= set(cpuinfo.read_text().split())


#: A product in bfloat16 after what is between, and what it was made with.
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from host_calls import multiply
from nncore._core import native
a = np.random.default_rng(0).normal(size=(70, 70)).astype(np.float32)
def product():
    native.lend(True, bfloat16=True)
    return multiply(a, a)
{}
assert np.abs(product() - a @ a).max() < 0.5
print(native.bfloat16_instructions())
"""

SMALL_SIGNAL_STACK = """
import ctypes
class Stack(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]
room = ctypes.create_string_buffer(8192)
assert ctypes.CDLL(None).sigaltstack(ctypes.byref(Stack(ctypes.addressof(room), 0, 8192)), None) == 0
"""

FORK = """
import os
before = product()
child = os.fork()
if child == 0:
    os._exit(not np.array_equal(product(), before))
assert os.waitpid(child, 0)[1] == 0
"""

FAULTHANDLER = """
import faulthandler
faulthandler.enable()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone lends AMX")
@pytest.mark.parametrize(
    ("before", "made_with"),
    [(SMALL_SIGNAL_STACK, "AVX512_BF16"), (FORK, "AMX"), (FAULTHANDLER, "AMX")],
    ids=["too small a stack for signals", "fork", "faulthandler"],
)
def test_when_the_system_lends_amx(before: str, made_with: str) -> None:
    """Not to a process with a stack for signals into which the tiles do not fit: it has AVX512_BF16."""
    if native.bfloat16_instructions() != "AMX":
        pytest.skip("it lends none here")
    program = textwrap.dedent(PROGRAM).format(before)
    done = subprocess.run([sys.executable, "-c", program, str(Path(__file__).parents[1])], capture_output=True, encoding="utf-8")
    assert (done.stdout.strip(), done.returncode) == (made_with, 0), done.stderr


@pytest.mark.usefixtures("instructions")
def test_speed_is_measured() -> None:
    assert native.product_flops(True, 0.0) > 0
    assert native.product_flops(False, 0.0) > 0
