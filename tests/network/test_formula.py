"""The formula of a whole network's prediction, computed by NumPy, equals `predict`."""

from __future__ import annotations

import copy

import components
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import nncore as nn
from nncore.errors import NoFormulaError, NotBuiltError, ParameterError
from nncore.inspection import NumPyBuilder, formula
from nncore.plugin import Activation, Layer

TABLE = (
    nn.Embedding([3, 5], columns=[1, 3]),
    nn.FillMissing(columns=[0]),
    nn.Concat([[], [nn.Dense(6, activation="gelu"), nn.LayerNorm()]], activation="softplus"),
    nn.Dense(4),
)
NETWORKS = {
    "dense": (nn.Dense(5, activation="mish"), nn.Dropout(0.3), nn.BatchNorm(), nn.ActivationLayer("elu"), nn.Dense(3)),
    "residual": (
        nn.Residual([nn.Dense(4), "batch_norm"], activation="selu"),
        nn.Residual([nn.Dense(7)], [nn.Dense(7, use_bias=False)]),
        nn.Residual([nn.Concat([[], ["dropout"]]), nn.Dense(7)]),
    ),
    "tied": (
        nn.Dense(3, activation="tanh", name="encoder"),
        nn.Dense(3, name="square"),
        nn.Dense(3, tied_to="square", transposed=True),
        nn.Dense(4, tied_to="encoder"),
    ),
    "views": (nn.Flatten(), nn.Dropout()),
    "cumulative": (nn.BatchNorm("cumulative"), nn.Dense(2, activation="softmax")),
}


def trained(*layers: Layer, X: np.ndarray, dtype: str) -> nn.Sequential:
    net = nn.Sequential(*layers).build(X.shape[1:], rng=0, dtype=dtype)
    if net.n_parameters:
        y = np.random.default_rng(1).normal(size=(len(X), int(np.prod(net.output_shape))))
        net.fit(X, y, loss="mse", epochs=2, batch_size=16, rng=0, progress=False)
    return net


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name, dtype):
    X = np.random.default_rng(0).normal(size=(40, 4)).astype(dtype)
    check(trained(*NETWORKS[name], X=X, dtype=dtype), X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_for_tables_with_what_is_missing(dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 5)).astype(dtype)
    X[:, 1], X[:, 3] = rng.integers(-1, 4, 40), rng.integers(0, 6, 40)
    X[::5, 0], X[::7, 3] = np.nan, np.nan
    check(trained(*TABLE, X=X, dtype=dtype), X)


def test_samples_of_any_shape():
    X = np.random.default_rng(0).normal(size=(9, 3, 2)).astype("float32")
    net = trained(nn.LayerNorm(), nn.ActivationLayer("softmax"), nn.BatchNorm(), X=X, dtype="float32")
    assert check(net, X).shape == (9, 3, 2)


def check(net: nn.Sequential, X: np.ndarray) -> np.ndarray:
    found = formula(net, NumPyBuilder(net.dtype), X)
    assert found.dtype == net.dtype
    np.testing.assert_allclose(found, net.predict(X), rtol=200 * np.finfo(X.dtype).eps, atol=200 * np.finfo(X.dtype).eps)
    return found


#: Layers of any kind, for random networks.
LAYERS = st.one_of(
    st.builds(
        nn.Dense,
        st.integers(1, 40),
        activation=st.sampled_from([None, *components.activations(trainable=True)]),
        use_bias=st.booleans(),
    ),
    st.builds(nn.Dropout, st.floats(0, 0.9)),
    st.builds(nn.BatchNorm, st.sampled_from(["batch", "cumulative"])),
    st.builds(nn.ActivationLayer, st.sampled_from(components.activations(trainable=True))),
    st.just(nn.Flatten()),
)


@given(layers=st.lists(LAYERS, min_size=1, max_size=6), n_rows=st.integers(1, 9), n_inputs=st.integers(1, 9), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_random_networks(layers, n_rows, n_inputs, seed):
    X = np.random.default_rng(seed).normal(size=(n_rows, n_inputs))
    net = nn.Sequential(*map(copy.deepcopy, layers)).build(n_inputs, rng=seed, dtype="float64")
    np.testing.assert_allclose(formula(net, NumPyBuilder("float64"), X), net.predict(X), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mse"])
def test_the_link_of_the_loss_comes_last_if_asked_for(loss):
    X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    net = nn.Sequential(nn.Dense(3)).build(4, loss=loss, rng=0)
    np.testing.assert_allclose(formula(net, NumPyBuilder(), X, link=True), net.predict_proba(X), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(formula(net, NumPyBuilder(), X), net.predict(X), rtol=1e-5, atol=1e-6)


def test_it_leaves_the_network_as_it_is():
    X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    net = trained(*NETWORKS["dense"], X=X, dtype="float32")
    before = net.parameters.copy(), {name: view.copy() for name, view in net.named_buffers().items()}
    formula(net, NumPyBuilder(), X)
    np.testing.assert_array_equal(net.parameters, before[0])
    for name, view in net.named_buffers().items():
        np.testing.assert_array_equal(view, before[1][name])


def test_what_cannot_be_written_is_refused():
    X = np.zeros((2, 4), "float32")
    with pytest.raises(NotBuiltError):
        formula(nn.Sequential(nn.Dense(2)), NumPyBuilder(), X)
    with pytest.raises(ParameterError, match="network must be"):
        formula("network", NumPyBuilder(), X)  # type: ignore[arg-type]
    net = nn.Sequential(nn.Dense(2, activation=type("Cube", (Activation,), {}))).build(4, rng=0)
    with pytest.raises(NoFormulaError, match="dense_1, activation Cube: Cube has no formula"):
        formula(net, NumPyBuilder(), X)


def test_what_is_no_node_of_the_builder_is_refused():
    net = nn.Sequential(nn.Dense(2)).build(4, rng=0)
    for x in ("text", None, object(), [[1, 2], [3]]):
        with pytest.raises(ParameterError, match="x must be a node of NumPyBuilder"):
            formula(net, NumPyBuilder(), x)
    with pytest.raises(ParameterError, match="link must be True or False"):
        formula(net, NumPyBuilder(), np.zeros((2, 4)), link="yes")  # type: ignore[arg-type]
