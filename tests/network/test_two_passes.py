"""Optimizers that compute two gradients of each batch: their parameters, and the state after a step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import NonFiniteError, ParameterError
from nncore.plugin import Layer, LayerCall, Optimizer, Plan
from nncore.testing import team_of

RHO = 0.3


class Sharp(Optimizer):
    """Gradient descent by gradients taken where the loss is higher: SAM of Foret et al., without a base optimizer."""

    def __init__(self, lr: float = 0.1, rho: float = RHO) -> None:
        self.lr = lr
        self.rho = rho

    def perturb(self, w: np.ndarray, g: np.ndarray, norm: float) -> None:
        w += self.rho / norm * g

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Any) -> None:
        w -= self.lr * g


def data(dtype: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 5)).astype(dtype)
    return X, (X @ rng.normal(size=(5, 2)) + rng.normal(size=(64, 2))).astype(dtype)


def layers() -> list[Any]:
    return [nn.Dense(8, activation="tanh"), nn.BatchNorm(), nn.Dropout(0.3), nn.Dense(2)]


def network(optimizer: Any = None, *, given: list[Any] | None = None, **settings: Any) -> nn.Sequential:
    net = nn.Sequential(*(layers() if given is None else given)).build(
        5, loss="mse", optimizer=optimizer or Sharp(), rng=3, dtype="float64"
    )
    for name, value in settings.items():
        setattr(net, name, value)
    return net


def by_hand(
    net: nn.Sequential, X: np.ndarray, y: np.ndarray, lr: float = 0.1, clip_norm: float = 0.0
) -> tuple[float, np.ndarray, np.ndarray]:
    """Loss, parameters and buffers after one step, by the public methods of a network like `net`."""
    net = network(nn.SGD(lr), weight_decay=net.weight_decay, groups=net.groups, n_steps=net.n_steps)
    net.forward(X, training=True)
    loss = net.backward(y)
    buffers, w, g = np.concatenate(list(net.named_buffers().values())), net.parameters.copy(), net.gradients.copy()
    net.parameters[...] = w + RHO / np.linalg.norm(g) * g
    net.n_passes = 0  # the same units are dropped
    net.forward(X, training=True)
    net.backward(y)
    g = net.gradients
    if clip_norm:
        g = g * min(1.0, clip_norm / np.linalg.norm(g))
    return loss, w - lr * g, buffers


@pytest.mark.parametrize(
    "settings",
    [{}, {"weight_decay": 0.2}, {"clip_norm": 0.05}, {"groups": {"dense_1.*": {"frozen": True}}}],
    ids=["plain", "penalty", "clip", "frozen"],
)
@pytest.mark.parametrize("how", ["fit", "train_on_batch"])
def test_a_step_is_the_one_by_hand(how: str, settings: dict[str, Any]) -> None:
    """A step equals the one by hand: both passes drop the same units, batch statistics are updated once, the first loss is reported."""
    X, y = data()
    net = network(**settings)
    loss, parameters, buffers = by_hand(net, X, y, clip_norm=settings.get("clip_norm", 0.0))
    ways = {
        "fit": lambda: net.fit(X, y, epochs=1, batch_size=64, shuffle=False, progress=False)["loss"][0],
        "train_on_batch": lambda: net.train_on_batch(X, y),
    }
    found = ways[how]()
    assert found == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(net.parameters, parameters, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(np.concatenate(list(net.named_buffers().values())), buffers)
    assert net.n_steps == 1


def test_teams_give_the_bits_of_one_thread() -> None:
    ends = []
    for n_parts in (1, 2, 3):
        net = network(weight_decay=0.1, clip_norm=0.5)
        with team_of(n_parts):
            net.fit(*data(), epochs=3, batch_size=16, progress=False)
        ends.append((net.parameters, np.concatenate(list(net.named_buffers().values()))))
    for parameters, buffers in ends[1:]:
        np.testing.assert_array_equal(parameters, ends[0][0])
        np.testing.assert_array_equal(buffers, ends[0][1])


class FarAway(Sharp):
    """Moves parameters to values where the loss overflows."""

    def perturb(self, w: np.ndarray, g: np.ndarray, norm: float) -> None:
        w[:] = 1e200


class Raising(Sharp):
    def perturb(self, w: np.ndarray, g: np.ndarray, norm: float) -> None:
        w[:] = 5.0
        raise RuntimeError("halfway")


class RaisingLayer(Layer):
    """Passes its input on, except for one large input."""

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape)

    def forward(self, call: LayerCall) -> None:
        if np.abs(call.x).max() > 1e9:
            raise RuntimeError("too large")
        call.y[...] = call.x

    def backward(self, call: LayerCall) -> None:
        if call.d_x is not None:
            call.d_x[...] = call.d_y


class VeryFar(Sharp):
    def perturb(self, w: np.ndarray, g: np.ndarray, norm: float) -> None:
        w[:] = 1e20


@pytest.mark.parametrize("n_parts", [1, 3])
@pytest.mark.parametrize(
    ("optimizer", "given", "error"),
    [
        (FarAway(), [nn.Dense(8), nn.Dense(2)], NonFiniteError),
        (Raising(), layers(), RuntimeError),
        (VeryFar(), [nn.Dense(8), RaisingLayer(), nn.Dense(2)], RuntimeError),
    ],
    ids=["loss", "perturb", "layer"],
)
def test_parameters_are_put_back_when_the_second_pass_fails(
    optimizer: Optimizer, given: list[Any], error: type[Exception], n_parts: int
) -> None:
    net = network(optimizer, given=given)
    before = net.parameters.copy()
    with team_of(n_parts), pytest.raises(error):
        net.fit(*data(), epochs=1, batch_size=64, progress=False)
    np.testing.assert_array_equal(net.parameters, before)
    assert net.n_steps == 0


def test_a_step_alone_needs_the_data() -> None:
    net = network()
    X, y = data()
    net.forward(X, training=True)
    net.backward(y)
    before = net.parameters.copy()
    with pytest.raises(ParameterError, match="needs X and y: call train_on_batch"):
        net.step()
    np.testing.assert_array_equal(net.parameters, before)


def test_steps_of_several_batches_are_refused() -> None:
    net = network(nn.SGD())
    with pytest.raises(ParameterError, match="use accumulate=1 with batch_size=32"):
        net.fit(*data(), optimizer=Sharp(), batch_size=8, accumulate=4)
    assert isinstance(net.optimizer, nn.SGD)


def test_no_tiles_and_no_copies_without_need() -> None:
    """For a second pass tiles, which discard gradients, are switched off and parameters are copied; otherwise neither happens."""
    net = nn.Sequential(nn.Dense(700), nn.Dense(700)).build(600, loss="mse", optimizer="sgd", rng=0)
    assert (program := net.program_for_training(2).spec).tiles is not None
    assert program.anchor is None
    net.optimizer = Sharp()
    assert (program := net.program_for_training(2).spec).tiles is None
    assert program.anchor is not None
