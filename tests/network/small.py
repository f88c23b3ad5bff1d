"""A small network without randomness, and data of three classes."""

from __future__ import annotations

import numpy as np

import nncore as nn

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4)).astype(np.float32)
Y = rng.integers(3, size=60)


def built(**arguments: object) -> nn.Sequential:
    layers = nn.Dense(5, activation="tanh"), nn.Dense(3)
    return nn.Sequential(*layers).build(4, **{"loss": "softmax_cross_entropy", "optimizer": "adam", "rng": 0, **arguments})
