"""Loss and metrics of a network on data."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from network import fitting
from network.small import X, Y, built

import nncore as nn
from nncore import registry
from nncore.data import dataset
from nncore.metrics.accuracy import Accuracy
from nncore.network import evaluation
from nncore.network.evaluation import linked
from nncore.plugin import Metric
from nncore.training import Training


def test_evaluate_is_the_mean_over_samples_by_weight() -> None:
    net = built(dtype="float64")
    weights = np.random.default_rng(2).uniform(size=60)
    logits = net.predict(X)
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(60), Y]
    scores = net.evaluate(X, Y, sample_weight=weights)
    assert scores["loss"] == pytest.approx(np.average(losses, weights=weights), rel=1e-12)
    assert scores["accuracy"] == pytest.approx(np.average(logits.argmax(1) == Y, weights=weights), rel=1e-12)
    assert net.evaluate(X, Y, metrics=[]) == {"loss": pytest.approx(losses.mean())}


# ---- in blocks --------------------------------------------------------------------------------------------------------------


class Spread(Metric):
    """A metric by terms, without a compiled form."""

    label = "spread"
    higher_is_better = False

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return np.ptp(output, axis=1, keepdims=True).astype(np.float64)


def last(output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """A metric of all outputs at once."""
    return float(output[-1, 0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("in_place", [False, True])
def test_scores_do_not_depend_on_the_size_of_blocks(monkeypatch: pytest.MonkeyPatch, dtype: str, weighted: bool, in_place: bool) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9000, 5)).astype(dtype), rng.integers(3, size=9000)
    if not in_place:
        monkeypatch.setattr(dataset, "CONVERT_AT_ONCE", 0)
        monkeypatch.setattr("nncore.blocks.BLOCK", 1)
        X = np.asfortranarray(X)
    weights = rng.uniform(size=9000) if weighted else None
    net = nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dense(3)).build(5, loss="softmax_cross_entropy", rng=0, dtype=dtype)
    metrics = ["accuracy", Spread, last]
    found = []
    for n_rows in (100, 512, 10**6):
        monkeypatch.setattr(evaluation, "FEWEST_ROWS", n_rows)
        monkeypatch.setattr(evaluation, "OUTPUT_BYTES", 1)
        found.append(net.evaluate(X, y, sample_weight=weights, metrics=metrics))
    assert found[0]["accuracy"] == found[1]["accuracy"] == found[2]["accuracy"]
    for name in ("loss", "spread", "last"):  # sums over batches, or of NumPy
        assert found[0][name] == pytest.approx(found[2][name], rel=1e-6)
    probabilities = net.predict_proba(X)
    assert found[0]["accuracy"] == pytest.approx(np.average(probabilities.argmax(axis=1) == y, weights=weights), rel=1e-12)
    assert found[1]["spread"] == pytest.approx(np.average(np.ptp(probabilities, axis=1), weights=weights), rel=1e-5)
    assert found[1]["last"] == pytest.approx(probabilities[-1, 0], rel=1e-5)


@pytest.mark.parametrize("metrics", [[], None, ["accuracy", Spread]], ids=["none", "of the loss", "by terms"])
def test_outputs_are_never_held_whole_unless_a_metric_needs_them(metrics: list[object] | None) -> None:
    n_rows, n_classes = 4000, 2000
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n_rows, 3)).astype(np.float32), rng.integers(n_classes, size=n_rows)
    net = nn.Sequential(nn.Dense(n_classes)).build(3, loss="softmax_cross_entropy", rng=0)
    net.evaluate(X[:10], y[:10])
    tracemalloc.start()
    net.evaluate(X, y, metrics=metrics)
    assert tracemalloc.get_traced_memory()[1] < n_rows * n_classes * 4 / 2
    tracemalloc.stop()


def test_without_metrics_the_loss_alone_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    net = nn.Sequential(nn.Dense(3)).build(2, loss="softmax_cross_entropy", rng=0)
    monkeypatch.setattr(evaluation, "Scores", None)
    assert list(net.evaluate(np.ones((4, 2)), [0, 1, 2, 0], metrics=[])) == ["loss"]


def test_a_subclass_that_scores_otherwise_is_asked() -> None:
    class Twice(Accuracy):
        label = "twice"

        def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
            return 2 * super().score(output, target, sample_weight)

    net = nn.Sequential(nn.Dense(3)).build(2, loss="softmax_cross_entropy", rng=0)
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 3
    scores = net.evaluate(X, y, metrics=["accuracy", Twice()])
    assert scores["twice"] == 2 * scores["accuracy"]


# ---- of the training data ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("callbacks", [[], ["ema"]], ids=["plain", "ema"])
def test_train_metrics_are_those_of_evaluate_after_each_epoch(callbacks: list[str]) -> None:
    net, expected = fitting.network(), list[dict[str, float]]()

    def scored(training: Training) -> None:
        expected.append(training.network.evaluate(fitting.X, fitting.Y))

    held_out = fitting.X[:50], fitting.Y[:50]
    history = fitting.fit(net, 3, callbacks=[*callbacks, scored], train_metrics=True, validation=held_out)
    assert history.keys() == ["loss", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds"]
    assert history["train_loss"].tolist() == [scores["loss"] for scores in expected]
    assert history["train_accuracy"].tolist() == [scores["accuracy"] for scores in expected]
    assert history.mode("train_accuracy") == "max"
    assert history.mode("train_loss") == "min"
    twin = fitting.network()
    fitting.fit(twin, 3, callbacks=callbacks)
    np.testing.assert_array_equal(twin.parameters, net.parameters)


def test_train_metrics_can_be_monitored_and_are_checked_first() -> None:
    fit, network = fitting.fit, fitting.network
    assert len(fit(network(), 30, train_metrics=True, callbacks=[nn.EarlyStopping("train_accuracy", patience=2)])) < 30
    with pytest.raises(nn.errors.ParameterError, match="train_metrics"):
        fit(network(), 1, train_metrics="accuracy")
    with pytest.raises(nn.errors.ShapeError):
        fit(network(), 1, train_metrics=True, metrics=["rmse"])
    with pytest.raises(nn.errors.ParameterError, match="train_metrics=True"):
        fit(network(), 1, callbacks=[nn.EarlyStopping("train_accuracy")])


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
    net.named_parameters()["dense_2.bias"][0] = np.inf  # as after training that diverged
    assert np.isnan(net.predict_proba(X)[:, 0]).all()
    mixed = np.where(np.arange(60)[:, None] == 7, np.inf, built().predict(X)).astype(np.float32)
    predictions = linked(built(), mixed)
    others = np.arange(60) != 7
    assert np.array_equal(predictions[others], whole[others])
    assert np.isnan(predictions[7]).all()
