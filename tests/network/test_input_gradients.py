"""Gradients with respect to inputs, of predictions and training steps, equal central differences over the whole registry."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import components
import numpy as np
import pytest

import nncore as nn
from nncore.contract import activation_for
from nncore.errors import DataError, NotBuiltError, NotTrainableError, ParameterError, ShapeError
from nncore.plugin import Activation, Layer, Loss
from nncore.testing import numpy_twin, team_of
from nncore.testing.losses import real_targets
from nncore.testing.widths import outputs_for

N_ROWS, N_INPUTS, STEP = 9, 4, 1e-6


def samples(seed: int = 0, n: int = N_ROWS) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, N_INPUTS))


def network_of(*layers: Layer, loss: Loss | str = "half_mse", **options: object) -> nn.Sequential:
    """A network trained for a few steps, so that running statistics are not the initial ones."""
    net = nn.Sequential(*layers, nn.Dense(3)).build(N_INPUTS, loss=loss, optimizer="sgd", rng=1, **{"dtype": "float64"} | options)
    net.forward(3 * samples(5, 40) + 1, training=True)
    return net


def differences(net: nn.Sequential, X: np.ndarray) -> np.ndarray:
    """The Jacobian (n_samples, n_outputs, n_inputs) by central differences of `predict`."""
    moves = STEP * np.eye(X.shape[1])
    return np.stack([(net.predict(X + move) - net.predict(X - move)) / (2 * STEP) for move in moves], axis=2)


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
@pytest.mark.parametrize("layer", components.layers(trainable=True), ids=repr)
def test_jacobian_of_every_layer(layer: Layer, twin: bool) -> None:
    layer = numpy_twin(layer) if twin else layer
    net = network_of(nn.Dense(components.width_for(layer, 5)), layer)
    before = net.parameters.copy(), net.gradients.copy(), {name: view.copy() for name, view in net.named_buffers().items()}
    X = samples()
    jacobian = net.jacobian(X)
    assert jacobian.shape == (N_ROWS, 3, N_INPUTS)
    np.testing.assert_allclose(jacobian, differences(net, X), rtol=2e-6, atol=2e-8)
    np.testing.assert_array_equal(net.parameters, before[0])
    np.testing.assert_array_equal(net.gradients, before[1])
    for name, view in net.named_buffers().items():
        np.testing.assert_array_equal(view, before[2][name])


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
@pytest.mark.parametrize("activation", components.activations(trainable=True), ids=repr)
def test_jacobian_of_every_activation(activation: Activation, twin: bool) -> None:
    activation = numpy_twin(activation) if twin else activation
    net = network_of(nn.ActivationLayer(activation), nn.Dense(5), nn.ActivationLayer(activation))
    np.testing.assert_allclose(net.jacobian(samples()), differences(net, samples()), rtol=2e-6, atol=2e-8)


@pytest.mark.parametrize("loss", [loss for loss in components.losses() if not loss.needs_batch], ids=repr)
def test_gradient_of_every_loss(loss: Loss) -> None:
    """The gradient of each sample's own loss equals central differences of `evaluate`."""
    rng = np.random.default_rng(3)
    n_outputs = outputs_for(loss, 3)
    last = activation_for(loss, n_outputs)
    net = nn.Sequential(nn.Dense(5, activation="tanh"), nn.Dense(n_outputs, activation=last)).build(
        N_INPUTS, loss=loss, rng=2, dtype="float64"
    )
    y = rng.integers(n_outputs, size=N_ROWS) if loss.targets_for(n_outputs) == "labels" else real_targets(loss, rng, N_ROWS, n_outputs)
    X, moves = samples(4), STEP * np.eye(N_INPUTS)

    def value(row: int, move: np.ndarray) -> float:
        return net.evaluate(X[row : row + 1] + move, y[row : row + 1], metrics=[])["loss"]

    numeric = [[(value(row, move) - value(row, -move)) / (2 * STEP) for move in moves] for row in range(N_ROWS)]
    np.testing.assert_allclose(net.input_gradients(X, y=y), numeric, rtol=2e-6, atol=2e-8)


BRANCHES = {
    "input read twice": [nn.Residual([nn.Dense(4, activation="tanh"), nn.Dense(4)])],
    "input read by three": [nn.Concat([[nn.Dense(2)], [nn.Dense(3, activation="tanh")], []])],
    "dropout first": [nn.Dropout(0.5), nn.Dense(4, activation="gelu")],
    "nothing but a view": [nn.Flatten()],
    "nested": [nn.Residual([nn.Dense(4), nn.BatchNorm(), nn.Residual([nn.Dense(4, activation="tanh")])])],
}


@pytest.mark.parametrize("layers", BRANCHES.values(), ids=BRANCHES.keys())
def test_jacobian_through_branches(layers: list[Layer]) -> None:
    net = network_of(*layers)
    np.testing.assert_allclose(net.jacobian(samples()), differences(net, samples()), rtol=2e-6, atol=2e-8)


@pytest.mark.parametrize("layers", BRANCHES.values(), ids=BRANCHES.keys())
def test_backward_leaves_d_input(layers: list[Layer]) -> None:
    """`d_input` is the gradient of the mean loss in training; random numbers depend on step and pass, so the forward is repeatable."""
    net, X, y = network_of(*layers), samples(), samples(6)[:, :3]

    def value(X: np.ndarray) -> float:
        net.n_passes = 0
        net.forward(X, training=True)
        return net.backward(y)

    value(X)
    analytic, numeric = net.d_input.copy(), np.empty_like(X)
    for place in np.ndindex(X.shape):
        moved = X.copy()
        moved[place] += STEP
        above = value(moved)
        moved[place] -= 2 * STEP
        numeric[place] = (above - value(moved)) / (2 * STEP)
    np.testing.assert_allclose(analytic, numeric, rtol=2e-6, atol=2e-8)


def test_d_output_is_a_loss_of_ones_own() -> None:
    """`d_output` can be a user's own loss: half MSE by hand gives the gradients, d_input and step of the built-in loss."""
    by_loss, by_hand = network_of(nn.Dense(5, activation="tanh")), network_of(nn.Dense(5, activation="tanh"))
    X, y = samples(), samples(6)[:, :3]
    by_loss.forward(X, training=True)
    assert by_loss.backward(y) > 0
    output = by_hand.forward(X, training=True)
    assert by_hand.backward(d_output=(output - y) / len(X)) == 0
    np.testing.assert_allclose(by_hand.gradients, by_loss.gradients, rtol=1e-12)
    np.testing.assert_allclose(by_hand.d_input, by_loss.d_input, rtol=1e-12)
    by_loss.step()
    by_hand.step()
    np.testing.assert_allclose(by_hand.parameters, by_loss.parameters, rtol=1e-12)


def test_two_networks_are_trained_through_each_other() -> None:
    """Two networks are trained through each other: a generator learns from a critic of its outputs."""
    generator = nn.Sequential(nn.Dense(2)).build(2, optimizer=nn.SGD(lr=0.5), rng=0, dtype="float64")
    critic = nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dense(1)).build(2, loss="half_mse", rng=1, dtype="float64")
    X = np.random.default_rng(0).normal(size=(50, 2))
    wanted = np.full((50, 1), 0.3)
    losses = []
    for _ in range(60):
        critic.forward(generator.forward(X, training=True), training=True)
        losses.append(critic.backward(wanted))
        generator.backward(d_output=critic.d_input)
        generator.step()
    assert losses[-1] < losses[0] / 20


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_do_not_depend_on_threads_or_batches(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = network_of(nn.Dense(16, activation="tanh"), nn.BatchNorm(), nn.LayerNorm(), dtype=dtype)
    X = samples(7, 100)
    alone = net.jacobian(X)
    for n_threads in (2, 3):
        with team_of(n_threads):
            np.testing.assert_array_equal(net.jacobian(X), alone)
    monkeypatch.setattr("nncore.network.input_gradients.BATCH_ROWS", 7)
    np.testing.assert_array_equal(net.jacobian(X), alone)


def test_threads_may_ask_one_network() -> None:
    net = network_of(nn.Dense(16, activation="tanh"), nn.BatchNorm())
    batches = [samples(seed, 200) for seed in range(8)]
    alone = [net.jacobian(X) for X in batches]
    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(net.jacobian, batches * 5), alone * 5, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_an_output_may_be_chosen_for_each_sample() -> None:
    net, X = network_of(nn.Dense(5, activation="tanh")), samples()
    chosen = np.arange(N_ROWS) % 3
    np.testing.assert_array_equal(net.input_gradients(X, output=chosen), net.jacobian(X)[np.arange(N_ROWS), chosen])
    np.testing.assert_array_equal(net.input_gradients(X, output=2), net.jacobian(X)[:, 2])


def test_shapes_follow_those_of_samples_and_outputs() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Dense(2)).build((2, 3), rng=0)
    X = np.zeros((5, 2, 3), np.float32)
    assert net.jacobian(X).shape == (5, 2, 2, 3)
    assert net.input_gradients(X, output=0).shape == (5, 2, 3)
    assert net.jacobian(X[:0]).shape == (0, 2, 2, 3)
    assert net.jacobian(X).dtype == np.float32


def test_what_changes_between_two_calls_counts() -> None:
    net, X = network_of(nn.Dense(5, activation="tanh")), samples()
    net.jacobian(X)
    net.parameters[...] *= 1.5
    np.testing.assert_allclose(net.jacobian(X), differences(net, X), rtol=2e-6, atol=2e-8)
    net.fit(X, samples(6)[:, :3], epochs=2, progress=False)
    np.testing.assert_allclose(net.jacobian(X), differences(net, X), rtol=2e-6, atol=2e-8)


def test_a_fit_between_forward_and_backward_ends_them() -> None:
    net, X, y = network_of(nn.Dense(5)), samples(), samples(6)[:, :3]
    net.forward(X, training=True)
    net.backward(y)
    net.fit(X, y, epochs=1, progress=False)
    with pytest.raises(NotBuiltError, match="there is no d_input yet"):
        _ = net.d_input


def test_what_has_no_derivative_is_named() -> None:
    net = nn.Sequential(nn.Dense(3, activation="step"), nn.Dense(2)).build(4, loss="half_mse", rng=0)
    with pytest.raises(NotTrainableError, match=r"dense_1: Step\(\) has no useful derivative"):
        net.jacobian(samples())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ParameterError, "3 outputs: choose one, output=0"),
        ({"output": 3}, ParameterError, "output must be from 0 to 2, got 3"),
        ({"output": -1}, ParameterError, "output must be from 0 to 2"),
        ({"output": 1.0}, ParameterError, "output must be a whole number"),
        ({"output": [0, 1]}, ParameterError, "one for each of the 9 samples"),
        ({"output": 0, "y": np.zeros((9, 3))}, ParameterError, "either output or y"),
        ({"y": np.zeros((8, 3))}, ShapeError, "X has 9 samples, y has 8"),
    ],
)
def test_wrong_questions(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        network_of().input_gradients(samples(), **arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ParameterError, "backward takes either y or d_output"),
        ({"y": np.zeros((9, 3)), "d_output": np.zeros((9, 3))}, ParameterError, "backward takes either y or d_output"),
        ({"d_output": np.zeros((9, 3)), "sample_weight": np.ones(9)}, ParameterError, "multiply it by the sample weights"),
        ({"d_output": np.zeros((8, 3))}, ShapeError, "d_output has 8 samples, the last forward had 9"),
        ({"d_output": np.zeros((9, 2))}, ShapeError, r"d_output has samples of shape \(2,\)"),
        ({"d_output": np.full((9, 3), np.nan)}, DataError, "d_output contains NaN"),
    ],
)
def test_wrong_ways_back(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    net = network_of()
    net.forward(samples(), training=True)
    with pytest.raises(error, match=message):
        net.backward(**arguments)
