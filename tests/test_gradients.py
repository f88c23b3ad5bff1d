"""Central differences in float64 for every layer x activation x loss in the registry, on the compiled rung and on NumPy.

Every pair of the three is among the quick tests of the compiled rung, where one pass may do the work of two of them. In NumPy each is a
separate method, and each is among the quick tests. The other combinations of all three are slow. One test for each layer tries all of
its combinations: thousands of tests that take a moment each take minutes together.
"""

from __future__ import annotations

import copy
import itertools

import components
import numpy as np
import pytest

import nncore as nn
from nncore.contract import activation_for
from nncore.layers.batch_norm import BatchNorm
from nncore.layers.embedding import Embedding
from nncore.losses.embedding import EmbeddingLoss
from nncore.plugin import Activation, Layer, Loss
from nncore.testing import numpy_twin
from nncore.testing.losses import real_targets
from nncore.testing.widths import outputs_for

N_ROWS, N_INPUTS, N_OUTPUTS = 7, 3, 4
STEP = 1e-6

LAYERS, ACTIVATIONS = components.layers(trainable=True), components.activations(trainable=True)
#: Losses of distances are not differentiable for equal samples, which embeddings of few categories produce; see the conformance tests.
LOSSES = [loss for loss in components.losses() if not isinstance(loss, EmbeddingLoss)]


def has_its_pairs(*at: int) -> bool:
    """Whether a combination of indices belongs to a set with every pair once, in which two indices determine that of the shortest list."""
    shortest = min((LAYERS, ACTIVATIONS, LOSSES), key=len)
    own = at[(LAYERS, ACTIVATIONS, LOSSES).index(shortest)]
    return (sum(at) - 2 * own) % len(shortest) == 0


#: Combinations that have every layer, every activation and every loss.
FEW = {(n % len(LAYERS), n % len(ACTIVATIONS), n % len(LOSSES)) for n in range(max(map(len, (LAYERS, ACTIVATIONS, LOSSES))))}


def is_quick(*at: int, twin: bool) -> bool:
    return at in FEW if twin else has_its_pairs(*at)


def make_target(loss: Loss, rng: np.random.Generator, n_outputs: int, *, labels: bool, n_rows: int = N_ROWS) -> np.ndarray:
    return rng.integers(n_outputs, size=n_rows) if labels else real_targets(loss, rng, n_rows, n_outputs)


def last_activation(loss: Loss) -> str | None:
    """What the loss needs of its outputs."""
    return activation_for(loss, outputs_for(loss, N_OUTPUTS))


def make_network(layer: Layer, activation: Activation, loss: Loss, seed: int) -> nn.Sequential:
    last = nn.Dense(outputs_for(loss, N_OUTPUTS), activation=last_activation(loss))
    network = nn.Sequential(nn.Dense(4), layer, nn.ActivationLayer(activation), last)
    network.build(N_INPUTS, loss=loss, optimizer="sgd", rng=seed, dtype="float64")
    network.parameters[:] += np.random.default_rng(seed).normal(0, 0.1, network.parameters.shape)  # biases that are not zero
    return network


def numeric_gradient(network: nn.Sequential, X: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    # Statistics that the gradient takes as constants are held fixed: prediction uses those of the last training forward.
    constant = any(isinstance(layer, BatchNorm) and layer.mode == "cumulative" for layer in network.layers)

    def value() -> float:
        if constant and network.loss.for_evaluation() is network.loss:
            return network.evaluate(X, y, sample_weight=weight, metrics=[])["loss"]
        if constant:  # a score omits training-only parts of the loss
            return float(np.average(network.loss.forward(network.predict(X), y), weights=weight))
        network.n_passes = 0
        network.forward(X, training=True)
        return network.backward(y, sample_weight=weight)

    gradient = np.empty_like(network.parameters)
    for i in range(gradient.size):
        before = network.parameters[i]
        network.parameters[i] = before + STEP
        above = value()
        network.parameters[i] = before - STEP
        gradient[i] = (above - value()) / (2 * STEP)
        network.parameters[i] = before
    return gradient


@pytest.mark.parametrize("quick", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["quick", "all others"])
@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
@pytest.mark.parametrize("chosen", range(len(LAYERS)), ids=map(repr, LAYERS))
def test_gradient_matches_central_differences(chosen: int, twin: bool, quick: bool) -> None:
    failed = []
    for (j, activation), (k, loss) in itertools.product(enumerate(ACTIVATIONS), enumerate(LOSSES)):
        if is_quick(chosen, j, k, twin=twin) == quick:
            try:
                check_gradient(LAYERS[chosen], activation, loss, twin=twin)
            except AssertionError as error:
                failed.append(f"{activation!r}, {loss!r}: {error}")
    assert not failed, "\n".join(failed)


def test_quick_combinations_have_every_layer_activation_and_loss() -> None:
    assert [{at[place] for at in FEW} for place in range(3)] == [set(range(len(kind))) for kind in (LAYERS, ACTIVATIONS, LOSSES)]


def check_gradient(layer: Layer, activation: Activation, loss: Loss, *, twin: bool) -> None:
    if twin:
        layer, activation, loss = (numpy_twin(c) for c in (layer, activation, loss))
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, N_INPUTS))
    n_outputs = outputs_for(loss, N_OUTPUTS)
    takes = loss.targets_for(n_outputs)
    for labels in [kind for kind in (False, True) if takes == "both" or kind == (takes == "labels")]:
        network = make_network(layer, activation, loss, seed=3)
        y = make_target(loss, rng, n_outputs, labels=labels)
        steep = np.abs(network.forward(X, training=True)).max()  # two exponentials in a row leave no digits for differences
        network.named_parameters()[f"{network.layer_names[-1]}.weight"][...] /= max(1, steep)
        network.n_passes = 0
        network.forward(X, training=True)
        network.backward(y)
        analytic = network.gradients.copy()
        assert np.abs(analytic).max() > 1e-4, "the gradient must not be 0"
        np.testing.assert_allclose(analytic, numeric_gradient(network, X, y, None), rtol=2e-6, atol=2e-8)


@pytest.mark.parametrize("loss", components.losses(), ids=repr)
def test_gradient_with_sample_weights_and_penalty(loss: Loss) -> None:
    rng = np.random.default_rng(1)
    X, weight = rng.normal(size=(N_ROWS, N_INPUTS)), rng.uniform(0, 2, N_ROWS)
    network = make_network(nn.Dense(5), components.activations(trainable=True)[0], loss, seed=4)
    network.weight_decay = 0.3
    n_outputs = outputs_for(loss, N_OUTPUTS)
    y = make_target(loss, rng, n_outputs, labels=loss.targets_for(n_outputs) == "labels")
    network.forward(X, training=True)
    network.backward(y, sample_weight=weight)
    analytic = network.gradients.copy()
    np.testing.assert_allclose(analytic, numeric_gradient(network, X, y, weight), rtol=2e-6, atol=2e-8)


@pytest.mark.parametrize("layer", components.layers(trainable=True), ids=repr)
def test_input_gradient_reaches_the_layer_before(layer: Layer) -> None:
    """A layer's d_x is right: the Dense before it computes its own gradient from it, through two such layers in a row."""
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(N_ROWS, N_INPUTS)), rng.normal(size=(N_ROWS, 2))
    network = nn.Sequential(nn.Dense(8), layer, copy.deepcopy(layer), nn.Dense(2)).build(N_INPUTS, loss="half_mse", rng=5, dtype="float64")
    network.forward(X, training=True)
    network.backward(y)
    first = network.named_gradients()["dense_1.weight"].copy()
    if not (isinstance(layer, BatchNorm) and layer.mode == "cumulative"):  # its second instance gets changing statistics
        numeric = numeric_gradient(network, X, y, None)[: first.size].reshape(first.shape)
        np.testing.assert_allclose(first, numeric, rtol=2e-6, atol=2e-8)
    takes_codes_only = isinstance(layer, Embedding) and layer.columns is None  # codes are constant almost everywhere, so the gradient is 0
    assert (first == 0).all() if takes_codes_only else np.abs(first).max() > 0
