"""Lookahead: the paper's algorithm, around every other optimizer, and the slow and fast weights of a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from manifest import classes

import nncore as nn
from nncore.contract import wrappers_of
from nncore.errors import ParameterError
from nncore.plugin import Optimizer, OptimizerWrapper, native_kernel
from nncore.testing import numpy_twin, team_of
from nncore.testing.stepping import native_step, numpy_step

#: Inner optimizers: all that do not evaluate parameters of their own.
OTHERS = {name: cls for name, cls in classes("optimizers").items() if not cls().has_evaluation}
every_other = pytest.mark.parametrize("name", OTHERS)


@pytest.mark.parametrize("step", [numpy_step, native_step])
@pytest.mark.parametrize("every", [1, 4])
def test_is_the_algorithm_of_the_paper(step: Any, every: int) -> None:
    lookahead, alone, rng = nn.Lookahead(nn.Adam(0.1), every=every, alpha=0.3), nn.Adam(0.1), np.random.default_rng(0)
    w, gradients = rng.normal(size=11), rng.normal(size=(13, 11))
    slow, fast, state, state_of_adam, out = w.copy(), w.copy(), np.zeros((3, 11)), np.zeros((2, 11)), np.empty(11)
    for t, g in enumerate(gradients, start=1):
        alone.step(fast, g, state_of_adam, t)
        if t % every == 0:
            slow += 0.3 * (fast - slow)
            fast[:] = slow
        step(lookahead, w, g, [state], t)
        lookahead.evaluation(w, state, out)
        np.testing.assert_allclose(w, fast, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(out, slow, rtol=1e-12, atol=1e-14)


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 5)).astype(np.float32)
    return X, (X @ rng.normal(size=(5, 2)) + rng.normal(size=(64, 2))).astype(np.float32)


def network(optimizer: Any, n_hidden: int = 8) -> nn.Sequential:
    return nn.Sequential(nn.Dense(n_hidden, activation="tanh"), nn.Dense(2)).build(5, loss="mse", optimizer=optimizer, rng=3)


def fit(net: nn.Sequential, epochs: int, **settings: Any) -> Any:
    return net.fit(*data(), epochs=epochs, batch_size=16, progress=False, **settings)


@every_other
def test_until_the_first_synchronisation_the_fast_weights_are_those_of_the_optimizer_inside(name: str) -> None:
    """Until the first synchronisation the fast weights equal the inner optimizer's bit for bit, also over several blocks and threads."""
    ends = []
    for n_parts in (1, 3):
        net, alone = network(nn.Lookahead(name, every=9), 3000), network(name, 3000)
        with team_of(n_parts):
            fit(net, 2), fit(alone, 2)
        np.testing.assert_array_equal(net.trajectory, alone.parameters)
        rounding = 4 * np.finfo(np.float32).eps * float(np.abs(net.trajectory).max())  # the slow ones are stored as a difference from these
        np.testing.assert_allclose(net.parameters, network(name, 3000).parameters, rtol=1e-6, atol=rounding)  # and are unchanged
        fit(net, 1)
        ends.append(net.parameters)
        assert not np.array_equal(net.trajectory, fit(alone, 1) and alone.parameters)
    np.testing.assert_array_equal(ends[1], ends[0])


@every_other
def test_both_rungs_train_alike(name: str) -> None:
    compiled, interpreted = network(nn.Lookahead(name, every=3)), network(nn.Lookahead(numpy_twin(OTHERS[name]()), every=3))
    assert native_kernel(compiled.optimizer) is not None
    assert native_kernel(interpreted.optimizer) is None
    for net in (compiled, interpreted):
        fit(net, 3)
    np.testing.assert_allclose(compiled.parameters, interpreted.parameters, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(compiled.trajectory, interpreted.trajectory, rtol=1e-4, atol=1e-5)


@every_other
def test_resumed_equals_uninterrupted(name: str, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    whole, part = network({"name": "lookahead", "optimizer": name}), network({"name": "lookahead", "optimizer": name})
    fit(whole, 5)
    fit(part, 2)
    part.save(tmp_path / "part.nncore")
    again = nn.load(tmp_path / "part.nncore")
    assert isinstance(again.optimizer.optimizer, OTHERS[name])
    np.testing.assert_array_equal(again.predict(data()[0]), part.predict(data()[0]))
    fit(again, 3)
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    np.testing.assert_array_equal(again.trajectory, whole.trajectory)


def test_the_learning_rate_is_that_of_the_optimizer_inside() -> None:
    """The learning rate is the inner optimizer's, for schedules, groups and assignments."""
    net = network(nn.Lookahead(nn.SGD(lr=0.5), every=100))
    assert net.optimizer.lr == 0.5
    net.optimizer.lr = 0.1
    assert net.optimizer.optimizer.lr == 0.1
    alone = network(nn.SGD(lr=0.1))
    settings: dict[str, Any] = {"schedule": "cosine", "groups": {"*.bias": {"lr_factor": 0.5}}}
    for each in (net, alone):
        fit(each, 2, **settings)
    np.testing.assert_array_equal(net.trajectory, alone.parameters)
    net.optimizer.optimizer.lr = 0.0
    before = net.trajectory.copy()
    fit(net, 1)
    np.testing.assert_array_equal(net.trajectory, before)


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_weight_decay_of_a_group_is_that_of_the_optimizer_inside(twin: bool) -> None:
    inner = nn.AdamW(weight_decay=0.5)
    ends = []
    for optimizer in (inner, nn.Lookahead(numpy_twin(inner) if twin else inner, every=100)):
        net = network(optimizer)
        fit(net, 2, groups={"*.bias": {"weight_decay": 0.0}})
        ends.append(net.parameters if net.trajectory is None else net.trajectory)
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-5, atol=1e-6)


def test_the_optimizer_inside_cannot_be_exchanged_while_the_network_lives() -> None:
    net = network(nn.Lookahead("adam"))
    with pytest.raises(ParameterError, match="cannot become"):
        net.optimizer.optimizer = nn.AdamW()


def test_frozen_tensors_stay() -> None:
    net = network(nn.Lookahead("adam", every=2))
    first = net.parameters.copy()
    fit(net, 2, groups={"dense_1.*": {"frozen": True}})
    np.testing.assert_array_equal(net.parameters[:48], first[:48])
    assert not np.array_equal(net.parameters[48:], first[48:])
    fit(net, 1, groups={})  # unfrozen within five steps
    assert np.abs(net.parameters[:48] - first[:48]).max() < 0.02


class Twice(OptimizerWrapper):
    """A wrapper with one slot that counts its calls around steps."""

    own_slots = 1

    def __init__(self, optimizer: Any = "sgd") -> None:
        self.optimizer: Optimizer = nn.plugin.resolve("optimizers", optimizer)

    def before_step(self, w: np.ndarray, state: np.ndarray, t: int) -> None:
        assert state.shape == (1, *w.shape)
        state[0] += 1

    def after_step(self, w: np.ndarray, state: np.ndarray, t: int) -> None:
        state[0] += 100


def test_wrappers_around_wrappers_have_slots_of_their_own() -> None:
    net, alone = network(Twice(nn.Lookahead(Twice(nn.Adam()), every=100))), network(nn.Adam())
    fit(net, 1), fit(alone, 1)
    around, innermost = wrappers_of(net.optimizer)
    assert [type(each) for each in (*around, innermost)] == [Twice, nn.Lookahead, Twice, nn.Adam]
    np.testing.assert_allclose(net.trajectory, alone.parameters, rtol=1e-5, atol=1e-6)
    state, expected = net.optimizer_state, alone.optimizer_state
    for tensor in net.named_parameters():
        np.testing.assert_array_equal(state[f"{tensor}/slot_0"], 404)
        np.testing.assert_array_equal(state[f"{tensor}/slot_2"], 404)
        for slot in range(2):
            np.testing.assert_allclose(state[f"{tensor}/slot_{3 + slot}"], expected[f"{tensor}/slot_{slot}"], rtol=1e-4, atol=1e-6)


def test_two_sets_of_slow_weights_are_refused() -> None:
    with pytest.raises(ParameterError, match="predicts with parameters of its own, and so does Lookahead"):
        nn.Lookahead(nn.Lookahead())


@pytest.mark.parametrize("wrong", [{"every": 0}, {"every": 2.5}, {"alpha": 0.0}, {"alpha": 1.5}])
def test_wrong_arguments(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        nn.Lookahead(**wrong)
