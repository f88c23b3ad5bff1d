"""An error in one thread of a team stops all threads, and the network has the state after the last step."""

from __future__ import annotations

import copy
import ctypes
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from _core.python_kernels import python_kernel

import nncore as nn
from nncore.errors import NonFiniteError, PluginError
from nncore.plugin import Layer, LayerCall, Plan, Tensor
from nncore.testing import numpy_twin, team_of
from nncore.testing.expectations import expect_same_bits

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1600, 6))
CLASSES = (X[:, 0] > 0) + (X[:, 1] > 0.3).astype(np.int64)
REALS = np.stack([X[:, 0] * X[:, 1], np.abs(X[:, 2]), X[:, 3]], axis=1)

every_number = pytest.mark.parametrize("n_parts", [1, 2, 3, 5, 8])


def in_time(function: Callable[[], object]) -> None:
    """Call it in a thread, so that a deadlocked team does not hang the tests; raise what it raises."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), "the threads of the team are deadlocked"
    if errors:
        raise errors[0]


@every_number
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_loss_that_is_not_finite_stops_all_before_the_update(n_parts: int, by_hand: bool) -> None:
    layers = nn.Dense(150, activation="relu"), nn.Dense(70, activation="tanh"), nn.Dense(3)
    network = nn.Sequential(*layers).build(6, loss="softmax_cross_entropy", optimizer="adam", rng=0)
    network.fit(X[:300], CLASSES[:300], epochs=1, progress=False)
    network.named_parameters()["dense_2.bias"][3] = np.nan
    before, state = network.parameters.copy(), copy.deepcopy(network.optimizer_state)

    def train() -> None:
        if by_hand:
            network.train_on_batch(X[:300], CLASSES[:300])
        else:
            network.fit(X[:300], CLASSES[:300], epochs=1, progress=False)

    with team_of(n_parts), pytest.raises(NonFiniteError, match=r"the loss became NaN or infinite at step 4: .* those of dense_2"):
        in_time(train)
    expect_same_bits(network.parameters, before, "parameters")
    np.testing.assert_equal(network.optimizer_state, state)
    assert network.n_steps == 3


@every_number
@pytest.mark.parametrize("n_inputs", [6, 600])
def test_a_gradient_that_is_not_finite_stops_all_before_the_update(n_parts: int, n_inputs: int) -> None:
    """A gradient that is not finite stops all threads before the update: x·d_y = 1e25·1e15 overflows float32, the loss 5e29 does not."""
    network, once = (
        nn.Sequential(nn.Dense(n_inputs, weight_initializer="zeros")).build(
            n_inputs, loss="half_mse", optimizer=nn.Momentum(lr=1e-30), rng=0
        )
        for _ in range(2)
    )
    x, y = np.ones((6, n_inputs), np.float32), np.ones((6, n_inputs), np.float32)
    x[5, n_inputs // 2], y[5, 3] = 1e25, 1e15  # in the second step
    with team_of(n_parts), pytest.raises(NonFiniteError, match=r"the gradient of dense_1\.weight became NaN or infinite at step 2"):
        in_time(lambda: network.fit(x, y, batch_size=3, shuffle=False, epochs=1, progress=False))
    assert network.n_steps == 1
    once.train_on_batch(x[:3], y[:3])
    expect_same_bits(network.parameters, once.parameters, "parameters")
    np.testing.assert_equal(network.optimizer_state, once.optimizer_state)


class Stopping(Layer):
    """The identity, in Python; raises in the given direction of the third step."""

    def __init__(self, direction: str = "forward", error: type[BaseException] = ArithmeticError) -> None:
        self.direction, self.error = direction, error

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape)

    def _pass(self, direction: str, call: LayerCall) -> None:
        if call.step == 3 and direction == self.direction:
            raise self.error("third step")

    def forward(self, call: LayerCall) -> None:
        self._pass("forward", call)
        call.y[...] = call.x

    def backward(self, call: LayerCall) -> None:
        self._pass("backward", call)
        if call.d_x is not None:
            call.d_x[...] = call.d_y


def stopped(layer: Layer, **build: Any) -> nn.Sequential:
    layers = nn.Dense(70, activation="relu"), layer, nn.Dense(70), nn.Dense(3)
    return nn.Sequential(*layers).build(6, **{"loss": "softmax_cross_entropy", "optimizer": "adam", "rng": 0, **build})


def expect_two_steps(network: nn.Sequential) -> None:
    """Check that the network has the state after two steps of a fit on batches of 100."""
    sound = stopped(Stopping(direction="never"))
    for first in (0, 100):
        sound.train_on_batch(X[first : first + 100], CLASSES[first : first + 100])
    assert network.n_steps == 2
    expect_same_bits(network.parameters, sound.parameters, "parameters")


@every_number
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_layer_that_raises_stops_all_before_the_update(n_parts: int, direction: str) -> None:
    network = stopped(Stopping(direction))
    with team_of(n_parts), pytest.raises(ArithmeticError, match="third step"):
        in_time(lambda: network.fit(X[:500], CLASSES[:500], batch_size=100, shuffle=False, epochs=1, progress=False))
    expect_two_steps(network)


@every_number
def test_ctrl_c_in_a_layer_ends_the_fit_and_keeps_the_last_step(n_parts: int) -> None:
    network, histories = stopped(Stopping(error=KeyboardInterrupt)), []
    arguments: dict[str, Any] = {"batch_size": 100, "shuffle": False, "epochs": 1, "progress": False}
    with team_of(n_parts):
        in_time(lambda: histories.append(network.fit(X[:500], CLASSES[:500], **arguments)))
    assert histories[0].interrupted
    expect_two_steps(network)


class RaisingAdam(nn.Adam):
    """Raises in the third step, when half of it is written."""

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Any) -> None:
        if t == 3:
            w[: w.size // 2] = 7
            raise ArithmeticError("third step")
        super().step(w, g, state, t)


@every_number
def test_an_optimizer_that_raises_stops_all(n_parts: int) -> None:
    network = stopped(Stopping("never"), optimizer=numpy_twin(RaisingAdam()))
    arguments: dict[str, Any] = {"batch_size": 100, "shuffle": False, "epochs": 1, "progress": False}
    with team_of(n_parts), pytest.raises(ArithmeticError, match="third step"):
        in_time(lambda: network.fit(X[:500], CLASSES[:500], **arguments))
    sound = stopped(Stopping("never"), optimizer=numpy_twin(nn.Adam()))
    sound.fit(X[:200], CLASSES[:200], **arguments)
    assert network.n_steps == 2
    expect_same_bits(network.parameters, sound.parameters, "parameters")
    np.testing.assert_equal(network.optimizer_state, sound.optimizer_state)


@every_number
@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("n_parameters", [3, 600_000])
def test_a_step_that_fails_in_one_part_stops_all(n_parts: int, by_hand: bool, n_parameters: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """If one part of a step fails, all parts restore what they changed. With three parameters most parts have none."""
    network = nn.Sequential(nn.Dense(n_parameters // 3, use_bias=False))

    def step(call: Any) -> int:
        ctypes.memset(call.w, 1, call.n * network.dtype.itemsize)
        ctypes.memset(call.state, 1, call.n * network.dtype.itemsize)
        return int(call.w <= network.parameters[-1:].ctypes.data < call.w + call.n * network.dtype.itemsize)  # where the last parameter is

    class Failing(nn.Momentum):
        pass

    Failing.kernel = python_kernel(monkeypatch, "optimizer", step=step)
    network.build(3, loss="half_mse", optimizer=Failing(), rng=0)
    before = network.parameters.copy()
    x, y = np.ones((3, 3), np.float32), np.zeros((3, n_parameters // 3), np.float32)

    def train() -> None:
        if by_hand:
            network.train_on_batch(x, y)
        else:
            network.fit(x, y, epochs=1, progress=False)

    with team_of(n_parts), pytest.raises(PluginError, match=r"kernel of Failing\(.*\) reported an error at step 1"):
        in_time(train)
    assert network.n_steps == 0
    expect_same_bits(network.parameters, before, "parameters")
    assert not any(kept.any() for kept in network.optimizer_state.values())


@every_number
@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("function", ["forward", "backward", "gradient"])
def test_a_layer_s_kernel_that_fails_in_one_part_stops_all(
    n_parts: int, by_hand: bool, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_rows = 200 * n_parts

    def succeed(call: Any) -> int:
        return 0

    def fail(call: Any) -> int:
        """Fail in the part with the last row; for gradients, in the part with the last parameter."""
        is_last = call.end_parameter == 6 if function == "gradient" else call.first_row + call.n_rows == n_rows
        return 3 if is_last else 0

    class Failing(Layer):
        def plan(self, input_shape: tuple[int, ...]) -> Plan:
            scale = Tensor("scale", input_shape, "scale", "zeros", 1, 1)
            return Plan(input_shape, (scale,), split_rows=True, gradient_unit=1)

    functions = {name: fail if name == function else succeed for name in ("forward", "backward", "gradient")}
    Failing.kernel = python_kernel(monkeypatch, "layer", **functions)
    network = nn.Sequential(nn.Dense(6), Failing(), nn.Dense(3)).build(6, loss="half_mse", optimizer="sgd", rng=0)

    def train() -> None:
        if by_hand:
            network.train_on_batch(X[:n_rows], REALS[:n_rows])
        else:
            network.fit(X[:n_rows], REALS[:n_rows], epochs=1, batch_size=n_rows, progress=False)

    with team_of(n_parts), pytest.raises(PluginError, match=r"kernel of Failing\(.*\) reported an error at step 1"):
        in_time(train)
    assert network.n_steps == 0
