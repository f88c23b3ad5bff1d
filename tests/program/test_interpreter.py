"""Components without a compiled form: the NumPy rung inside the compiled loop."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.errors import PluginError
from nncore.plugin import Activation, Layer, LayerCall, Loss, Optimizer, Plan, Tensor
from nncore.testing import numpy_twin

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4))
Y = RNG.integers(3, size=50)


def train(layers: list[Layer], loss: object, optimizer: object, **arguments: object) -> nn.Sequential:
    net = nn.Sequential(*layers)
    net.fit(X, Y, loss=loss, optimizer=optimizer, epochs=3, batch_size=16, rng=0, dtype="float64", progress=False, **arguments)
    return net


def stack(activation: object = "tanh") -> list[Layer]:
    # No bias before the batch norm: its gradient consists of rounding errors, which adaptive optimizers would amplify.
    return [nn.Dense(6, use_bias=False), nn.BatchNorm(), nn.ActivationLayer(activation), nn.Dropout(0.2), nn.Dense(3)]


@pytest.mark.parametrize("part", ["layers", "activation", "loss", "optimizer", "all"])
def test_numpy_parts_train_like_compiled_ones(part: str) -> None:
    def maybe(what: str, component: object) -> object:
        return numpy_twin(component) if part in (what, "all") else component

    layers = stack(maybe("activation", registry.resolve("activations", "tanh")))
    layers = [maybe("layers", layer) if type(layer).kernel else layer for layer in layers]
    loss, optimizer = maybe("loss", registry.resolve("losses", "softmax_cross_entropy")), maybe("optimizer", nn.Adam(lr=0.01))
    mixed, compiled = train(layers, loss, optimizer), train(stack(), "softmax_cross_entropy", nn.Adam(lr=0.01))
    np.testing.assert_allclose(mixed.parameters, compiled.parameters, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(mixed.predict(X), compiled.predict(X), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", registry.names("optimizers"))
def test_every_optimizer_on_both_rungs(name: str) -> None:
    optimizer = registry.get("optimizers", name)()
    compiled = train(stack(), "softmax_cross_entropy", optimizer)
    on_numpy = train(stack(), "softmax_cross_entropy", numpy_twin(optimizer))
    np.testing.assert_allclose(on_numpy.parameters, compiled.parameters, rtol=1e-9, atol=1e-12)


class Cubic(Activation):
    """A user-defined activation."""

    needs_input = True

    def forward(self, z: np.ndarray) -> np.ndarray:
        return z**3

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return 3 * z**2 * d_a


class Scale(Layer):
    """A user-defined layer with one parameter for each feature."""

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape, (Tensor("scale", input_shape, "scale", {"name": "constant", "value": 1.0}, 1, 1),))

    def forward(self, call: LayerCall) -> None:
        call.y[...] = call.x * call.parameters["scale"]

    def backward(self, call: LayerCall) -> None:
        call.d_parameters["scale"][...] = (call.d_y * call.x).sum(axis=0)
        if call.d_x is not None:
            call.d_x[...] = call.d_y * call.parameters["scale"]


@pytest.mark.parametrize("position", [0, 1, 3])
def test_own_layer_and_activation_anywhere(position: int) -> None:
    layers: list[Layer] = [nn.Dense(5), nn.ActivationLayer(Cubic()), nn.Dense(3)]
    layers.insert(position, Scale())
    net = nn.Sequential(*layers).build(4, loss="softmax_cross_entropy", rng=0, dtype="float64")
    net.forward(X, training=True)
    value = net.backward(Y)
    analytic, numeric = net.gradients.copy(), np.empty_like(net.gradients)
    for i in range(numeric.size):
        net.parameters[i] += 1e-6
        net.forward(X, training=True)
        numeric[i] = (net.backward(Y) - value) / 1e-6
        net.parameters[i] -= 1e-6
    np.testing.assert_allclose(analytic, numeric, atol=2e-4, rtol=1e-3)


def test_unshuffled_input_reaches_a_python_layer_at_the_front() -> None:
    net = nn.Sequential(Scale(), nn.Dense(3)).build(4, loss="softmax_cross_entropy", optimizer="sgd", rng=0, dtype="float64")
    by_hand = nn.Sequential(Scale(), nn.Dense(3)).build(4, loss="softmax_cross_entropy", optimizer="sgd", rng=0, dtype="float64")
    net.fit(X, Y, epochs=1, batch_size=20, shuffle=False, progress=False)
    for start in (0, 20, 40):
        by_hand.train_on_batch(X[start : start + 20], Y[start : start + 20])
    np.testing.assert_array_equal(net.parameters, by_hand.parameters)


class Fails(Optimizer):
    """Raises in its third step, after having changed half of the parameters."""

    n_slots = 1

    def __init__(self, lr: float = 0.1) -> None:
        self.lr = lr

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int) -> None:
        w -= self.lr * g
        state += 1
        if t == 3:
            raise ArithmeticError("third step")


def test_exception_stops_the_loop_with_its_own_traceback_and_undoes_the_step() -> None:
    net = nn.Sequential(nn.Dense(3))
    with pytest.raises(ArithmeticError, match="third step") as caught:
        net.fit(X, Y, loss="softmax_cross_entropy", optimizer=Fails(), epochs=5, batch_size=10, rng=0, dtype="float64", progress=False)
    assert caught.traceback[-1].name == "step"
    assert net.n_steps == 2
    for kept in net.optimizer_state.values():
        np.testing.assert_array_equal(kept, 2)
    two_steps = nn.Sequential(nn.Dense(3)).build(4, loss="softmax_cross_entropy", optimizer=nn.SGD(lr=0.1), rng=0, dtype="float64")
    from nncore._core.program import permutation

    order = permutation(50, two_steps.seed, 0)
    for batch in (order[:10], order[10:20]):
        two_steps.train_on_batch(X[batch], Y[batch])
    np.testing.assert_allclose(net.parameters, two_steps.parameters, rtol=1e-12)


@pytest.mark.parametrize("what", ["activation", "loss", "gradient"])
def test_wrong_shape_is_reported_with_the_component(what: str) -> None:
    class Short(Cubic):
        def forward(self, z: np.ndarray) -> np.ndarray:
            return z[:, :1]

    class BadLoss(Loss):
        targets = "labels"

        def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
            return np.zeros(len(output) if what == "gradient" else 1)

        def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
            return np.zeros(len(output))

    layers = [nn.Dense(3, activation=Short() if what == "activation" else None)]
    loss = "softmax_cross_entropy" if what == "activation" else BadLoss()
    with pytest.raises(PluginError, match=r"must return an array of shape \(16"):
        train(layers, loss, "sgd")


def test_python_code_keeps_its_subnormals() -> None:
    class Tiny(Cubic):
        seen: list[float] = []

        def forward(self, z: np.ndarray) -> np.ndarray:
            self.seen.append(float(np.float64(5e-324) * 1.0))
            return z**3

    train([nn.Dense(3, activation=Tiny())], "softmax_cross_entropy", "sgd")
    assert Tiny.seen
    assert set(Tiny.seen) == {5e-324}
    assert float(np.float64(5e-324) * 1.0) == 5e-324
