"""How far an optimizer says that its steps go, which lets a fit do without a look at each."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.plugin import Optimizer
from nncore.program.reach import safe_gradient
from nncore.program.state import GroupState

KNOWING = [name for name in registry.names("optimizers") if type(registry.get("optimizers", name)()).bound is not Optimizer.bound]
N_STEPS = 7


def test_those_that_step_on_vectors_know_it() -> None:
    assert set(KNOWING) >= {"sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"}


@pytest.mark.parametrize("lr", [1e-3, 3.0, 1e4])
@pytest.mark.parametrize("name", KNOWING)
def test_no_step_goes_further(name: str, lr: float) -> None:
    """Also where all magnitudes are as large as they may be, with any signs."""
    optimizer = registry.get("optimizers", name)(lr=lr)
    sizes = [0.0, 1e-30, 1.0, 1e20]
    for w_size, g_size, s_size in itertools.product(sizes, repeat=3):
        rng = np.random.default_rng(0)
        signs = rng.choice([-1.0, 1.0], size=(2 + optimizer.n_slots, 200)) * rng.choice([1.0, 0.5, 0.0], size=(2 + optimizer.n_slots, 200))
        w, g, state = signs[0] * w_size, signs[1] * g_size, signs[2:] * s_size
        if optimizer.n_slots and not name.startswith(("momentum", "nesterov")):
            state[-1] = np.abs(state[-1])  # squares
        ranges = [(float(slot.min()), float(slot.max())) for slot in state]
        bound = optimizer.bound(float(np.abs(w).max()), float(np.abs(g).max()), ranges, N_STEPS)
        for t in range(1, N_STEPS + 1):
            optimizer.step(w, g, state, t)
            assert max(np.abs(w).max(), np.abs(state).max(initial=0.0)) <= bound * (1 + 1e-9)
            g *= rng.choice([-1.0, 1.0], size=200)


@pytest.mark.parametrize("name", KNOWING)
def test_bounds_grow_with_what_they_are_of(name: str) -> None:
    optimizer: Any = registry.get("optimizers", name)()
    slots = optimizer.n_slots
    first = optimizer.bound(1.0, 1.0, [(0.0, 1.0)] * slots, 10)
    for other in ((2.0, 1.0, 1.0, 10), (1.0, 2.0, 1.0, 10), (1.0, 1.0, 2.0, 10), (1.0, 1.0, 1.0, 20)):
        assert optimizer.bound(other[0], other[1], [(0.0, other[2])] * slots, other[3]) >= first


def program_of(optimizer: Any, **arguments: Any) -> Any:
    net = nn.Sequential(nn.Dense(3)).build(2, loss="mse", optimizer=optimizer, rng=0)
    net.fit(np.ones((8, 2)), np.ones((8, 3)), epochs=1, progress=False, **arguments)
    return net, net.program_for_training(8).spec


def test_what_is_safe() -> None:
    net, spec = program_of("adam")
    safe = spec.safe_gradient(1.0, 1000)
    assert 1e12 < safe < 1e19  # whose square is a float32
    assert spec.safe_gradient(1e20, 1000) < safe
    assert spec.safe_gradient(math.inf, 1000) == 0
    net.optimizer_state["dense_1.weight/slot_1"][0, 0] = -1.0  # no mean of squares
    assert spec.safe_gradient(1.0, 1000) == 0
    net.optimizer.lr = 1e300
    assert spec.safe_gradient(1.0, 1) == 0


def test_a_class_does_not_inherit_what_is_said_of_other_steps() -> None:
    class Bold(nn.SGD):
        def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Any) -> None:
            w -= 1e30 * g

    zeros, state = np.zeros(3, np.float32), (GroupState(np.zeros((0, 3)), (), ()),)
    assert safe_gradient([nn.SGD()], zeros, state, 1.0, 1) > 0
    assert safe_gradient([Bold()], zeros, state, 1.0, 1) == 0


@pytest.mark.parametrize("what", ["parameters", "optimizer_state"])
def test_what_is_written_to_a_live_view_counts(what: str) -> None:
    """Adagrad's state may be just about to overflow."""
    net, _ = program_of("adagrad")
    x, y = np.ones((8, 2)), np.ones((8, 3))
    net.train_on_batch(x, y)
    if what == "parameters":
        net.parameters[...] = 1.6e38
        x, y = x * 1e-38, y * 1e-3
        net.optimizer.lr = 1e39
    else:
        net.optimizer_state["dense_1.weight/slot_0"][...] = np.finfo(np.float32).max
        y = y * 1e17
    before = net.parameters.copy(), {name: value.copy() for name, value in net.optimizer_state.items()}
    with pytest.raises(nn.errors.NonFiniteError):
        net.train_on_batch(x, y)
    np.testing.assert_array_equal(net.parameters, before[0])
    for name, value in net.optimizer_state.items():
        np.testing.assert_array_equal(value, before[1][name])
