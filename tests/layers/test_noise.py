"""Layers that act only in training, except dropout: noise, and dropout for SELU."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError
from nncore.plugin import random_words, standard_normal

SHAPE = (300, 40)


def passed(layer: nn.plugin.Layer, X: np.ndarray) -> np.ndarray:
    """Output of the layer for X in a training step; the layer before it passes X on and has the parameters that training needs."""
    return nn.Sequential(nn.Scale(), layer).build(X.shape[1], rng=0).forward(X.astype(np.float32), training=True).astype(np.float64)


def test_noise_is_normal_and_that_of_philox() -> None:
    net = nn.Sequential(nn.Scale(), nn.GaussianNoiseLayer(0.5)).build(SHAPE[1], rng=0)
    noise = net.forward(np.zeros(SHAPE, np.float32), training=True)
    assert abs(noise.mean()) < 5 * 0.5 / np.sqrt(noise.size)
    assert noise.std() == pytest.approx(0.5, rel=0.03)
    expected = 0.5 * standard_normal(random_words(net.seed, 1, 1, noise.size)).reshape(SHAPE)
    np.testing.assert_allclose(noise, expected, rtol=1e-5, atol=1e-6)


def test_normal_numbers_of_words_are_those_of_the_distribution() -> None:
    """The normal numbers made from random words are quantiles: the lower 31 bits count from an end, the highest bit is the sign."""
    for level, value in ((0.001, 3.090232), (0.01, 2.326348), (0.1, 1.281552), (0.5, 0.0), (1e-7, 5.199338)):
        word = round(2 * level * 2**31 - 0.5)
        words = np.array([min(word, 2**31 - 1), min(word, 2**31 - 1) + 2**31], np.uint32)
        np.testing.assert_allclose(standard_normal(words), [value, -value], atol=2e-5)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.3, 0.9])
def test_alpha_dropout_keeps_mean_and_variance(rate: float) -> None:
    X = np.random.default_rng(1).normal(size=(3000, 40))
    y = passed(nn.AlphaDropout(rate), X)
    n = np.sqrt(y.size)
    assert abs(y.mean() - X.mean()) < 12 / n
    assert abs(y.var() - X.var()) < 40 / n
    values, counts = np.unique(y, return_counts=True)
    fraction = counts.max() / y.size if rate else 0.0
    assert fraction == pytest.approx(rate, abs=5 / n)
    assert len(values) >= (1 - rate) * y.size * 0.9


def test_selu_keeps_its_mean_and_variance_through_alpha_dropout_and_not_through_dropout() -> None:
    a = nn.get("activations", "selu")().forward(np.random.default_rng(2).normal(size=(3000, 40)))
    kept, lost = passed(nn.AlphaDropout(0.3), a), passed(nn.Dropout(0.3), a)
    assert abs(kept.var() - 1) < 0.05 < abs(lost.var() - 1)


@pytest.mark.parametrize("layer", [nn.GaussianNoiseLayer(0.3), nn.AlphaDropout(0.3)], ids=repr)
def test_at_prediction_they_are_left_out(layer: nn.plugin.Layer) -> None:
    X = np.random.default_rng(3).normal(size=(20, 4)).astype(np.float32)
    np.testing.assert_array_equal(nn.Sequential(layer).build(4, rng=0).predict(X), X)


def test_what_they_refuse() -> None:
    with pytest.raises(ParameterError, match="GaussianNoiseLayer: std"):
        nn.GaussianNoiseLayer(-0.1)
    with pytest.raises(ParameterError, match="AlphaDropout: rate"):
        nn.AlphaDropout(1.0)
