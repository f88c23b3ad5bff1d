"""Softmax cross-entropy with targets of which a fraction is spread over all classes."""

from __future__ import annotations

import numpy as np
import pytest
from losses.training import minimised, one_hot

from nncore.errors import ParameterError
from nncore.losses.softmax_cross_entropy import SoftmaxCrossEntropy
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
    """Four equal logits: every probability is ¼, whatever is smoothed; then p = (½, ½) against (0.9, 0.1)."""
    np.testing.assert_allclose(SMOOTHED.forward(np.zeros((1, 4)), np.array([2])), np.log(4), rtol=1e-15)
    np.testing.assert_allclose(SMOOTHED.backward(np.zeros((1, 4)), np.array([2])), [[0.2, 0.2, -0.6, 0.2]], rtol=1e-14)
    np.testing.assert_allclose(SMOOTHED.backward(np.zeros((1, 2)), np.array([0])), [[-0.4, 0.4]], rtol=1e-14)


def test_keeps_probabilities_away_from_certainty() -> None:
    """Where classes are certain, the minimum has 1 − ε + ε/C for the right one and ε/C for the others."""
    labels = np.repeat([0, 1, 2], 10)
    probabilities = minimised(SMOOTHED, one_hot(labels), labels, 3).predict_proba(np.eye(3))
    np.testing.assert_allclose(probabilities, 0.8 * np.eye(3) + 0.2 / 3, atol=1e-4)


@pytest.mark.parametrize("label_smoothing", [-0.1, 1.1, np.nan, None, "0.1", True])
def test_the_fraction_is_checked(label_smoothing: object) -> None:
    with pytest.raises(ParameterError, match=r"label_smoothing must be a number in \[0, 1\]"):
        SoftmaxCrossEntropy(label_smoothing)  # type: ignore[arg-type]
