"""Encodings that learn from a summary of the training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nncore.contract import SAMPLE_SIZE
from nncore.ensembles.input_columns import InputColumns, InputLayout
from nncore.ensembles.recipes import recipe
from nncore.ensembles.row_summary import SummariesLearner, code_edges
from nncore.ensembles.tabm_recipe import TabMRecipe
from nncore.errors import DataError

REALMLP, TABM = recipe("td", is_classifier=True), TabMRecipe()
LAYOUT = InputLayout(np.array([0, 2]), np.array([1]), np.array([1]), np.array([3]), np.array([3]), np.array([30]))


def rows(n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    matrix = np.column_stack([rng.normal(3, 5, n), rng.integers(0, 4, n), rng.normal(size=n), rng.integers(-1, 30, n)])
    matrix[rng.uniform(size=n) < 0.1, 2] = np.nan
    return matrix


@pytest.mark.parametrize(
    ("which", "has_weights", "n", "step"),
    [
        *((which, has_weights, 700, 37) for which in (REALMLP, TABM) for has_weights in (False, True)),
        (REALMLP, False, SAMPLE_SIZE + 9000, 10_000),  # TabM adds noise to the rows by their places in the sample
    ],
)
def test_blocks_of_any_size_teach_what_all_rows_teach(which: Any, has_weights: bool, n: int, step: int) -> None:
    matrix = rows(n)
    weights = np.random.default_rng(1).integers(0, 3, n) / 2 if has_weights else None
    encodings = which.number_encodings, which.level_encodings
    at_once = InputColumns.learn(LAYOUT, matrix, weights, *encodings, rng=7)
    learner = SummariesLearner(LAYOUT, 3)
    members = np.array([np.zeros(n, bool), np.ones(n, bool), np.arange(n) % 2 == 0])
    for start in range(0, n, step):
        own = slice(start, start + step)
        learner.add(np.arange(n)[own], matrix[own], None, None if weights is None else weights[own], members[:, own])
    learned = learner.summary(1).columns(LAYOUT, *encodings, rng=7)
    half = slice(0, n, 2)
    of_half = InputColumns.learn(LAYOUT, matrix[half], None if weights is None else weights[half], *encodings, rng=7)
    assert learner.summary(2).columns(LAYOUT, *encodings, rng=7).numbers == of_half.numbers
    for name in ("numbers", "hot", "coded"):
        assert getattr(learned, name) == getattr(at_once, name)
    np.testing.assert_array_equal(learned.encode(matrix[:99], np.dtype(float)), at_once.encode(matrix[:99], np.dtype(float)))


def test_no_rows_teach_nothing() -> None:
    learner = SummariesLearner(LAYOUT, 1)
    learner.add(np.arange(5), rows(5), None, np.zeros(5), np.ones((1, 5), bool))
    with pytest.raises(DataError, match="there are no rows to learn an encoding from"):
        learner.summary(0).columns(LAYOUT, ["robust"], ["one_hot"], rng=0)


def test_edges_have_each_code_that_occurs() -> None:
    edges = code_edges([np.array([True, False, True, True]), np.zeros(3, bool), np.array([False, True, False])])
    assert [sorted(set(column)) for column in edges.T.tolist()] == [[-1, 0, 2], [-1], [1]]
    assert code_edges([]).shape == (1, 0)
