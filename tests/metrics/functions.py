"""A regression of two numbers, to be fitted with plain functions as losses and metrics."""

from __future__ import annotations

import numpy as np

import nncore as nn


def data() -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).normal(size=(60, 3))
    return X, X @ np.ones((3, 2))


def network() -> nn.Sequential:
    return nn.Sequential(nn.Dense(4, activation="tanh"), nn.Dense(2))
