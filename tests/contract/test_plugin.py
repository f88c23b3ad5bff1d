"""The module plugin authors import: hyperparameters declared, checked and printed; kernels found and chosen."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nncore.plugin
from nncore.activations.relu import ReLU
from nncore.errors import ParameterError, PluginError
from nncore.plugin import (
    Activation,
    Buffer,
    Callback,
    Component,
    Configurable,
    Initializer,
    Kernel,
    Layer,
    LayerCall,
    Loss,
    Metric,
    Optimizer,
    Plan,
    Tensor,
    native_kernel,
    rung,
)

BASES = [Activation, Callback, Initializer, Layer, Loss, Metric, Optimizer]


class Decaying(Optimizer):
    ranges: ClassVar = {"lr": "[0, inf)", "decay": "(0, 1]"}
    kernel = Kernel("nncore_decaying.kernels:decaying")

    def __init__(self, lr: float = 0.1, *, decay: float = 0.5, nesterov: bool = False, schedule: str | None = None) -> None:
        self.lr = lr
        self.decay = decay
        self.nesterov = nesterov
        self.schedule = schedule

    def step(self, w, g, state, t):
        w -= self.lr * g


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
    # An end that is not part of the interval stays out even if it equals the other, closed one.
    inside &= not (value == low and not closed_below) and not (value == high and not closed_above)
    assert in_interval(value, interval) == inside


@pytest.mark.parametrize(
    "value", [math.nan, np.float32("nan"), True, np.bool_(True), None, "0.5", 1j, [0.5], np.array([0.5]), np.array(0.5)], ids=repr
)
def test_what_is_not_a_real_number_is_outside(value):
    assert not in_interval(value, "(-inf, inf)")


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.5), np.float64(1), np.int8(1), np.uint64(0)])
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


def test_the_check_comes_after_the_outermost_init():
    class Fixed(Decaying):
        def __init__(self):
            super().__init__(decay=0)  # would fail if the base's __init__ were checked by itself
            self.decay = 0.25

    assert Fixed().decay == 0.25


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


# ---------------------------------------------------------------- kernels and rungs


def test_a_kernel_that_is_there():
    assert "nncore.activation" in repr(ReLU.kernel.load())


@pytest.mark.parametrize(
    "target",
    ["nncore_no_such_module:kernel", "nncore.no_such_module:kernel", "nncore.plugin:no_such_kernel", "nncore.plugin", "nncore.plugin:"],
)
def test_a_kernel_that_cannot_be_loaded(target):
    with pytest.raises(PluginError, match=f"the compiled kernel '{target}' cannot be loaded: ") as caught:
        Kernel(target).load()
    assert isinstance(caught.value.__cause__, (ImportError, AttributeError))


def test_a_class_runs_on_its_own_kernel():
    assert native_kernel(Decaying()) is Decaying.kernel
    assert rung(Decaying()) == "native"


def test_a_subclass_with_other_defaults_keeps_the_kernel():
    class Slow(Decaying):
        def __init__(self):
            super().__init__(lr=1e-3)

    assert native_kernel(Slow()) is Decaying.kernel


def test_overriding_the_computation_leaves_the_kernel_behind():
    class Signed(Decaying):
        def step(self, w, g, state, t):
            w -= self.lr * np.sign(g)

    assert native_kernel(Signed()) is None
    assert rung(Signed()) == "numpy"


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_overriding_either_direction_counts(method):
    changed = type("Changed", (ReLU,), {method: lambda self, *arrays: arrays[0]})
    assert rung(changed()) == "numpy"
    assert rung(type("Same", (ReLU,), {"helper": lambda self: None})()) == "native"


def test_a_kernel_of_its_own_comes_with_the_overriding():
    kernel = Kernel("nncore_signed:kernel")

    class Signed(Decaying):
        def step(self, w, g, state, t):
            w -= self.lr * np.sign(g)

    Signed.kernel = kernel
    assert native_kernel(Signed()) is kernel
    assert native_kernel(type("Renamed", (Signed,), {})()) is kernel
    assert native_kernel(type("Again", (Signed,), {"step": Decaying.step})()) is None


def test_a_mixin_that_overrides_counts():
    class Mixin:
        def step(self, w, g, state, t):
            w -= g

    assert rung(type("Mixed", (Mixin, Decaying), {})()) == "numpy"
    assert rung(type("Behind", (Decaying, Mixin), {})()) == "native"


def test_a_kernel_can_be_switched_off():
    assert rung(type("Plain", (Decaying,), {"kernel": None})()) == "numpy"


@pytest.mark.parametrize("base", [Activation, Loss, Layer, Optimizer])
def test_without_a_kernel_the_rung_is_numpy(base):
    assert rung(type("Mine", (base,), {})()) == "numpy"


# ---------------------------------------------------------------- the rest of the contract


@pytest.mark.parametrize(
    "call",
    [
        lambda: Activation().forward(None),
        lambda: Activation().backward(None, None, None),
        lambda: Loss().forward(None, None),
        lambda: Loss().backward(None, None),
        lambda: Initializer().sample(None, (), 1, 1),
        lambda: Optimizer().step(None, None, None, 1),
        lambda: Layer().plan(()),
        lambda: Layer().forward(None),
        lambda: Layer().backward(None),
        lambda: Metric().score(None, None),
    ],
)
def test_what_an_author_must_write_says_so(call):
    with pytest.raises(NotImplementedError, match=r"^[A-Z][a-z]+\.[a-z]+$"):
        call()


def test_a_callback_does_nothing_by_itself():
    callback = Callback()
    for event in ("on_fit_begin", "on_progress", "on_epoch_end", "on_fit_end"):
        assert getattr(callback, event)(None) is None


def test_a_loss_wants_as_many_targets_as_outputs():
    assert Loss().n_targets(3) == 3


@pytest.mark.parametrize(("shape", "size"), [((), 1), ((3,), 3), ((3, 4), 12), ((0, 4), 0)])
def test_sizes(shape, size):
    assert Tensor("weight", shape, "weight", None, 1, 1).size == size
    assert Buffer("mean", shape).size == size


def test_layer_calls_do_not_share_their_dictionaries():
    first, second = (LayerCall(np.empty((1, 1)), np.empty((1, 1))) for _ in range(2))
    first.parameters["weight"] = np.empty(1)
    assert second.parameters == {}
    assert second.cache.shape == (0,)


@pytest.mark.parametrize("record", [Component("a", "b:C"), Kernel("b:c"), Plan(()), Buffer("mean", ())])
def test_records_cannot_be_changed(record):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, dataclasses.fields(record)[0].name, "other")


def test_everything_exported_is_there_and_documented():
    for name in nncore.plugin.__all__:
        assert getattr(nncore.plugin, name).__doc__
    assert {base.__name__ for base in BASES} <= set(nncore.plugin.__all__)
