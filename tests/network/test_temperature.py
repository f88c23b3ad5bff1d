"""Temperature scaling: the minimum of the cross-entropy over 1/T, and networks with their last layer divided by T."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import NotBuiltError, ParameterError, ShapeError
from nncore.network.temperature import find_temperature

RNG = np.random.default_rng(0)


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def drawn(n_rows: int, n_classes: int, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are too large by a factor, and one-hot targets drawn from the correct ones."""
    logits = np.random.default_rng(1).normal(size=(n_rows, n_classes))
    chances = softmax(logits).cumsum(axis=1)
    labels = (np.random.default_rng(2).uniform(size=(n_rows, 1)) > chances).sum(axis=1)
    return sharpness * logits, np.eye(n_classes)[labels]


def cross_entropy(logits: np.ndarray, targets: np.ndarray, weights: np.ndarray, temperature: float) -> float:
    """Cross-entropy of targets with the documented smoothing."""
    n = weights.sum() ** 2 / (weights**2).sum()
    wanted = targets + (1 / targets.shape[1] - targets) / (n + 1)
    return float(weights @ -(wanted * np.log(softmax(logits / temperature))).sum(axis=1))


@pytest.mark.parametrize("sharpness", [0.2, 1.0, 7.0])
@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_minimum(n_classes: int, sharpness: float, weighted: bool) -> None:
    logits, targets = drawn(300, n_classes, sharpness)
    weights = np.random.default_rng(3).uniform(0.1, 2, 300) if weighted else np.ones(300)
    found = find_temperature([(logits[:, None], targets[:, None])], weights if weighted else None)
    values = [cross_entropy(logits, targets, weights, found * factor) for factor in (0.999, 1.0, 1.001)]
    assert values[1] == min(values)
    assert 0.5 * sharpness < found < 2 * sharpness
    again = find_temperature([(logits[:, None], targets[:, None])], 1e6 * weights)
    assert again == pytest.approx(found, rel=1e-10), "only the proportions of weights count"


def test_many_samples_show_how_sharp_logits_are() -> None:
    logits, targets = drawn(200_000, 3, 4.0)
    assert find_temperature([(logits[:, None], targets[:, None])]) == pytest.approx(4, rel=0.02)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_samples_that_are_all_right_make_nothing_certain(offset: float) -> None:
    """If all samples are right, the probability of an error is estimated as ε·(1 − 1/C) with ε = 1/(n + 1), not as 0."""
    logits, targets = np.array([[8.0, 0.0, 0.0]] * 20) + offset, np.array([[1.0, 0, 0]] * 20)
    found = find_temperature([(logits[:, None], targets[:, None])])
    assert softmax(logits / found)[0, 0] == pytest.approx(1 - 2 / 3 / 21, rel=1e-9)


@pytest.mark.parametrize(("logits", "expected"), [([0.0, 0.0], None), ([-5.0, 5.0], 100.0), ([1e-4, 0.0], 0.01)])
def test_the_ends_of_the_range(logits: list[float], expected: float | None) -> None:
    """The ends of the range are reached for logits that are uninformative, all wrong, or tiny."""
    z, targets = np.array([[logits]] * 9), np.array([[[1.0, 0.0]]] * 9)
    found = find_temperature([(z, targets)])
    assert 0.01 <= found <= 100
    assert expected is None or found == pytest.approx(expected, rel=1e-9)


def probabilities_of(links: str, z: np.ndarray) -> np.ndarray:
    if links == "yes or no":
        return np.asarray(1 / (1 + np.exp(-z)))
    return np.hstack([softmax(z[:, :3]), softmax(z[:, 3:])]) if links == "heads" else softmax(z)


X = RNG.normal(size=(120, 4))
SIGNAL = 2 * X[:, :3] + RNG.gumbel(size=(120, 3))
LABELS = SIGNAL.argmax(axis=1)
#: A loss, its outputs, and targets of 120 samples.
CASES: dict[str, tuple[Any, int, np.ndarray]] = {
    "classes": ("softmax_cross_entropy", 3, LABELS),
    "rows": ("softmax_cross_entropy", 3, 0.8 * np.eye(3)[LABELS] + 0.2 / 3),
    "yes or no": ("binary_cross_entropy", 2, (SIGNAL[:, :2] > 0).astype(float)),
    "heads": ({"name": "softmax_heads", "n_classes": (3, 2)}, 5, np.column_stack([LABELS, SIGNAL[:, 0] > 0]).astype(float)),
}


def fitted(case: str, dtype: str = "float32") -> nn.Sequential:
    """A network that overfits the first 60 samples."""
    loss, n_outputs, y = CASES[case]
    net = nn.Sequential(nn.Dense(32, activation="relu"), nn.Dense(n_outputs))
    net.build(4, loss=loss, optimizer=nn.Adam(0.03), rng=0, dtype=dtype)
    net.fit(X[:60], y[:60], epochs=60, progress=False)
    return net


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_of_a_network(case: str, dtype: str, tmp_path: Path) -> None:
    y, net = CASES[case][2], fitted(case, dtype)
    logits, loss = net.predict(X), net.evaluate(X[60:], y[60:])["loss"]
    temperature = net.calibrate(X[60:], y[60:])
    assert 1.5 < temperature < 50, "the network was overconfident"
    tolerance = 1e-4 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(net.predict(X), logits / temperature, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(net.predict_proba(X), probabilities_of(case, logits / temperature), rtol=tolerance, atol=tolerance)
    assert net.evaluate(X[60:], y[60:])["loss"] < loss
    assert net.calibrate(X[60:], y[60:]) == pytest.approx(1, rel=max(tolerance, 1e-9))
    net.save(tmp_path / "net.nncore")
    np.testing.assert_array_equal(nn.load(tmp_path / "net.nncore").predict(X), net.predict(X))


def test_weights_are_as_good_as_samples_left_out() -> None:
    y = CASES["classes"][2]
    weight = np.repeat([0.0, 1.0], 60)
    one, other = fitted("classes"), fitted("classes")
    assert one.calibrate(X, y, sample_weight=weight) == pytest.approx(other.calibrate(X[60:], y[60:]), rel=1e-6)


def test_refusals() -> None:
    y = CASES["classes"][2]
    with pytest.raises(NotBuiltError):
        nn.Sequential(nn.Dense(3)).calibrate(X, y)
    with pytest.raises(ShapeError, match="120 samples, y has 60"):
        fitted("classes").calibrate(X, y[:60])
    regression = nn.Sequential(nn.Dense(1)).build(4, loss="mse", rng=0)
    with pytest.raises(ParameterError, match="logits of classes"):
        regression.calibrate(X, y)
    probabilities = nn.Sequential(nn.Dense(3, activation="softmax")).build(4, loss="cross_entropy", rng=0)
    with pytest.raises(ParameterError, match="logits of classes"):
        probabilities.calibrate(X, y)
    no_parameters = nn.Sequential(nn.Flatten()).build(4, loss="softmax_cross_entropy")
    with pytest.raises(ParameterError, match="has none"):
        no_parameters.calibrate(X, y)


def test_a_network_that_does_not_follow_its_last_layer_stays_as_it_is() -> None:
    y = CASES["classes"][2]
    net = nn.Sequential(nn.Dense(3), nn.Residual([nn.Dense(3)])).build(4, loss="softmax_cross_entropy", rng=0)
    net.parameters[...] *= 20
    before = net.parameters.copy()
    with pytest.raises(ParameterError, match="end it with a Dense layer"):
        net.calibrate(X, y)
    np.testing.assert_array_equal(net.parameters, before)
