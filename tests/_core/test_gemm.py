"""The matrix products of a dense layer, through the layer, at every size around a tile's edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from levels import OTHER_LEVELS, run_tests

from nncore._core import native
from nncore.testing import Guarded, tables

SIZES = st.integers(1, 70)
DTYPES = {np.float32: "f32", np.float64: "f64"}


def run_dense(dtype: type, rows: int, inputs: int, outputs: int, use_bias: bool) -> None:
    """Forward and backward of the dense kernel on buffers with canaries, against NumPy in float64."""
    rng = np.random.default_rng(rows * 10000 + inputs * 100 + outputs)
    x, weight, bias = rng.normal(size=(rows, inputs)), rng.normal(size=(inputs, outputs)), rng.normal(size=outputs)
    d_y = rng.normal(size=(rows, outputs))
    parts = [weight.ravel(), bias] if use_bias else [weight.ravel()]
    buffers = {
        "x": x, "parameters": np.concatenate(parts), "d_y": d_y, "y": np.full((rows, outputs), np.nan),
        "d_x": np.full((rows, inputs), np.nan),
        "d_parameters": np.full(sum(p.size for p in parts), np.nan),
    }  # fmt: skip
    guarded = {name: Guarded(values.astype(dtype)) for name, values in buffers.items()}
    hyper = np.array([float(use_bias)])
    call = tables.LayerCallStruct(**{name: g.array.ctypes.data for name, g in guarded.items()}, hyper=hyper.ctypes.data)
    call.n_rows, call.n_inputs, call.n_outputs = rows, inputs, outputs
    table = tables.layer(native.layer_dense)
    assert getattr(table, f"forward_{DTYPES[dtype]}")(call) == 0
    assert getattr(table, f"backward_{DTYPES[dtype]}")(call) == 0

    x, d_y = guarded["x"].array.astype(float), guarded["d_y"].array.astype(float)
    weight = guarded["parameters"].array[: inputs * outputs].reshape(inputs, outputs).astype(float)
    bias = guarded["parameters"].array[inputs * outputs :].astype(float) if use_bias else 0.0
    eps = float(np.finfo(dtype).eps)

    def close(name: str, expected: np.ndarray, magnitude: np.ndarray, terms: int) -> None:
        # A sum of n products is off by at most n eps times the sum of their magnitudes.
        got = guarded[name].check().astype(float).reshape(expected.shape)
        assert (np.abs(got - expected) <= (terms + 2) * eps * (magnitude + np.finfo(dtype).tiny)).all(), name

    close("y", x @ weight + bias, np.abs(x) @ np.abs(weight) + np.abs(bias), inputs)
    close("d_x", d_y @ weight.T, np.abs(d_y) @ np.abs(weight).T, outputs)
    d_parameters = [(x.T @ d_y).ravel(), d_y.sum(axis=0)] if use_bias else [(x.T @ d_y).ravel()]
    magnitudes = [(np.abs(x).T @ np.abs(d_y)).ravel(), np.abs(d_y).sum(axis=0)]
    close("d_parameters", np.concatenate(d_parameters), np.concatenate(magnitudes[: len(d_parameters)]), rows)
    for name in ("x", "parameters", "d_y"):
        guarded[name].check()


@pytest.mark.parametrize("dtype", DTYPES)
@given(rows=SIZES, inputs=SIZES, outputs=SIZES, use_bias=st.booleans())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_products_of_any_size(dtype: type, rows: int, inputs: int, outputs: int, use_bias: bool) -> None:
    run_dense(dtype, rows, inputs, outputs, use_bias)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(1, 500, 3), (300, 1, 1), (2, 193, 65), (60, 192, 32), (57, 385, 47), (129, 600, 33)])
def test_products_beyond_a_cache_block(dtype: type, size: tuple[int, int, int]) -> None:
    run_dense(dtype, *size, True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_do_not_depend_on_their_number(dtype: type) -> None:
    """The same bits for a row however many rows are computed with it: what splitting among threads relies on."""
    rng = np.random.default_rng(0)
    x, parameters, hyper = rng.normal(size=(131, 250)).astype(dtype), rng.normal(size=250 * 43 + 43).astype(dtype), np.ones(1)
    forward = getattr(tables.layer(native.layer_dense), f"forward_{DTYPES[dtype]}")

    def output(rows: np.ndarray) -> np.ndarray:
        rows, y = np.ascontiguousarray(rows), np.empty((len(rows), 43), dtype)
        call = tables.LayerCallStruct(x=rows.ctypes.data, y=y.ctypes.data, parameters=parameters.ctypes.data, hyper=hyper.ctypes.data)
        call.n_rows, call.n_inputs, call.n_outputs = len(rows), 250, 43
        forward(call)
        return y

    together = output(x)
    for parts in (2, 3, 131):
        np.testing.assert_array_equal(np.concatenate([output(part) for part in np.array_split(x, parts)]), together)


@pytest.mark.parametrize("level", OTHER_LEVELS)
def test_at_every_level(level: str) -> None:
    run_tests(level, str(Path(__file__)), str(Path(__file__).parents[1] / "layers" / "test_layers.py"))
