"""`nncore.from_keras`: converted Keras models predict the same. Needs Keras: see .ci/run."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import NotBuiltError, ParameterError

os.environ.setdefault("KERAS_BACKEND", "torch")  # the lightest backend: Keras' NumPy backend needs JAX
import keras

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # a warning of Keras itself

L = keras.layers
#: Tolerance in the largest output. With PyTorch, products in Keras have the digits of float32 for any dtype.
ROUNDING = {"float32": 1e-5, "float64": 1e-5}


def check(make: Any, shape: tuple[int, ...] = (4,)) -> nn.Sequential:
    """Compare predictions in both dtypes, with random weights and statistics; return the last network."""
    rng = np.random.default_rng(0)
    for dtype, rounding in ROUNDING.items():
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)
        try:
            keras.utils.set_random_seed(0)
            model = make()
            for layer in model._flatten_layers():
                if isinstance(layer, L.BatchNormalization):
                    layer.set_weights([rng.uniform(0.5, 2, weight.shape) for weight in layer.get_weights()])
            X = rng.normal(size=(30, *shape)).astype(dtype)
            net = nn.from_keras(model)
            expected = model.predict(X, verbose=0)
        finally:
            keras.config.set_floatx("float32")
            keras.config.set_dtype_policy("float32")
        predicted = net.predict(X)
        assert predicted.dtype == dtype
        np.testing.assert_allclose(predicted, expected, rtol=0, atol=rounding * max(1, abs(expected).max()))
    return net


@pytest.mark.parametrize(
    "activation",
    [
        "relu",
        "sigmoid",
        "tanh",
        "softmax",
        "softplus",
        "exponential",
        "elu",
        "selu",
        "gelu",
        "silu",
        "mish",
        "leaky_relu",
        "celu",
        "relu6",
        "hard_sigmoid",
        "hard_silu",
        "hard_tanh",
        "softsign",
        "log_softmax",
        "linear",
    ],
)
def test_activations(activation: str) -> None:
    net = check(lambda: keras.Sequential([keras.Input((4,)), L.Dense(6, activation), L.Dense(3), L.Activation(activation)]))
    assert net.layer_names == ["dense_1", "dense_2"]


@pytest.mark.parametrize(
    "make",
    [
        *(L.ReLU, lambda: L.ReLU(negative_slope=0.1), lambda: L.LeakyReLU(0.3), lambda: L.ELU(0.7), L.Softmax, lambda: L.PReLU("uniform")),
        *(lambda: L.ReLU(max_value=6), lambda: L.ReLU(max_value=0.5)),
    ],
)
def test_activations_as_layers(make: Any) -> None:
    check(lambda: keras.Sequential([keras.Input((4,)), L.Dense(6), make(), L.Dense(3, activation=L.LeakyReLU(0.1))]))


@pytest.mark.parametrize("has_parameters", [True, False])
def test_layers(has_parameters: bool) -> None:
    how = {"scale": has_parameters, "center": has_parameters}

    def make() -> Any:
        inner = keras.Sequential([keras.Input((12,)), L.LayerNormalization(**how), L.Dense(8), L.BatchNormalization(**how), L.ReLU()])
        ends = [L.Dropout(0.3), L.GaussianNoise(0.1), L.Dense(2, use_bias=False)]
        return keras.Sequential([keras.Input((3, 4)), L.Rescaling(1 / 255, 0.5), L.Flatten(), inner, *ends])

    net = check(make, (3, 4))
    assert net.layer_names[-4:] == ["activation_1", "dropout_1", "gaussian_noise_1", "dense_2"]
    assert net.layers[-2].std == 0.1


def test_rms_normalization() -> None:
    def make() -> Any:
        return keras.Sequential([keras.Input((4,)), L.RMSNormalization(epsilon=0.1), L.AlphaDropout(0.2), L.Dense(3)])

    net = check(make)
    assert net.layer_names == ["rms_norm_1", "alpha_dropout_1", "dense_1"]
    assert (net.layers[0].epsilon, net.layers[1].rate) == (0.1, 0.2)


def test_a_normalization_of_features() -> None:
    def make() -> Any:
        layer = L.Normalization()
        layer.adapt(np.random.default_rng(0).normal(size=(50, 4)) * [1, 10, 0.1, 0] + [0, 300, 2, 5])
        return keras.Sequential([keras.Input((4,)), layer, L.Dense(3)])

    model = make()
    X = (np.random.default_rng(1).normal(size=(30, 4)) * [1, 10, 0.1, 0] + [0, 300, 2, 5]).astype("float32")
    np.testing.assert_allclose(nn.from_keras(model).predict(X), model.predict(X, verbose=0), rtol=0, atol=2e-5)


def test_a_functional_model() -> None:
    def make() -> Any:
        shared = L.Dense(4, "tanh")
        samples = keras.Input((4,))
        h = L.Add()([samples, L.Dense(4, "relu")(samples)])
        h = shared(h) + shared(L.Dense(4)(h))
        h = L.Concatenate()([h, keras.ops.relu(L.Dense(3)(h)), samples])
        return keras.Model(samples, keras.activations.gelu(L.Dense(2)(h), approximate=True))

    assert check(make).output_shape == (2,)


def test_an_embedding() -> None:
    model = keras.Sequential([keras.Input((2,)), L.Embedding(5, 3), L.Flatten(), L.Dense(2)])
    codes = np.random.default_rng(0).integers(0, 5, (20, 2))
    np.testing.assert_allclose(nn.from_keras(model).predict(codes), model.predict(codes, verbose=0), rtol=0, atol=1e-6)


def test_it_trains_on() -> None:
    net = check(lambda: keras.Sequential([keras.Input((4,)), L.Dense(8, "relu"), L.Dense(2)]))
    X = np.random.default_rng(0).normal(size=(60, 4))
    losses = net.fit(X, X[:, 0] > 0, loss="softmax_cross_entropy", epochs=8, rng=0, progress=False)["loss"]
    assert losses[-1] < losses[0]


class OfItsOwn(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = L.Dense(3)

    def call(self, x: Any) -> Any:
        return self.dense(x)


class Doubling(L.Layer):
    def call(self, x: Any) -> Any:
        return 2 * x


def built(model: Any) -> Any:
    model(np.zeros((1, 4)))
    return model


def functional(call: Any) -> Any:
    samples = keras.Input((4,))
    return keras.Model(samples, call(samples))


def two_inputs() -> Any:
    inputs = [keras.Input((4,)), keras.Input((4,))]
    return keras.Model(inputs, L.Add()(inputs))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: built(OfItsOwn()), r"OfItsOwn.*functional interface.*nn\.from_onnx"),
        (
            lambda: built(keras.Sequential([Doubling(), L.Dense(2, "log_sigmoid"), L.Dense(2, "squareplus")])),
            "Doubling.*log_sigmoid.*squareplus",
        ),
        (lambda: built(keras.Sequential([L.Reshape((2, 2)), L.LSTM(3), L.Dense(2)])), r"Reshape.*LSTM"),
        (lambda: functional(lambda x: L.Dropout(0.5)(x, training=True)), "training=True"),
        (lambda: functional(lambda x: x + 1.0), "constant"),
        (lambda: functional(lambda x: [x, L.Dense(2)(x)]), "2 outputs"),
        (two_inputs, "2 inputs"),
        (lambda: built(keras.Sequential([L.Dense(2, dtype="mixed_bfloat16")])), "bfloat16"),
        (lambda: built(keras.Sequential([L.ReLU(threshold=1), L.Dense(2)])), "threshold"),
        (lambda: keras.Sequential([keras.Input((3, 4)), L.BatchNormalization(), L.Flatten(), L.Dense(2)]), "flatten"),
        (lambda: functional(lambda x: L.Add()([x, x, x])), "sum of 3"),
    ],
)
def test_what_does_not_fit_is_named_with_a_remedy(make: Any, match: str) -> None:
    with pytest.raises(ParameterError, match=f"(?s){match}"):
        nn.from_keras(make())


def test_what_is_no_built_model_is_named() -> None:
    with pytest.raises(ParameterError, match=r"got 'net\.keras': load it with keras\.saving\.load_model"):
        nn.from_keras("net.keras")
    with pytest.raises(NotBuiltError, match=r"model\.build"):
        nn.from_keras(keras.Sequential([L.Dense(3)]))
