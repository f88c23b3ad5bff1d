"""Layer normalisation against its definition and against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError
from nncore.testing import team_of
from nncore.testing.layer_calls import Call

NO_BUFFERS = np.zeros(0)


def only_layer_norm(n: int, dtype: str = "float64", **arguments: float) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(**arguments)).build(n, loss="half_mse", optimizer="sgd", rng=0, dtype=dtype)


def test_by_definition() -> None:
    X = np.random.default_rng(0).normal(3, 5, (40, 7))
    network = only_layer_norm(7, epsilon=1e-3)
    parameters = network.named_parameters()
    parameters["layer_norm_1.gamma"][:], parameters["layer_norm_1.beta"][:] = np.arange(7), np.arange(7) - 2
    expected = np.arange(7) * (X - X.mean(1, keepdims=True)) / np.sqrt(X.var(1, keepdims=True) + 1e-3) + np.arange(7) - 2
    np.testing.assert_allclose(network.forward(X, training=True), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(network.predict(X), network.forward(X, training=True))


def test_values_and_gradients_are_those_of_pytorch() -> None:
    """torch.nn.functional.layer_norm of PyTorch 2.13 in float64, epsilon 1e-3."""
    x = np.array([[1.0, -2.0, 0.5, 3.0], [0.25, 0.25, 0.5, -10.0], [100.0, 101.0, 99.0, 100.5]])
    d_y = np.array([[0.3, -1.0, 0.2, 0.5], [1.0, 2.0, -0.5, 0.1], [-0.4, 0.6, 0.7, -0.9]])
    call = Call(nn.LayerNorm(epsilon=1e-3), x, np.array([1.0, -0.5, 2.0, 0.25, 0.0, 1.0, -1.0, 0.5]), NO_BUFFERS)
    y = [
        [0.2105255382266, 1.736839383793, -1.140350358818, 0.8333321021921],
        [0.5585668312661, 0.7207165843669, 0.2288470287855, 0.06711070576874],
        [-0.168876520075, 0.4089321797377, -4.039777361349, 0.6266573900562],
    ]
    d_x = [
        [-0.001733437241042, -0.01593601107626, 0.03332622947115, -0.01565678115385],
        [0.2984074232394, -0.1484460417736, -0.1463939993051, -0.003567382160662],
        [-0.8450838444234, 0.4439876605356, 0.4327677557568, -0.03167157186896],
    ]
    d_gamma, d_beta = [0.6892751007641, 3.300093814433, -1.38516886955, 0.03754188248933], [0.9, 1.6, 0.4, -0.3]
    np.testing.assert_allclose(call.forward(), y, rtol=1e-11)
    actual_d_x, d_parameters = call.backward(d_y)
    np.testing.assert_allclose(actual_d_x, d_x, rtol=1e-9)
    np.testing.assert_allclose(d_parameters, d_gamma + d_beta, rtol=1e-11)


@pytest.mark.parametrize("n", [5, 31, 32, 33, 100, 257, 1000])
def test_against_float64(n: int) -> None:
    """In float32 the layer keeps the digits of the dtype for rows of any length, compared with float64."""
    rng = np.random.default_rng(n)
    x, d_y = rng.normal(2, 3, (2, 37, n)).astype(np.float32)
    parameters = rng.normal(size=2 * n).astype(np.float32)
    results = []
    for dtype in (np.float32, np.float64):
        call = Call(nn.LayerNorm(), x.astype(dtype), parameters.astype(dtype), NO_BUFFERS.astype(dtype))
        results.append([call.forward(), *call.backward(d_y.astype(dtype))])
    for actual, exact in zip(*results, strict=True):
        np.testing.assert_allclose(actual, exact, rtol=0, atol=2e-6 * max(1, np.abs(exact).max()))


def test_a_large_mean_does_not_eat_the_variance() -> None:
    """A large mean does not cancel the variance: in float32 with mean 1e4 and deviation 1, E[x²] − E[x]² would lose all digits."""
    X = np.random.default_rng(5).normal(1e4, 1, (20, 150)).astype(np.float32)
    exact = X.astype(np.float64)
    spread = np.sqrt(exact.var(axis=1, keepdims=True) + 1e-5)
    output = only_layer_norm(150, dtype="float32").forward(X, training=True)
    # The mean itself is a float32 near 1e4, whose last place is 1e-3.
    np.testing.assert_allclose(output * spread, exact - exact.mean(axis=1, keepdims=True), rtol=1e-5, atol=1e-3)


def test_a_sample_of_equal_features_becomes_beta() -> None:
    network = only_layer_norm(5)
    network.named_parameters()["layer_norm_1.beta"][:] = [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(network.predict(np.full((2, 5), 0.1)), [[1, 2, 3, 4, 5]] * 2)


def test_no_normalised_number_exceeds_the_bound_of_the_plan() -> None:
    """Normalised numbers stay within the plan's bound √(n − 1), reached if one feature differs and all others are equal."""
    for n in (2, 17, 400):
        layer, x, d_y = nn.LayerNorm(epsilon=1e-12), np.eye(1, n), np.ones((1, n))
        call = Call(layer, x, np.ones(2 * n), NO_BUFFERS)
        call.forward()
        d_gamma = call.backward(d_y)[1][:n]
        np.testing.assert_allclose(d_gamma[0], np.sqrt(n - 1), rtol=1e-6)
        assert np.abs(d_gamma).max() <= layer.plan((n,)).gradient_bound


@pytest.mark.parametrize("n", [16, 700])
def test_training_gives_the_same_bits_on_any_number_of_threads(n: int) -> None:
    """Training gives the same bits with any number of threads; the wider network uses its gradients up tile by tile."""
    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(100, 20)), rng.integers(0, 3, 100)
    outcomes = []
    for n_threads in (1, 2, 3):
        network = nn.Sequential(nn.Dense(n, activation="gelu"), nn.LayerNorm(), nn.Dense(n), nn.LayerNorm(), nn.Dense(3))
        with team_of(n_threads):
            network.fit(X, y, loss="softmax_cross_entropy", optimizer="adam", epochs=1, batch_size=25, rng=0, progress=False)
        outcomes.append(network.parameters.copy())
    assert np.isfinite(outcomes[0]).all()
    np.testing.assert_array_equal(outcomes[1], outcomes[0])
    np.testing.assert_array_equal(outcomes[2], outcomes[0])


def test_it_normalises_samples_of_any_shape() -> None:
    X = np.random.default_rng(8).normal(size=(6, 3, 4))
    network = nn.Sequential(nn.LayerNorm(), nn.Flatten(), nn.Dense(2, bias_initializer="zeros")).build(
        (3, 4), loss="half_mse", rng=0, dtype="float64"
    )
    assert network.named_parameters()["layer_norm_1.gamma"].shape == (3, 4)
    flat = X.reshape(6, 12)
    flat = (flat - flat.mean(1, keepdims=True)) / np.sqrt(flat.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(network.predict(X), flat @ network.named_parameters()["dense_1.weight"], rtol=1e-10)


@pytest.mark.parametrize("epsilon", [0.0, -1.0, np.nan])
def test_epsilon_must_be_positive(epsilon: float) -> None:
    with pytest.raises(ParameterError, match="LayerNorm: epsilon"):
        nn.LayerNorm(epsilon=epsilon)
