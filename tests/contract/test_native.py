"""Components that run on their kernel, and subclasses that run on NumPy because they override the computation."""

from __future__ import annotations

import numpy as np
import pytest
from contract.decaying import Decaying

from nncore.activations.relu import ReLU
from nncore.plugin import Activation, Kernel, Layer, Loss, Optimizer, native_kernel, rung


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
