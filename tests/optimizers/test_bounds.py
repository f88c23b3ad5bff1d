"""Bounds of optimizer steps, with which a fit can skip checks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.plugin import Optimizer, OptimizerWrapper, TensorSpan
from nncore.program.reach import safe_gradient
from nncore.program.state import GroupState
from nncore.testing.stepping import native_step, zeros

N_STEPS = 7
#: Every optimizer that declares a bound of its steps, made with a learning rate.
KNOWING: dict[str, Callable[[float], Optimizer]] = {
    name: cls
    for name, cls in ((name, registry.get("optimizers", name)) for name in registry.names("optimizers"))
    if cls.bound is not Optimizer.bound and not issubclass(cls, OptimizerWrapper)
}
#: Those of flat vectors, and Lookahead around each.
ON_VECTORS = {name: make for name, make in KNOWING.items() if not make(0.1).needs_tensors}
AROUND: dict[str, Callable[[float], Optimizer]] = {
    f"lookahead around {name}, {alpha}": lambda lr, make=make, alpha=alpha: nn.Lookahead(make(lr), every=3, alpha=alpha)
    for name, make in ON_VECTORS.items()
    if not make(0.1).has_evaluation
    for alpha in (0.5, 1.0)
}
every = pytest.mark.parametrize("name", [*ON_VECTORS, *AROUND])


def made(name: str, lr: float) -> Optimizer:
    return (KNOWING | AROUND)[name](lr)


def test_those_that_step_on_vectors_know_it() -> None:
    assert set(KNOWING) >= {
        "sgd",
        "momentum",
        "nesterov",
        "adagrad",
        "rmsprop",
        "adam",
        "adamw",
        "nadam",
        "radam",
        "adamax",
        "adadelta",
        "lion",
        "schedule_free",
        "schedule_free_sgd",
        "block_coordinate",
    }


def n_squares(name: str) -> int:
    """Number of last slots that hold no negative numbers."""
    innermost = name.removeprefix("lookahead around ").partition(",")[0]
    return {"adadelta": 2, "momentum": 0, "nesterov": 0, "sgd": 0, "lion": 0, "schedule_free_sgd": 0}.get(innermost, 1)


@pytest.mark.parametrize("lr", [1e-3, 3.0, 1e4])
@every
def test_no_step_goes_further(name: str, lr: float) -> None:
    """No step exceeds the bound, also if all magnitudes are the largest allowed, with any signs."""
    optimizer = made(name, lr)
    sizes = [0.0, 1e-30, 1.0, 1e20]
    for w_size, g_size, s_size in itertools.product(sizes, repeat=3):
        rng = np.random.default_rng(0)
        signs = rng.choice([-1.0, 1.0], size=(2 + optimizer.n_slots, 200)) * rng.choice([1.0, 0.5, 0.0], size=(2 + optimizer.n_slots, 200))
        w, g, state = signs[0] * w_size, signs[1] * g_size, signs[2:] * s_size
        for slot in range(1, n_squares(name) + 1):
            state[-slot] = np.abs(state[-slot])
        ranges = [(float(slot.min()), float(slot.max())) for slot in state]
        bound = optimizer.bound(float(np.abs(w).max()), float(np.abs(g).max()), ranges, N_STEPS)
        for t in range(1, N_STEPS + 1):
            optimizer.step(w, g, state, t)
            assert max(np.abs(w).max(), np.abs(state).max(initial=0.0)) <= bound * (1 + 1e-9)
            g *= rng.choice([-1.0, 1.0], size=200)


@every
def test_bounds_grow_with_what_they_are_of(name: str) -> None:
    optimizer = made(name, 0.01)
    slots = optimizer.n_slots
    first = optimizer.bound(1.0, 1.0, [(0.0, 1.0)] * slots, 10)
    for other in ((2.0, 1.0, 1.0, 10), (1.0, 2.0, 1.0, 10), (1.0, 1.0, 2.0, 10), (1.0, 1.0, 1.0, 20)):
        assert optimizer.bound(other[0], other[1], [(0.0, other[2])] * slots, other[3]) >= first


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*KNOWING, *AROUND])
def test_gradients_as_large_as_is_safe_let_nothing_overflow(name: str, dtype: type) -> None:
    """With the largest safe gradients no compiled step overflows in the network's dtype, for constant and for changing signs."""
    optimizer, n, n_steps, rng = made(name, 0.3), 60, 40, np.random.default_rng(0)
    tensors = [TensorSpan("dense_1.weight", "weight", 0, 0, 10, 6)]
    for signs in (np.ones((n_steps, n)), rng.choice([-1.0, 1.0], (n_steps, n))):
        w, state = rng.normal(size=n).astype(dtype), zeros(optimizer, n, dtype, tensors)
        kept = GroupState(np.zeros((0, 0), dtype) if optimizer.needs_tensors else state[0], (), ())
        safe = safe_gradient([optimizer], w, (kept,), 1.0, n_steps)
        assert safe > 1e5
        for t, sign in enumerate(signs, 1):
            native_step(optimizer, w, (sign * safe).astype(dtype), state, t, tensors)
        assert np.isfinite(w).all()
        assert all(np.isfinite(array).all() for array in state)


def program_of(optimizer: Any, **arguments: Any) -> Any:
    net = nn.Sequential(nn.Dense(3)).build(2, loss="mse", optimizer=optimizer, rng=0)
    net.fit(np.ones((8, 2)), np.ones((8, 3)), epochs=1, progress=False, **arguments)
    return net, net.program_for_training(8).spec


def test_what_is_safe() -> None:
    net, spec = program_of("adam")
    safe = spec.safe_gradient(1.0, 1000)
    assert 1e12 < safe < 1e19  # its square is finite in float32
    assert spec.safe_gradient(1e20, 1000) < safe
    assert spec.safe_gradient(math.inf, 1000) == 0
    net.optimizer_state["dense_1.weight/slot_1"][0, 0] = -1.0  # not a mean of squares
    assert spec.safe_gradient(1.0, 1000) == 0
    net.optimizer.lr = 1e300
    assert spec.safe_gradient(1.0, 1) == 0


def test_a_class_does_not_inherit_what_is_said_of_other_steps() -> None:
    class Bold(nn.SGD):
        def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Any) -> None:
            w -= 1e30 * g

    origin, state = np.zeros(3, np.float32), (GroupState(np.zeros((0, 3)), (), ()),)
    assert safe_gradient([nn.SGD()], origin, state, 1.0, 1) > 0
    assert safe_gradient([Bold()], origin, state, 1.0, 1) == 0


def test_a_wrapper_knows_it_if_it_says_it_and_the_optimizer_inside_does() -> None:
    class Bold(nn.SGD):
        def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Any) -> None:
            w -= 1e30 * g

    class Leap(nn.Lookahead):
        def after_step(self, w: np.ndarray, state: np.ndarray, t: int) -> None:
            w *= 1e30

    origin, state = np.zeros(3, np.float32), (GroupState(np.zeros((1, 3)), (), ()),)
    assert safe_gradient([nn.Lookahead(nn.SGD())], origin, state, 1.0, 1) > 0
    assert safe_gradient([nn.Lookahead(Bold())], origin, state, 1.0, 1) == 0
    assert safe_gradient([Leap(nn.SGD())], origin, state, 1.0, 1) == 0


def test_state_in_arrays_of_any_shape_has_no_bound() -> None:
    """State in arrays of any shape has no bound, since Lookahead around an optimizer of tensors stores its state with theirs."""
    for optimizer, is_known in (("block_coordinate", True), (nn.Lookahead("block_coordinate"), False), ("adafactor", False)):
        _, spec = program_of(optimizer)
        assert (spec.safe_gradient(1.0, 10) > 0) == is_known


@pytest.mark.parametrize("optimizer", ["adam", nn.Lookahead()], ids=["adam", "lookahead"])
def test_what_is_safe_is_found_out_once(optimizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The safe gradient is computed once, also if parameters for predictions replace the trained ones after every call."""
    found = []

    def counted(*arguments: Any) -> float:
        found.append(safe_gradient(*arguments))
        return found[-1]

    monkeypatch.setattr("nncore.program.program_spec.safe_gradient", counted)
    net = nn.Sequential(nn.Dense(3)).build(2, loss="mse", optimizer=optimizer, rng=0)
    for _ in range(10):
        net.train_on_batch(np.ones((8, 2)), np.ones((8, 3)))
    assert len(found) == 1
    assert found[0] > 0
    views = net.parameters, net.trajectory  # the caller may write to the array
    net.train_on_batch(np.ones((8, 2)), np.ones((8, 3)))
    assert len(found) == 2
    del views


@pytest.mark.parametrize("what", ["parameters", "optimizer_state"])
def test_what_is_written_to_a_live_view_counts(what: str) -> None:
    """Writing to a live view of the state counts: Adagrad's state may be about to overflow."""
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
