"""Hyperparameters: declared, checked by constructors, printed, and passed to kernels."""

from __future__ import annotations

import copy
import math
import pickle
from typing import ClassVar

import numpy as np
import pytest
from contract.decaying import Decaying
from hypothesis import given, strategies as st

from nncore.activations.relu import ReLU
from nncore.errors import ParameterError
from nncore.plugin import Configurable

# ---------------------------------------------------------------- ranges


def in_interval(value: object, interval: str) -> bool:
    class One(Configurable):
        ranges: ClassVar = {"value": interval}

        def __init__(self):
            self.value = value

    try:
        One()
    except ParameterError:
        return False
    return True


@given(st.floats(), st.floats(allow_nan=False), st.floats(allow_nan=False), st.booleans(), st.booleans())
def test_an_interval_means_what_it_means_in_mathematics(value, low, high, closed_below, closed_above):
    interval = f"{'[' if closed_below else '('}{low!r}, {high!r}{']' if closed_above else ')'}"
    inside = low < value < high or (closed_below and value == low <= high) or (closed_above and value == high >= low)
    # An open end of an interval is excluded even if it equals the other, closed end.
    inside &= not (value == low and not closed_below) and not (value == high and not closed_above)
    assert in_interval(value, interval) == inside


@pytest.mark.parametrize("value", [math.nan, np.float32("nan"), True, np.bool_(True), None, "0.5", 1j, [0.5], np.array([0.5])], ids=repr)
def test_what_is_not_a_real_number_is_outside(value):
    assert not in_interval(value, "(-inf, inf)")


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.5), np.float64(1), np.int8(1), np.uint64(0), np.array(0.5)])
def test_python_and_numpy_numbers_are_inside(value):
    assert in_interval(value, "[0, 1]")


def test_infinity_is_inside_only_where_the_bracket_says_so():
    assert not in_interval(math.inf, "[0, inf)")
    assert in_interval(math.inf, "[0, inf]")


def test_a_component_is_checked_where_it_is_written():
    with pytest.raises(ParameterError, match=r"Decaying: lr must be a number in \[0, inf\), got -1"):
        Decaying(lr=-1)
    with pytest.raises(ParameterError, match=r"decay must be a number in \(0, 1\], got 0"):
        Decaying(decay=0)


def test_an_attribute_is_checked_where_it_is_set():
    component = Decaying()
    with pytest.raises(ParameterError, match="decay must be a number"):
        component.decay = 0
    component.decay = np.float32(0.25)
    assert type(component.decay) is float
    assert component.decay == 0.25


def test_a_subclass_can_check_more():
    class Even(Decaying):
        def validate(self):
            super().validate()
            if self.lr % 2:
                raise ParameterError("odd")

    assert Even(lr=2).lr == 2
    for lr in (3, -2):
        with pytest.raises(ParameterError):
            Even(lr=lr)


# ---------------------------------------------------------------- config and repr


def test_config_is_in_the_order_of_init():
    assert list(Decaying(0.2, nesterov=True).config().items()) == [("lr", 0.2), ("decay", 0.5), ("nesterov", True), ("schedule", None)]
    assert ReLU().config() == {}


def test_config_reads_what_the_component_is_now():
    optimizer = Decaying()
    optimizer.lr = 0.7
    assert optimizer.config()["lr"] == 0.7


def test_config_leaves_out_what_cannot_be_named():
    class Open(Configurable):
        def __init__(self, first, *rest, last=3, **others):
            self.first, self.last = first, last

    assert Open(1, 2, last=4, other=5).config() == {"first": 1, "last": 4}


def test_config_makes_an_equal_one():
    optimizer = Decaying(0.2, decay=0.25, nesterov=True, schedule="cosine")
    again = Decaying(**optimizer.config())
    assert again.config() == optimizer.config()
    assert eval(repr(optimizer)).config() == optimizer.config()
    assert repr(optimizer) == "Decaying(lr=0.2, decay=0.25, nesterov=True, schedule='cosine')"
    assert repr(ReLU()) == "ReLU()"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda component: pickle.loads(pickle.dumps(component))])
def test_a_copy_is_equal(copied):
    optimizer = Decaying(0.2, schedule="cosine")
    assert copied(optimizer).config() == optimizer.config()
    assert copied(optimizer) is not optimizer


def test_the_kernel_gets_the_numbers():
    assert Decaying(np.float32(0.5), nesterov=True, schedule="x").hyper() == [0.5, 0.5, 1.0]
    assert all(type(number) is float for number in Decaying(1, nesterov=True).hyper())
    assert ReLU().hyper() == []


# ---------------------------------------------------------------- arguments of a class


class Base(Configurable):
    """Has an argument of its own, and one common to its kind."""

    common = ("name",)
    name = None
    ranges: ClassVar = {"size": "[0, 10]"}

    def __init__(self, size: float) -> None:
        self.size = size


class Derived(Base):
    """Has other arguments than its base."""

    def __init__(self, width: float = 1.0, *, name: str | None = None) -> None:
        super().__init__(width)
        self.width, self.name = width, name


def test_each_class_has_arguments_of_its_own():
    assert Base(3).config() == {"size": 3}  # the base's are cached before the derived class's are needed
    assert (Base.arguments.own, Base.arguments.common, Base.arguments.needed) == (("size",), ("name",), ("size",))
    assert (Derived.arguments.own, Derived.arguments.common, Derived.arguments.needed) == (("width", "name"), (), ())
    assert Derived(2).config() == {"width": 2}
    assert Derived(2, name="wide").config() == {"width": 2, "name": "wide"}
    assert Base(3, name="b").config() == {"size": 3, "name": "b"}
    with pytest.raises(ParameterError, match=r"size must be a number in \[0, 10\]"):
        Derived(11)


def test_keywords_that_fit_are_told_from_others():
    assert Base.arguments.can_be({"size": 1, "name": "b"})
    assert not Base.arguments.can_be({"name": "b"})
    assert not Base.arguments.can_be({"size": 1, "width": 2})
