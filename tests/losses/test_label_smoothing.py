"""Label smoothing: a fraction of each target is spread over all classes, only in training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from losses.training import minimised, one_hot

import nncore as nn
from nncore.errors import ParameterError
from nncore.losses.binary_cross_entropy import BinaryCrossEntropy
from nncore.losses.cross_entropy import CrossEntropy
from nncore.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncore.losses.softmax_heads import SoftmaxHeads
from nncore.plugin import Loss
from nncore.testing.losses import Rung
from nncore.testing.twin import numpy_twin

SMOOTHED = SoftmaxCrossEntropy(label_smoothing=0.2)


@pytest.mark.parametrize("n_classes", [1, 3, 10, 40, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["labels", "rows", "rows that do not add up to 1"])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_is_the_plain_loss_of_smoothed_targets(n_classes: int, dtype: type, kind: str, offset: float) -> None:
    rng = np.random.default_rng(0)
    z = (offset + 3 * rng.normal(size=(33, n_classes))).astype(dtype)
    labels, weight = rng.integers(n_classes, size=33), rng.uniform(0.5, 2, 33).astype(dtype)
    rows = np.eye(n_classes)[labels] if kind == "labels" else rng.dirichlet(np.ones(n_classes), 33) * (2 if "not" in kind else 1)
    plain = Rung(numpy_twin(SoftmaxCrossEntropy()))
    value, d_z = plain(z.astype(float), 0.8 * rows + 0.2 * rows.mean(axis=1, keepdims=True), weight.astype(float))
    target = labels if kind == "labels" else rows.astype(dtype)
    tolerance = (16 + n_classes) * np.finfo(dtype).eps
    for rung in (Rung(SMOOTHED), Rung(numpy_twin(SMOOTHED))):
        ours, d_ours = rung(z, target, weight)
        np.testing.assert_allclose(ours, value, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(d_ours, d_z, rtol=tolerance, atol=tolerance)


def test_closed_form() -> None:
    """With four equal logits every probability is ¼ for any smoothing; then p = (½, ½) against (0.9, 0.1)."""
    np.testing.assert_allclose(SMOOTHED.forward(np.zeros((1, 4)), np.array([2])), np.log(4), rtol=1e-15)
    np.testing.assert_allclose(SMOOTHED.backward(np.zeros((1, 4)), np.array([2])), [[0.2, 0.2, -0.6, 0.2]], rtol=1e-14)
    np.testing.assert_allclose(SMOOTHED.backward(np.zeros((1, 2)), np.array([0])), [[-0.4, 0.4]], rtol=1e-14)


def test_keeps_probabilities_away_from_certainty() -> None:
    """At the minimum for certain classes, the right one has the probability 1 − ε + ε/C and the others ε/C."""
    labels = np.repeat([0, 1, 2], 10)
    probabilities = minimised(SMOOTHED, one_hot(labels), labels, 3).predict_proba(np.eye(3))
    np.testing.assert_allclose(probabilities, 0.8 * np.eye(3) + 0.2 / 3, atol=1e-4)


@pytest.mark.parametrize("label_smoothing", [-0.1, 1.1, np.nan, None, "0.1", True])
def test_the_fraction_is_checked(label_smoothing: object) -> None:
    with pytest.raises(ParameterError, match=r"label_smoothing must be a number in \[0, 1\]"):
        SoftmaxCrossEntropy(label_smoothing)  # type: ignore[arg-type]


def rungs(loss: Loss) -> tuple[Rung, Rung]:
    return Rung(loss), Rung(numpy_twin(loss))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_of_probabilities(dtype: type) -> None:
    rng = np.random.default_rng(1)
    y, labels, weight = rng.dirichlet(np.ones(4), 20), rng.integers(4, size=20), rng.uniform(0.5, 2, 20).astype(dtype)
    rows = np.eye(4)[labels]
    value, d_y = Rung(numpy_twin(CrossEntropy()))(y, 0.7 * rows + 0.3 / 4, weight.astype(float))
    for target in (labels, rows.astype(dtype)):
        for rung in rungs(CrossEntropy(label_smoothing=0.3)):
            ours, d_ours = rung(y.astype(dtype), target, weight)
            np.testing.assert_allclose(ours, value, rtol=32 * np.finfo(dtype).eps)
            np.testing.assert_allclose(d_ours, d_y, rtol=32 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_yes_no_output_trains_like_two_classes(dtype: type) -> None:
    rng = np.random.default_rng(2)
    z, labels = rng.normal(size=(20, 1)), rng.integers(2, size=20)
    weight = rng.uniform(0.5, 2, 20).astype(dtype)
    value, d_z = Rung(numpy_twin(SMOOTHED))(np.hstack([0 * z, z]), labels, weight.astype(float))
    for rung in rungs(BinaryCrossEntropy(label_smoothing=0.2)):
        ours, d_ours = rung(z.astype(dtype), labels[:, None].astype(dtype), weight)
        np.testing.assert_allclose(ours, value, rtol=32 * np.finfo(dtype).eps)
        np.testing.assert_allclose(d_ours, d_z[:, 1:], rtol=32 * np.finfo(dtype).eps, atol=32 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [(3, 2, 5), (2, 300)])
def test_each_head_by_itself(n_classes: tuple[int, ...], dtype: type) -> None:
    rng = np.random.default_rng(3)
    z, weight = rng.normal(size=(20, sum(n_classes))), rng.uniform(0.5, 2, 20).astype(dtype)
    labels = rng.integers(n_classes, size=(20, len(n_classes)))
    of_one = Rung(numpy_twin(SMOOTHED))
    heads = np.split(z, np.cumsum(n_classes)[:-1], axis=1)
    pairs = [of_one(head, labels[:, number], weight.astype(float)) for number, head in enumerate(heads)]
    for rung in rungs(SoftmaxHeads(n_classes, label_smoothing=0.2)):
        ours, d_ours = rung(z.astype(dtype), labels.astype(dtype), weight)
        np.testing.assert_allclose(ours, sum(value for value, _ in pairs), rtol=64 * np.finfo(dtype).eps)
        expected = np.hstack([d_z for _, d_z in pairs])
        np.testing.assert_allclose(d_ours, expected, rtol=64 * np.finfo(dtype).eps, atol=64 * np.finfo(dtype).eps)


#: A loss, the last activation of a network for it, its outputs, and targets of 40 samples.
RNG = np.random.default_rng(4)
CASES: dict[str, tuple[Loss, str | None, int, np.ndarray]] = {
    "classes": (SoftmaxCrossEntropy(label_smoothing=0.2), None, 3, RNG.integers(3, size=40)),
    "probabilities": (CrossEntropy(label_smoothing=0.2), "softmax", 3, RNG.integers(3, size=40)),
    "yes or no": (BinaryCrossEntropy(label_smoothing=0.2), None, 1, RNG.integers(2, size=(40, 1)).astype(float)),
    "heads": (SoftmaxHeads((3, 2), label_smoothing=0.2), None, 5, RNG.integers((3, 2), size=(40, 2)).astype(float)),
}


@pytest.mark.parametrize("in_numpy", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_networks_are_scored_without_it(case: str, in_numpy: bool) -> None:
    loss, activation, n_outputs, y = CASES[case]
    X = np.random.default_rng(5).normal(size=(40, 3))
    used: Any = numpy_twin(loss) if in_numpy else loss
    net = nn.Sequential(nn.Dense(n_outputs, activation=activation))
    given = {"loss": used, "optimizer": nn.SGD(lr=0.0), "validation": (X, y), "rng": 0, "batch_size": 40, "progress": False}
    smoothed, plain = (dict.fromkeys(loss.training_only, value) for value in (0.2, 0.0))
    history = net.fit(X, y, epochs=2, **given)
    trained, scored = (Rung(type(loss)(**loss.config() | own)) for own in (smoothed, plain))
    outputs, weight = net.predict(X), np.ones(40, np.float32)
    target = y if y.ndim == 1 else y.astype(np.float32)
    expected = scored.value(outputs, target, weight).mean()
    assert history["loss"][-1] == pytest.approx(trained.value(outputs, target, weight).mean(), rel=1e-5)
    assert history["val_loss"][-1] == pytest.approx(expected, rel=1e-5)
    assert net.evaluate(X, y)["loss"] == pytest.approx(expected, rel=1e-5)
    assert history["loss"][-1] != pytest.approx(expected, rel=1e-4), "smoothing must change the loss"
    gradients = net.input_gradients(X, y=y)
    other = type(loss)(**loss.config() | plain)
    net.fit(X, y, epochs=1, **given | {"loss": other, "rng": None})
    np.testing.assert_allclose(net.input_gradients(X, y=y), gradients, atol=1e-6)


def test_a_schedule_of_it_leaves_scores_alone() -> None:
    X, y = np.random.default_rng(6).normal(size=(40, 3)), np.arange(40) % 3
    net = nn.Sequential(nn.Dense(3))
    given: Any = {"validation": (X, y), "rng": 0, "batch_size": 10, "progress": False, "epochs": 4, "optimizer": nn.SGD(lr=0.0)}
    falling = net.fit(X, y, loss=SoftmaxCrossEntropy(label_smoothing=0.4), schedule={"loss.label_smoothing": "cosine"}, **given)
    assert len(set(falling["val_loss"])) == 1
    assert falling["loss"][-1] < falling["loss"][0]


def test_a_loss_without_it_is_scored_as_it_is() -> None:
    loss = SoftmaxCrossEntropy()
    assert loss.for_evaluation() is loss
    assert SMOOTHED.for_evaluation().config() == loss.config()
