"""Tools of the conformance checks: assertions, guarded arrays, unusual hyperparameters, tables."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from nncore.errors import ParameterError, PluginError
from nncore.optimizers.adam import Adam
from nncore.optimizers.sgd import SGD
from nncore.plugin import TABLES, Activation, Optimizer, function_table, native_kernel
from nncore.testing import Guarded, numpy_twin, tables
from nncore.testing.differences import expect_gradient, numeric_gradient
from nncore.testing.expectations import expect_close, expect_same_bits
from nncore.testing.guarded import OutOfBounds
from nncore.testing.hyperparameters import check_ranges, unusual
from nncore.testing.stepping import layout

NAN = float("nan")


@pytest.mark.parametrize(
    ("actual", "message"), [([1.0, 2.5, NAN], r"w: .*2\.5.* at \[1\]"), ([1.0, 2.0], r"shape \(2,\), expected \(3,\)")]
)
def test_same_bits_names_the_first_difference(actual: list[float], message: str) -> None:
    expect_same_bits(np.array([1.0, 2.0, NAN]), np.array([1.0, 2.0, NAN]), "w")
    with pytest.raises(AssertionError, match=message):
        expect_same_bits(np.array(actual), np.array([1.0, 2.0, NAN]), "w")


@pytest.mark.parametrize("actual", [1.2, NAN, np.inf])
def test_close_names_the_worst_entry(actual: float) -> None:
    expect_close(np.array([1.0, np.inf, NAN]), np.array([1.05, np.inf, NAN]), 0.1, "w")
    with pytest.raises(AssertionError, match="1 of 2 are off"):  # a tolerance of NaN accepts nothing
        expect_close(np.array([NAN, 1.0]), np.array([NAN, 2.0]), np.array([NAN, 0.1]), "w")
    with pytest.raises(AssertionError, match=r"at \[1\], expected .*1\.05.*; 1 of 2 are off"):
        expect_close(np.array([1.0, actual]), np.array([1.05, 1.05]), 0.1, "w")


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("shape", [(0,), (1,), (3, 5), (0, 4)])
@pytest.mark.parametrize("shift", [0, 8])
def test_guarded_sees_a_write_beside_each_end(shape: tuple[int, ...], dtype: type, shift: int) -> None:
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    for offset, where in ((-1, "before"), (values.size, "behind")):
        guarded = Guarded(values, "w", shift)
        np.testing.assert_array_equal(guarded.check(), values)
        ctypes.memset(guarded.array.ctypes.data + offset * values.itemsize, 0, values.itemsize)
        with pytest.raises(OutOfBounds, match=f"written {where} w"):
            guarded.check()


def test_unusual_values_differ_and_lie_in_their_intervals() -> None:
    (adam,) = unusual(Adam())
    numbers = [adam.lr, adam.beta1, adam.beta2, adam.epsilon]
    assert len({*numbers}) == 4
    assert not {*numbers} & {*Adam().config().values()}
    assert adam.epsilon_inside is False


def test_unusual_leaves_out_what_is_refused() -> None:
    class Choosy(SGD):
        def validate(self) -> None:
            if self.lr != 0.01:
                raise ParameterError("only 0.01 will do")

    assert unusual(Choosy()) == []
    assert unusual(Activation()) == []


class HalfChecked(Optimizer):
    ranges = {"lr": "[0, 1)"}

    def __init__(self, lr: float = 0.1) -> None:
        self.lr = lr

    def __setattr__(self, name: str, value: Any) -> None:
        if value == 1:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


def test_ranges_are_tried_at_both_ends() -> None:
    check_ranges(Adam())
    with pytest.raises(AssertionError, match=r"lr=1\.0 is not refused; its interval is \[0, 1\)"):
        check_ranges(HalfChecked())


def test_flags_are_tried() -> None:
    class Unchecked(Adam):
        def __setattr__(self, name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

    with pytest.raises(AssertionError, match=r"epsilon_inside='false' is not refused; it is one of `flags`"):
        check_ranges(Unchecked())


def test_differences_have_seven_digits() -> None:
    x = np.array([0.5, -1.5, 3.0])
    np.testing.assert_allclose(numeric_gradient(lambda: float(np.sin(x).sum()), x), np.cos(x), rtol=1e-9)
    np.testing.assert_array_equal(x, [0.5, -1.5, 3.0])
    with pytest.raises(AssertionError, match=r"d_x against central differences: .* at \[2\]"):
        expect_gradient(np.cos(x) + np.array([0, 0, 1e-6]), lambda: float(np.sin(x).sum()), x, "d_x")


@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 9, 100, 1023])
def test_layout_tiles_the_vector_with_tensors_that_are_not_empty(n: int) -> None:
    spans = layout(n)
    assert [span.offset for span in spans] == np.cumsum([0, *(s.rows * s.columns for s in spans)])[:-1].tolist()
    assert sum(span.rows * span.columns for span in spans) == n
    assert all(span.rows * span.columns for span in spans)


def test_twin_runs_on_numpy_and_is_otherwise_equal() -> None:
    adam = Adam(lr=0.5)
    twin = numpy_twin(adam)
    assert native_kernel(adam) is not None
    assert native_kernel(twin) is None
    assert twin.config() == adam.config()
    assert isinstance(twin, Adam)


def test_table_of_another_kind_is_refused() -> None:
    with pytest.raises(PluginError, match=r"not a PyCapsule named 'nncore\.loss'"):
        tables.loss(function_table("optimizer"))


def test_pointers_that_are_null_are_none() -> None:
    table = tables.optimizer(function_table("optimizer"))
    assert vars(table) == dict.fromkeys(TABLES["optimizer"])
