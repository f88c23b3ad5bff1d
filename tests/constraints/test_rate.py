"""A constraint that depends on the learning rate follows its schedule, for compiled and NumPy optimizers."""

from __future__ import annotations

import numpy as np

import nncore as nn
from nncore.plugin import Optimizer
from nncore.testing import numpy_twin


def fitted(optimizer: Optimizer) -> np.ndarray:
    X = np.random.default_rng(0).normal(size=(40, 5))
    net = nn.Sequential(nn.Dense(6, activation="tanh", weight_constraint=nn.SoftThreshold(0.1)), nn.Dense(1))
    net.fit(X, X[:, :1], loss="mse", optimizer=optimizer, schedule="cosine", epochs=3, batch_size=8, rng=0, progress=False, dtype="float64")
    return net.parameters


def test_the_threshold_of_a_scheduled_rate_is_that_of_the_compiled_optimizer() -> None:
    np.testing.assert_allclose(fitted(numpy_twin(nn.SGD(lr=0.05))), fitted(nn.SGD(lr=0.05)), rtol=0, atol=1e-12)
