"""Plain functions as losses."""

from __future__ import annotations

import numpy as np
import pytest
from metrics.functions import data, network

import nncore as nn
from nncore.errors import NNCoreError, ParameterError, PluginError, UnknownComponentError


def squared(output: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return ((output - target) ** 2).mean(axis=1), 2 * (output - target) / output.shape[1]


def logits(output: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p = np.exp(output - output.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(p))
    loss = -np.log(p[rows, target])
    p[rows, target] -= 1
    return loss, p


def test_function_trains_like_the_loss_it_computes() -> None:
    X, y = data()
    ours = network().fit(X, y, loss=squared, epochs=3, rng=0, dtype="float64", sample_weight=np.arange(1.0, 61.0))
    built_in = network().fit(X, y, loss="mse", epochs=3, rng=0, dtype="float64", sample_weight=np.arange(1.0, 61.0))
    np.testing.assert_allclose(ours["loss"], built_in["loss"], rtol=1e-12)


def test_function_of_class_indices() -> None:
    X, _ = data()
    y = (X[:, 0] > 0).astype(int)
    ours = network().fit(X, y, loss=nn.FunctionLoss(logits, targets="labels", link="softmax"), epochs=3, rng=0, dtype="float64")
    built_in = network().fit(X, y, loss="softmax_cross_entropy", metrics=[], epochs=3, rng=0, dtype="float64")
    np.testing.assert_allclose(ours["loss"], built_in["loss"], rtol=1e-12)


def test_wrong_shapes_and_rubbish_are_refused() -> None:
    X, y = data()
    with pytest.raises(PluginError, match="forward must return an array of shape"):
        network().fit(X, y, loss=lambda output, target: (np.zeros(1), output), epochs=1)
    with pytest.raises(ParameterError, match="function must be a function"):
        nn.FunctionLoss(3)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="targets must be"):
        nn.FunctionLoss(squared, targets="both")
    with pytest.raises(UnknownComponentError, match="did you mean 'sigmoid'"):
        nn.FunctionLoss(squared, link="sigmoyd")
    with pytest.raises(ParameterError, match="with a name or a label"):
        nn.FunctionMetric(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("targets", [np.zeros((2, 1)), np.zeros((5, 1))])  # also if there are two rows by chance
def test_a_function_that_forgets_the_gradient_is_told(targets: np.ndarray) -> None:
    def squared(output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return ((output - target) ** 2).sum(axis=1)

    with pytest.raises(PluginError, match=r"the loss squared must return two arrays, .* it returned ndarray"):
        nn.Sequential(nn.Dense(1)).fit(np.ones_like(targets), targets, loss=squared, epochs=1)


def test_repr_names_the_function_and_saving_is_refused(tmp_path) -> None:
    X, y = data()
    net = network()
    net.fit(X, y, loss=squared, epochs=1, rng=0)
    assert repr(net.loss) == "FunctionLoss(function=squared, targets='real', link=None, output_domain='real', needs_batch=False)"
    with pytest.raises(NNCoreError, match="FunctionLoss"):
        net.save(tmp_path / "a.nncore")
