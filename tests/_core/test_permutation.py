"""The order of samples in an epoch: every sample once, the same for the same key, and equal to its oracle's."""

from __future__ import annotations

import numpy as np
import pytest
from levels import other_levels, run_tests

from nncore._core.program import permutation
from nncore.contract import random_words


def shuffled(n: int, seed: int, epoch: int) -> np.ndarray:
    """The shuffle of permutation.h, written in Python."""
    words = random_words(seed, epoch, 0xFFFFFFFF, 2 * n).astype(object)
    order = list(range(n))
    for i in range(n):
        j = (words[2 * i] + (words[2 * i + 1] << 32)) * (i + 1) >> 64
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64)


@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 9, 31, 32, 33, 1023])
def test_shuffles_like_its_oracle(n: int) -> None:
    for seed, epoch in ((0, 0), (2**64 - 1, 3), (12345, 2**40)):
        np.testing.assert_array_equal(permutation(n, seed, epoch), shuffled(n, seed, epoch))


def test_every_number_comes_to_every_place_about_as_often() -> None:
    n, times = 6, 6000
    counts = np.zeros((n, n))
    for epoch in range(times):
        counts[np.arange(n), permutation(n, 1, epoch)] += 1
    chi_squared = ((counts - times / n) ** 2 / (times / n)).sum()
    assert chi_squared < 60  # 25 degrees of freedom: exceeded once in ten thousand fair shuffles


def test_epochs_and_seeds_differ() -> None:
    orders = [tuple(permutation(50, seed, epoch)) for seed in range(3) for epoch in range(3)]
    assert len(set(orders)) == 9


@pytest.mark.parametrize("level", other_levels(quick="portable"))
def test_at_every_level(level: str) -> None:
    run_tests(level, __file__)
