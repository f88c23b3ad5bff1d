"""Metrics equal those of scikit-learn, with and without weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nncore import registry

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle")

N = 60


def score(name: str, output: np.ndarray, target: np.ndarray, weight: np.ndarray | None, **arguments: Any) -> float:
    found: float = registry.resolve("metrics", {"name": name, **arguments}).score(output, target, weight)
    return found


def weights(rng: np.random.Generator) -> list[np.ndarray | None]:
    return [None, rng.uniform(0.1, 2, N), rng.integers(1, 4, N) * 0.25]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_classes(n_classes: int, seed: int) -> None:
    rng = np.random.default_rng([seed, n_classes])
    p = rng.dirichlet(np.ones(n_classes), N).round(2 if seed % 2 else 6)  # with ties, and without
    p /= p.sum(axis=1, keepdims=True)
    y = np.append(np.arange(n_classes), rng.integers(n_classes, size=N - n_classes))
    of_rank, predicted = (p[:, 1] if n_classes == 2 else p), p.argmax(axis=1)
    for w in weights(rng):
        for target in (y, np.eye(n_classes)[y]):
            for average in ("macro", "weighted"):
                expected = metrics.roc_auc_score(y, of_rank, multi_class="ovr", average=average, sample_weight=w)
                np.testing.assert_allclose(score("roc_auc", p, target, w, average=average), expected, rtol=1e-12)
                expected = metrics.average_precision_score(y, of_rank, average=average, sample_weight=w)
                np.testing.assert_allclose(score("average_precision", p, target, w, average=average), expected, rtol=1e-12)
            for average in ("macro", "micro", "weighted"):
                expected = metrics.f1_score(y, predicted, average="binary" if n_classes == 2 else average, sample_weight=w)
                np.testing.assert_allclose(score("f1", p, target, w, average=average), expected, rtol=1e-12)
            expected = metrics.balanced_accuracy_score(y, predicted, sample_weight=w)
            np.testing.assert_allclose(score("balanced_accuracy", p, target, w), expected, rtol=1e-12)
            np.testing.assert_allclose(score("log_loss", p, target, w), metrics.log_loss(y, p, sample_weight=w), rtol=1e-12)
            np.testing.assert_allclose(score("brier", p, target, w), metrics.brier_score_loss(y, p, sample_weight=w), rtol=1e-12)
            for k in range(1, n_classes) if n_classes > 2 else ():
                expected = metrics.top_k_accuracy_score(y, p, k=k, sample_weight=w)
                np.testing.assert_allclose(score("top_k_accuracy", p, target, w, k=k), expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_one_output(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, y = rng.uniform(size=(N, 1)).round(2), np.append([0, 1], rng.integers(2, size=N - 2))
    for w in weights(rng):
        for target in (y, y[:, None].astype(float), 2.0 * y[:, None] - 1):
            yes = p[:, 0] > 0.5
            for name, expected in {
                "roc_auc": metrics.roc_auc_score(y, p[:, 0], sample_weight=w),
                "average_precision": metrics.average_precision_score(y, p[:, 0], sample_weight=w),
                "f1": metrics.f1_score(y, yes, sample_weight=w),
                "balanced_accuracy": metrics.balanced_accuracy_score(y, yes, sample_weight=w),
                "log_loss": metrics.log_loss(y, p[:, 0], sample_weight=w),
                "brier": metrics.brier_score_loss(y, p[:, 0], sample_weight=w),
            }.items():
                np.testing.assert_allclose(score(name, p, target, w), expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_labels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, true = rng.uniform(size=(N, 3)), rng.uniform(size=(N, 3)) < 0.4
    for w in weights(rng):
        target = true.astype(float)
        for average in ("macro", "weighted"):
            for name, theirs in {"roc_auc": metrics.roc_auc_score, "average_precision": metrics.average_precision_score}.items():
                expected = theirs(true, p, average=average, sample_weight=w)
                np.testing.assert_allclose(score(name, p, target, w, average=average), expected, rtol=1e-12)
        for average in ("macro", "micro", "weighted"):
            expected = metrics.f1_score(true, p > 0.5, average=average, sample_weight=w)
            np.testing.assert_allclose(score("f1", p, target, w, average=average), expected, rtol=1e-12)
        for name, of_one in {"log_loss": metrics.log_loss, "brier": metrics.brier_score_loss}.items():
            expected = np.mean([of_one(true[:, k], p[:, k], sample_weight=w) for k in range(3)])
            np.testing.assert_allclose(score(name, p, target, w), expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_numbers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, p = rng.normal(size=(N, 2)), rng.normal(size=(N, 2)).round(1)
    for w in [*weights(rng), rng.integers(0, 3, N).astype(float)]:
        expected = metrics.mean_absolute_percentage_error(y, p, sample_weight=w)
        np.testing.assert_allclose(score("mape", p, y, w), expected, rtol=1e-12)
        expected = metrics.median_absolute_error(y, p, sample_weight=w)
        np.testing.assert_allclose(score("median_absolute_error", p, y, w), expected, rtol=1e-12)
        levels = np.column_stack([p[:, 0], p[:, 0] + 1, p[:, 1], p[:, 1] + 1])
        expected = np.mean([
            metrics.mean_pinball_loss(y[:, k], p[:, k] + more, alpha=q, sample_weight=w) for k in (0, 1) for q, more in ((0.3, 0), (0.9, 1))
        ])  # fmt: skip
        np.testing.assert_allclose(score("pinball", levels, y, w, quantiles=(0.3, 0.9)), expected, rtol=1e-12)
    zero = np.zeros((4, 1))
    assert score("mape", zero + 1, zero, None) == metrics.mean_absolute_percentage_error(zero, zero + 1)


def test_sure_wrong_answers_cost_what_they_cost_there() -> None:
    for dtype in (np.float32, np.float64):
        p, y = np.array([[1, 0], [0, 1], [0.5, 0.5]], dtype), np.array([1, 1, 0])
        np.testing.assert_allclose(score("log_loss", p, y, None), metrics.log_loss(y, p), rtol=1e-6)
