"""Random signs of an ensemble's members."""

from __future__ import annotations

import numpy as np

import nncore as nn


def test_half_of_them_are_negative() -> None:
    signs = nn.get("initializers", "random_signs")().sample(np.random.default_rng(0), (100, 1000), 30, 20)
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert abs(signs.mean()) < 5 / np.sqrt(signs.size)  # wrong once in two million seeds
    assert abs((signs[:, 1:] * signs[:, :-1]).mean()) < 5 / np.sqrt(signs.size)
