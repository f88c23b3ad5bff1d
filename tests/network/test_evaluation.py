"""Loss and metrics of a network on data."""

from __future__ import annotations

import numpy as np
import pytest
from network.small import X, Y, built

from nncore import registry
from nncore.network.evaluation import linked


def test_evaluate_is_the_mean_over_samples_by_weight() -> None:
    net = built(dtype="float64")
    weights = np.random.default_rng(2).uniform(size=60)
    logits = net.predict(X)
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(60), Y]
    scores = net.evaluate(X, Y, sample_weight=weights)
    assert scores["loss"] == pytest.approx(np.average(losses, weights=weights), rel=1e-12)
    assert scores["accuracy"] == pytest.approx(np.average(logits.argmax(1) == Y, weights=weights), rel=1e-12)
    assert net.evaluate(X, Y, metrics=[]) == {"loss": pytest.approx(losses.mean())}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", [name for name in registry.names("losses") if registry.get("losses", name).link is not None])
def test_predictions_are_the_link_of_the_outputs(loss: str, dtype: str) -> None:
    net = built(loss=loss, dtype=dtype)
    assert net.link is not None
    outputs = net.predict(X)
    expected = registry.resolve("activations", net.link).forward(outputs)
    assert np.allclose(net.predict_proba(X), expected, rtol=8 * np.finfo(dtype).eps, atol=0)
    assert len(net.predict_proba(X[:0])) == 0


def test_a_new_loss_brings_its_own_link() -> None:
    net = built()
    assert np.allclose(net.predict_proba(X).sum(axis=1), 1)
    net.fit(X, (np.arange(3) == Y[:, None]).astype(float), loss="binary_cross_entropy", epochs=1, progress=False)
    assert np.allclose(net.predict_proba(X), 1 / (1 + np.exp(-net.predict(X))), rtol=1e-5)


def test_a_sample_whose_outputs_overflow_leaves_the_others_alone() -> None:
    net = built()
    whole = net.predict_proba(X)
    net.named_parameters()["dense_2.bias"][0] = np.inf  # as after training that went wrong
    assert np.isnan(net.predict_proba(X)[:, 0]).all()
    mixed = np.where(np.arange(60)[:, None] == 7, np.inf, built().predict(X)).astype(np.float32)
    predictions = linked(built(), mixed)
    others = np.arange(60) != 7
    assert np.array_equal(predictions[others], whole[others])
    assert np.isnan(predictions[7]).all()
