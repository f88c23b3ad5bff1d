"""Only the ratios of sample weights count, for weights of any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from components import losses

import nncore as nn
from nncore import registry
from nncore.contract import activation_for
from nncore.errors import DataError
from nncore.plugin import Loss
from nncore.testing.losses import example
from nncore.testing.metrics import example as example_of_metric
from nncore.testing.widths import outputs_for

#: Powers of two, which change no bit, and factors that may change the last one.
POWERS = [2.0**-1070, 2.0**-300, 2.0**130, 2.0**1000]
SIZES = [1e-320, 1e-300, 1e-40, 1e37, 1e39, 1e300, 1.7e308]
N = 60
X = np.random.default_rng(0).normal(size=(N, 4))


def trained(loss: Loss, dtype: type, weights: np.ndarray | None, **arguments: Any) -> list[np.ndarray]:
    """Results of training and scoring with weights."""
    n_outputs = outputs_for(loss, 3)
    _, real, labels = example(loss, N, n_outputs, np.float64)
    target = labels if real is None else real
    net = nn.Sequential(nn.Dense(n_outputs, activation=activation_for(loss, n_outputs)))
    net.build(4, loss=loss, optimizer=nn.SGD(lr=0.01), rng=0, dtype=dtype)
    net.fit(X, target, epochs=2, batch_size=N if loss.needs_batch else 16, sample_weight=weights, progress=False, **arguments)
    by_hand = net.train_on_batch(X, target, weights)
    net.forward(X, training=True)
    net.backward(target, weights)
    scores = net.evaluate(X, target, sample_weight=weights)
    return [net.parameters, net.gradients, np.array([by_hand, *scores.values()])]


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("loss", losses(), ids=repr)
def test_any_size(loss: Loss, dtype: type) -> None:
    expected = trained(loss, dtype, None)
    for size in POWERS:
        for value, right in zip(trained(loss, dtype, np.full(N, size)), expected, strict=True):
            assert value.tobytes() == right.tobytes(), size
    for size in SIZES:
        for value, right in zip(trained(loss, dtype, np.full(N, size)), expected, strict=True):
            np.testing.assert_allclose(
                value, right, rtol=1e-5 if dtype is np.float32 else 1e-12, atol=1e-6 if dtype is np.float32 else 1e-14
            )


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_ratios_beyond_float32(dtype: type) -> None:
    """Weights of a batch relative to other batches do not matter, also beyond float32's range; those of rows within a step do."""

    def after(weights: np.ndarray, accumulate: int) -> np.ndarray:
        net = nn.Sequential(nn.Dense(1)).build(4, loss="half_mse", optimizer=nn.SGD(lr=0.1), rng=0, dtype=dtype)
        net.fit(X, X[:, 0], epochs=1, batch_size=15, sample_weight=weights, accumulate=accumulate, shuffle=False, progress=False)
        return net.parameters

    half, odd = np.where(np.arange(N) < 30, 1.0, 1e-60), np.where(np.arange(N) % 2, 1.0, 1e-60)
    np.testing.assert_allclose(after(half, 1), after(np.ones(N), 1), rtol=1e-6)
    np.testing.assert_allclose(after(half, 2), after(np.ones(N), 2), rtol=1e-6)
    np.testing.assert_allclose(after(half, 4), after(half > 0.5, 4), rtol=1e-6)
    np.testing.assert_allclose(after(half[::-1], 4), after(half[::-1] > 0.5, 4), rtol=1e-6)
    np.testing.assert_allclose(after(odd, 1), after(odd > 0.5, 1), rtol=1e-6)


@pytest.mark.parametrize("weight", [-1e-300, np.nan, np.inf])
def test_what_is_no_weight(weight: float) -> None:
    weights = np.ones(N)
    weights[3] = weight
    net = nn.Sequential(nn.Dense(1)).build(4, loss="mse", optimizer="sgd", rng=0)
    before = net.parameters.copy()
    for train in (
        net.train_on_batch,
        lambda *args: net.fit(*args[:2], sample_weight=args[2]),
        lambda *args: net.evaluate(*args[:2], sample_weight=args[2]),
    ):
        with pytest.raises(DataError, match="sample_weight"):
            train(X, X[:, 0], weights)
    np.testing.assert_array_equal(net.parameters, before)


@pytest.mark.parametrize("name", registry.names("metrics"))
def test_metrics(name: str) -> None:
    metric = registry.get("metrics", name)
    for arguments in metric.examples or ({},):
        made = metric(**arguments)
        output, target = example_of_metric(made)
        weights = np.random.default_rng(0).uniform(0.5, 2, len(output))
        for size in (1e-300, 1e300, 2e307):
            assert made.score(output, target, weights * size) == pytest.approx(made.score(output, target, weights), rel=1e-12)
