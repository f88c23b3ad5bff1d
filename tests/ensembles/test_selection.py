"""Greedy selection of ensembles."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from nncore.ensembles.selection import OutOfFold, greedy_weights
from nncore.registry import resolve

N = 200


def classes(loss="softmax_cross_entropy", metric=None, n_candidates=4):
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, N)
    logits = [2 * np.eye(3)[target] + rng.normal(scale=2, size=(N, 3)) for _ in range(n_candidates)]
    candidates = [np.exp(z) / np.exp(z).sum(axis=1, keepdims=True) for z in logits]
    metric = None if metric is None else resolve("metrics", metric)
    return candidates, OutOfFold(target, None, resolve("losses", loss), metric, "min" if metric is None else "max")


def test_scores_are_those_of_scikit_learn():
    [outputs, *_], held_out = classes()
    assert held_out.score(outputs) == pytest.approx(-log_loss(held_out.target, outputs))
    [outputs, *_], held_out = classes(metric="accuracy")
    assert held_out.score(outputs) == accuracy_score(held_out.target, outputs.argmax(axis=1))
    smoothed, _ = classes()
    loss = resolve("losses", {"name": "softmax_cross_entropy", "label_smoothing": 0.3})
    assert OutOfFold(held_out.target, None, loss, None, "min").score(smoothed[0]) == pytest.approx(-log_loss(held_out.target, smoothed[0]))


def test_binary_and_counts():
    rng = np.random.default_rng(1)
    p, y = rng.uniform(0.1, 0.9, (N, 1)), rng.integers(0, 2, (N, 1)).astype(float)
    assert OutOfFold(y, None, resolve("losses", "binary_cross_entropy"), None, "min").score(p) == pytest.approx(-log_loss(y[:, 0], p[:, 0]))
    poisson = OutOfFold(y, None, resolve("losses", "poisson"), None, "min")
    assert poisson.score(np.full((N, 1), y.mean())) > poisson.score(np.full((N, 1), 2 * y.mean()))


def test_certain_probabilities_have_a_finite_loss():
    held_out = OutOfFold(np.array([0, 1]), None, resolve("losses", "softmax_cross_entropy"), None, "min")
    assert np.isfinite(held_out.score(np.array([[0.0, 1.0], [0.0, 1.0]])))


def test_every_round_adds_what_helps_most():
    candidates, held_out = classes()
    counts = greedy_weights(candidates, held_out, n_rounds=3)
    best = max(itertools.product(range(4), repeat=1), key=lambda chosen: held_out.score(candidates[chosen[0]]))
    assert counts[best[0]] >= 1
    mean = np.average(candidates, axis=0, weights=counts)
    assert held_out.score(mean) >= max(map(held_out.score, candidates))


def test_a_perfect_candidate_is_alone():
    candidates, held_out = classes()
    candidates[2] = np.eye(3)[held_out.target]
    assert greedy_weights(candidates, held_out).tolist() == [0, 0, 1, 0]


def test_of_equal_accuracies_the_smaller_loss_decides():
    held_out = OutOfFold(np.array([0, 1]), None, resolve("losses", "softmax_cross_entropy"), resolve("metrics", "accuracy"), "max")
    unsure, sure = np.array([[0.6, 0.4], [0.4, 0.6]]), np.array([[0.9, 0.1], [0.1, 0.9]])
    assert greedy_weights([unsure, sure], held_out).tolist() == [0, 1]


def test_candidates_that_are_not_finite_are_not_chosen():
    candidates, held_out = classes()
    candidates[0] = np.full_like(candidates[0], np.nan)
    assert greedy_weights(candidates, held_out)[0] == 0


def test_one_candidate():
    candidates, held_out = classes(n_candidates=1)
    assert greedy_weights(candidates, held_out).tolist() == [1]
