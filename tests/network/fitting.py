"""A network with batch normalisation and dropout, data of two classes, and a short fit."""

from __future__ import annotations

import numpy as np

import nncore as nn

X = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(np.int64)


def network(**build: object) -> nn.Sequential:
    layers = nn.Dense(12), nn.BatchNorm(), nn.ActivationLayer("relu"), nn.Dropout(0.2), nn.Dense(2)
    return nn.Sequential(*layers).build(6, **{"loss": "softmax_cross_entropy", "optimizer": nn.Adam(lr=0.01), "rng": 0, **build})


def fit(net: nn.Sequential, epochs: int = 3, **arguments: object) -> nn.History:
    return net.fit(X, Y, **{"epochs": epochs, "batch_size": 32, "progress": False, **arguments})
