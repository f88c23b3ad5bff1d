"""Functions of the host for kernels (nnc_host of plugin.h), against NumPy, at every CPU level."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from host_calls import DTYPES, HOST, multiply, rows_apart
from levels import other_levels, run_tests
from ulp import ulps

from nncore.plugin import random_words
from nncore.testing import Guarded, tables
from nncore.testing.expectations import expect_same_bits

every_dtype = pytest.mark.parametrize("dtype", DTYPES)


@every_dtype
@pytest.mark.parametrize("size", [(1, 1, 1), (3, 5, 7), (17, 16, 33), (70, 9, 300), (5, 130, 64), (64, 64, 576), (4, 3, 0)])
@pytest.mark.parametrize("turns_a", [False, True])
@pytest.mark.parametrize("turns_b", [False, True])
@pytest.mark.parametrize("begin", ["nothing", "a row", "a matrix", "itself"])
def test_products(dtype: type, size: tuple[int, int, int], turns_a: bool, turns_b: bool, begin: str) -> None:
    m, n, k = size
    rng = np.random.default_rng([*size, turns_a, turns_b])
    a, b, matrix = (rng.normal(size=shape).astype(dtype) for shape in ((m, k), (k, n), (m, n)))
    given_a, given_b = rows_apart(a.T if turns_a else a, 3), rows_apart(b.T if turns_b else b, 5)
    c = rows_apart(matrix if begin == "itself" else np.full((m, n), 7, dtype), 2)
    start = {"nothing": None, "a row": matrix[0].copy(), "a matrix": rows_apart(matrix, 1), "itself": c}[begin]
    expected = a.astype(float) @ b.astype(float) + {"nothing": 0, "a row": matrix[0], "a matrix": matrix, "itself": matrix}[begin]
    multiply(given_a, given_b, start, c, turns_a, turns_b)
    bound = (k + 2) * float(np.finfo(dtype).eps) * (np.abs(a).astype(float) @ np.abs(b) + np.abs(matrix) + 1)
    assert (np.abs(c - expected) <= bound).all()
    assert np.isnan(c.base[:, n:]).all(), "memory outside the rows of c was written"


@every_dtype
def test_splitting_a_product_changes_no_bit(dtype: type) -> None:
    rng = np.random.default_rng(1)
    a, b, bias = (rng.normal(size=shape).astype(dtype) for shape in ((37, 290), (290, 45), 45))
    whole = multiply(a, b, bias)
    expect_same_bits(np.vstack([multiply(a[i : i + 5], b, bias) for i in range(0, 37, 5)]), whole, "by rows")
    expect_same_bits(np.hstack([multiply(a, b[:, j : j + 7], bias[j : j + 7]) for j in range(0, 45, 7)]), whole, "by columns")
    c = multiply(a[:, :100], b[:100], bias)
    multiply(a[:, 100:], b[100:], c, c)
    expect_same_bits(c, whole, "by terms, on from the sums so far")


@every_dtype
def test_products_in_several_threads_at_once(dtype: type) -> None:
    rng = np.random.default_rng(2)
    a, b = (rng.normal(size=(130, 130)).astype(dtype) for _ in range(2))
    expected = multiply(a, b)
    with ThreadPoolExecutor(4) as pool:
        for c in pool.map(lambda _: multiply(a, b), range(40)):
            expect_same_bits(c, expected, "a product beside others")


@pytest.mark.parametrize("first", [0, 1, 2, 3, 4, 67, 2**33 + 1])
@pytest.mark.parametrize("n", [0, 1, 5, 64, 1000])
def test_random_words(first: int, n: int) -> None:
    draw = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_int64, ctypes.c_int32, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
    words = Guarded(np.zeros(n, np.uint32), "words")
    draw(HOST["random_words"])(2**40 + 7, 2**33 + 1, 5, first, n, words.array.ctypes.data)
    if first < 1000:
        np.testing.assert_array_equal(words.check(), random_words(2**40 + 7, 2**33 + 1, 5, first + n)[first:])
    else:  # too far for the oracle: compared with words drawn one by one
        pieces = np.zeros(n, np.uint32)
        for i in range(n):
            draw(HOST["random_words"])(2**40 + 7, 2**33 + 1, 5, first + i, 1, pieces[i:].ctypes.data)
        np.testing.assert_array_equal(words.check(), pieces)


def apply(name: str, x: np.ndarray, in_place: bool = False) -> np.ndarray:
    buffer = Guarded(x, "x")
    result = buffer if in_place else Guarded(np.zeros_like(x), "y")
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(HOST[f"{name}_{tables.SUFFIXES[x.dtype]}"])
    function(buffer.array.ctypes.data, result.array.ctypes.data, x.size)
    if not in_place:
        expect_same_bits(buffer.check(), x, "x")
    return result.check()


def sinpi(x: np.ndarray) -> np.ndarray:
    """sin(πx): whole half-turns are removed first, without an error, and only the rest is multiplied by π."""
    with np.errstate(invalid="ignore"):
        k = np.rint(x)
        return np.where(k % 2 == 0, 1, -1) * np.sin(4 * np.arctan(x.dtype.type(1)) * (x - k))


def cospi(x: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return sinpi(x.dtype.type(0.5) - np.abs(np.fmod(x, 2)))


ORACLES: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sinpi": sinpi,
    "cospi": cospi,
}


@every_dtype
@pytest.mark.parametrize("name", ORACLES)
def test_functions_of_numbers(name: str, dtype: type) -> None:
    x = np.concatenate([np.random.default_rng(3).normal(size=999) * 5, [0.0, 1.0, -1.0, 30.0, -30.0, math.inf]]).astype(dtype)
    if name == "log":
        x = np.abs(x)
    with np.errstate(divide="ignore"):
        exact = ORACLES[name](x.astype(np.longdouble))
    found = apply(name, x)
    np.testing.assert_allclose(found.astype(np.longdouble), exact, rtol=4 * float(np.finfo(dtype).eps))
    expect_same_bits(apply(name, x, in_place=True), found, "in place")
    for begin, end in ((0, 1), (3, 8), (64, 200), (990, 1005), (5, 5)):
        expect_same_bits(apply(name, x[begin:end]), found[begin:end], f"numbers {begin} to {end}")
    assert np.isnan(apply(name, np.array([np.nan], dtype))).all()


@every_dtype
@pytest.mark.parametrize("name", ["sinpi", "cospi"])
@pytest.mark.parametrize("width", [1e-30, 1e-3, 0.5, 3.0, 1000.0, 2.0**24, 2.0**53, 1e30])
def test_errors_of_half_turns_are_below_3_ulp(name: str, width: float, dtype: type) -> None:
    """Errors of the functions of half-turns are below 3 ULP, also near zeros and for numbers so large that they are whole."""
    exact = np.longdouble if dtype is np.float64 else np.float64
    if np.finfo(exact).nmant == np.finfo(dtype).nmant:
        pytest.skip("no type here has more digits than float64")
    x = np.linspace(-width, width, 50_001, dtype=dtype)
    if width <= 1000:
        halves = (np.rint(2 * x) / 2).astype(dtype)
        x = np.concatenate([x, halves, np.nextafter(halves, dtype(np.inf)), np.nextafter(halves, dtype(-np.inf))])
    assert ulps(apply(name, x), ORACLES[name](x.astype(exact))) <= 3


@every_dtype
def test_half_turns_at_special_numbers(dtype: type) -> None:
    x = np.array([0.0, -0.0, 0.5, 1.0, 1.5, -0.5, -1.0, 2.0, 1e9, 2.0**23 + 1, 2.0**53, 1e30], dtype)
    np.testing.assert_array_equal(apply("sinpi", x), [0, 0, 1, 0, -1, -1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(np.signbit(apply("sinpi", x[:2])), [False, True])
    np.testing.assert_array_equal(apply("cospi", x), [1, 1, 0, -1, 0, 0, -1, 1, 1, -1, 1, 1])
    for name in ("sinpi", "cospi"):
        assert np.isnan(apply(name, np.array([np.inf, -np.inf, np.nan], dtype))).all()


@pytest.mark.parametrize("level", other_levels(quick="portable"))
def test_at_every_level(level: str) -> None:
    run_tests(level, str(Path(__file__)))
