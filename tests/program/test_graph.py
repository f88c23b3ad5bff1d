"""Networks with branches and joins: gradients, shared memory, and the same bits for any split of a batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import nncore as nn
from nncore.errors import NotTrainableError, ParameterError, PluginError, ShapeError
from nncore.plugin import Layer, Plan
from nncore.testing import numpy_twin, team_of

Make = Callable[[], nn.Sequential]


def dense(n: int, activation: str | None = None) -> nn.Dense:
    return nn.Dense(n, activation=activation)


def tanh() -> nn.ActivationLayer:
    return nn.ActivationLayer("tanh")


NETWORKS: dict[str, Make] = {
    "residual": lambda: nn.Sequential(dense(5, "tanh"), nn.Residual([dense(7, "tanh"), dense(5)]), dense(2)),
    "residual, activation inside comes first": lambda: nn.Sequential(dense(5), nn.Residual([tanh(), dense(5)]), dense(2)),
    "residual, activation inside comes last": lambda: nn.Sequential(dense(5), nn.Residual([dense(5), tanh()]), dense(2)),
    "residual, both branches end in activations": lambda: nn.Sequential(
        dense(5), nn.Residual([dense(5, "tanh")], shortcut=[dense(5, "sigmoid")], activation="tanh"), dense(2)
    ),
    "residual of an activation alone": lambda: nn.Sequential(dense(5), nn.Residual([tanh()]), dense(2)),
    "residual of nothing that runs": lambda: nn.Sequential(dense(5), nn.Residual([nn.Flatten()]), dense(2)),
    "residual at the front": lambda: nn.Sequential(nn.Residual([dense(3, "tanh")]), dense(2)),
    "residual at the end": lambda: nn.Sequential(dense(2), nn.Residual([dense(4, "tanh"), dense(2)])),
    "residual in residual": lambda: nn.Sequential(
        dense(4), nn.Residual([tanh(), nn.Residual([dense(4), tanh()]), dense(4)]), tanh(), dense(2)
    ),
    "two residuals": lambda: nn.Sequential(dense(4), nn.Residual([tanh(), dense(4)]), nn.Residual([tanh(), dense(4)]), dense(2)),
    "wide and deep": lambda: nn.Sequential(nn.Concat([[], [dense(6, "tanh"), dense(4, "tanh")]]), dense(2)),
    "concat of the same": lambda: nn.Sequential(dense(4, "tanh"), nn.Concat([[], [], [tanh()]]), dense(2)),
    "concat of residuals": lambda: nn.Sequential(
        dense(4), nn.Concat([nn.Residual([tanh(), dense(4)]), [dense(3, "tanh")], []], activation="tanh"), dense(2)
    ),
    "concat at both ends": lambda: nn.Sequential(nn.Concat([[], dense(2)]), nn.Concat([dense(1), dense(1, "tanh")])),
    "batch norm in a branch": lambda: nn.Sequential(dense(4), nn.Residual([nn.BatchNorm(), tanh(), dense(4)]), dense(2)),
    "views in branches": lambda: nn.Sequential(
        dense(4), nn.Residual([nn.Flatten(), tanh(), nn.Flatten()], shortcut=[nn.Flatten()]), tanh(), dense(2)
    ),
}
every = pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS.keys())


def data(n_rows: int = 9) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_rows, 3)), rng.normal(size=(n_rows, 2))


def built(make: Make, dtype: str = "float64") -> nn.Sequential:
    network = make().build(3, loss="half_mse", optimizer="adam", rng=1, dtype=dtype)
    network.parameters[:] += np.random.default_rng(2).normal(0, 0.1, network.parameters.shape)
    return network


def as_numpy(make: Make) -> Make:
    """The same network with Python layers and activations."""

    def rebuild(layer: Layer) -> Layer:
        twin = numpy_twin(layer)
        for name in ("layers", "shortcut", "branches"):
            if hasattr(twin, name):
                chains = getattr(twin, name)
                setattr(twin, name, [[rebuild(x) for x in c] if isinstance(c, list) else rebuild(c) for c in chains])
        if isinstance(getattr(twin, "activation", None), str):
            twin.activation = numpy_twin(nn.get("activations", twin.activation)())
        return twin

    return lambda: nn.Sequential(*(rebuild(layer) for layer in make().layers))


@every
@pytest.mark.parametrize("rung", ["native", "numpy"])
def test_gradient_matches_central_differences(make: Make, rung: str) -> None:
    network = built(as_numpy(make) if rung == "numpy" else make)
    X, y = data()

    def value() -> float:
        network.forward(X, training=True)
        return network.backward(y)

    value()
    analytic = network.gradients.copy()
    numeric = np.empty_like(analytic)
    for i in range(analytic.size):
        before = network.parameters[i]
        network.parameters[i] = before + 1e-6
        above = value()
        network.parameters[i] = before - 1e-6
        numeric[i] = (above - value()) / 2e-6
        network.parameters[i] = before
    np.testing.assert_allclose(analytic, numeric, rtol=2e-6, atol=2e-8)
    for name, gradient in network.named_gradients().items():
        assert np.abs(gradient).max() > 1e-6 or name.startswith("batch_norm"), name


@every
def test_rungs_agree(make: Make) -> None:
    X, y = data(40)
    outcomes = []
    for network in (built(make), built(as_numpy(make))):
        network.fit(X, y, epochs=3, batch_size=16, progress=False, callbacks=[])
        outcomes.append((network.parameters.copy(), network.predict(X)))
    for native, numpy in zip(*outcomes, strict=True):
        np.testing.assert_allclose(native, numpy, rtol=1e-9, atol=1e-11)


@every
def test_same_bits_for_any_team(make: Make) -> None:
    X, y = (array.astype(np.float32) for array in data(300))
    ends = []
    for n_parts in (1, 2, 3, 5):
        network = built(make, "float32")
        with team_of(n_parts):
            network.fit(X, y, epochs=2, batch_size=130, progress=False)
            ends.append((network.parameters.copy(), network.predict(X)))
    for parameters, outputs in ends[1:]:
        np.testing.assert_array_equal(parameters, ends[0][0])
        np.testing.assert_array_equal(outputs, ends[0][1])


@every
def test_prediction_equals_forward_of_training(make: Make) -> None:
    network = built(make)
    if any("batch_norm" in name for name in network.named_buffers()):
        pytest.skip("batch norm predicts with other statistics")
    X, _ = data(20)
    np.testing.assert_allclose(network.predict(X), network.forward(X, training=True), rtol=1e-13)
    np.testing.assert_array_equal(network.predict(X)[3], network.predict_one(X[3]))


@every
def test_file(make: Make, tmp_path) -> None:
    network = built(make)
    X, y = data(30)
    network.fit(X, y, epochs=1, progress=False)
    network.save(tmp_path / "network.nncore")
    again = nn.load(tmp_path / "network.nncore")
    np.testing.assert_array_equal(again.predict(X), network.predict(X))
    assert list(again.named_parameters()) == list(network.named_parameters())


def test_values_are_those_of_the_formulas() -> None:
    network = built(NETWORKS["residual, both branches end in activations"])
    w, (X, _) = network.named_parameters(), data()
    x = X @ w["dense_1.weight"] + w["dense_1.bias"]
    f = np.tanh(x @ w["residual_1.dense_1.weight"] + w["residual_1.dense_1.bias"])
    s = 1 / (1 + np.exp(-(x @ w["residual_1.dense_2.weight"] + w["residual_1.dense_2.bias"])))
    expected = np.tanh(f + s) @ w["dense_2.weight"] + w["dense_2.bias"]
    np.testing.assert_allclose(network.predict(X), expected, rtol=1e-12)


def test_dropout_in_a_branch_is_left_out_at_prediction_alone() -> None:
    network = nn.Sequential(dense(4), nn.Residual([nn.Dropout(0.5)]), dense(2)).build(3, loss="mse", rng=0, dtype="float64")
    X, _ = data()
    w = network.named_parameters()
    hidden = X @ w["dense_1.weight"] + w["dense_1.bias"]
    np.testing.assert_allclose(network.predict(X), 2 * hidden @ w["dense_2.weight"] + w["dense_2.bias"], rtol=1e-12)
    assert not np.allclose(network.forward(X, training=True), network.predict(X))


def test_layers_may_be_named_and_described() -> None:
    named = nn.Sequential(nn.Residual(["batch_norm", {"name": "dense", "n_outputs": 3}])).build(3)
    assert list(named.named_parameters()) == [
        "residual_1.batch_norm_1.gamma", "residual_1.batch_norm_1.beta", "residual_1.dense_1.weight", "residual_1.dense_1.bias",
    ]  # fmt: skip


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"residual_1: only outputs of one shape can be added, and the branches have \(4,\), \(3,\)"):
        nn.Sequential(nn.Residual([dense(4)])).build(3)
    with pytest.raises(ShapeError, match=r"concat_1: only vectors can be concatenated"):
        nn.Sequential(nn.Concat([[], []])).build((2, 3))
    with pytest.raises(ShapeError, match=r"residual_1.dense_1: Dense takes vectors"):
        nn.Sequential(nn.Residual([dense(3)])).build((2, 3))
    with pytest.raises(ParameterError, match="layers is empty"):
        nn.Residual([])
    with pytest.raises(ParameterError, match="must be a list of layers"):
        nn.Residual(dense(3))  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="must be a list of layers"):
        nn.Concat("dense")
    network = nn.Sequential(dense(3), nn.Residual([nn.ActivationLayer("step")]), dense(2))
    with pytest.raises(NotTrainableError, match=r"residual_1\.activation_1"):
        network.fit(*data(), loss="mse")


class Product(Layer):
    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape, branches=((), ()), merge="product")


def test_an_unknown_way_to_merge_is_refused() -> None:
    with pytest.raises(PluginError, match=r"product_1: merge of the plan is 'product'; it must be"):
        nn.Sequential(Product()).build(3)


def test_a_branch_without_derivative_is_no_obstacle_if_nothing_before_it_is_trained() -> None:
    network = nn.Sequential(nn.Concat([nn.ActivationLayer("step"), [dense(4, "tanh")]]), dense(2))
    X, y = data(50)
    losses = network.fit(X, y, loss="mse", optimizer=nn.Adam(lr=0.02), epochs=60, rng=0)["loss"]
    assert losses[-1] < 0.8 * losses[0]
