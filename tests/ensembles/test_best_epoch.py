"""The best epoch of an average, in whatever order the starts reach it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import nncore as nn
from nncore.ensembles.best_epoch import BestTogether


def network(value):
    made = nn.Sequential(nn.Dense(1)).build(1)
    made.parameters[:] = value
    return made


def score(outputs):
    return float(np.mean(outputs))


#: Scores of two starts, by epoch; their averages are 2, 3, 3, 1.
SCORES = [[1.0, 5.0, 2.0, 1.0], [3.0, 1.0, 4.0, 1.0]]
ORDERS = [order for order in itertools.product([0, 1], repeat=8) if sum(order) == 4]


@pytest.mark.parametrize(("ties", "best"), [("first", 2), ("last", 3)])
def test_the_order_in_which_starts_arrive_does_not_matter(ties, best):
    for order in ORDERS:
        together = BestTogether(2, score, np.empty((0, 1)), patience=9, ties=ties, sign=-1)
        starts, epochs = [network(0), network(0)], [0, 0]
        for number in order:
            own = SCORES[number][epochs[number]]
            epochs[number] += 1
            starts[number].parameters[:] = epochs[number]
            together.arrived(number, epochs[number], np.array([own]), starts[number], own)
        together.restore(starts)
        assert together.best_epoch == best
        assert together.best_value == -3
        assert all((one.parameters == best).all() for one in starts)


def test_epochs_that_not_all_come_to_do_not_count():
    for late in (0, 1):
        together = BestTogether(2, score, np.empty((0, 1)), patience=9, ties="last", sign=1)
        one = network(1)
        together.arrived(0, 1, np.array([1.0]), one, 1.0)
        together.arrived(1, 1, np.array([1.0]), one, 1.0)
        together.arrived(late, 2, np.array([9.0]), one, 9.0)
        together.ended(1)
        together.arrived(1 - late, 2, np.array([9.0]), one, 9.0)
        assert together.best_epoch == 1


def test_without_any_number_nothing_is_put_back():
    together = BestTogether(1, score, np.empty((0, 1)), patience=9, ties="last", sign=1)
    one = network(7)
    together.arrived(0, 1, np.array([np.nan]), one, np.nan)
    together.restore([one])
    assert together.best_epoch == 0
    assert (one.parameters == 7).all()
