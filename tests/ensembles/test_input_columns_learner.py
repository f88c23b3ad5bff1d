"""Input columns that are learned from rows in blocks."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.ensembles.input_columns import InputColumns, InputLayout
from nncore.ensembles.input_columns_learner import InputColumnsLearner
from nncore.ensembles.recipes import recipe
from nncore.ensembles.tabm_recipe import TabMRecipe

RECIPES = [recipe("td", is_classifier=True), TabMRecipe()]


@pytest.mark.parametrize("which", RECIPES, ids=["realmlp", "tabm"])
@pytest.mark.parametrize("has_weights", [False, True])
def test_blocks_of_any_size_teach_what_all_rows_teach(which, has_weights):
    rng = np.random.default_rng(0)
    matrix = np.column_stack([rng.normal(3, 5, 700), rng.integers(0, 4, 700), rng.normal(size=700), rng.integers(-1, 30, 700)])
    matrix[rng.uniform(size=700) < 0.1, 2] = np.nan
    layout = InputLayout(np.array([0, 2]), np.array([1]), np.array([1]), np.array([3]), np.array([3]), np.array([30]))
    weights = rng.integers(0, 3, 700).astype(float) if has_weights else None
    encodings = which.number_encodings, which.level_encodings
    at_once = InputColumns.learn(layout, matrix, None if weights is None else weights / weights.max(), *encodings, rng=7)
    learner = InputColumnsLearner(layout, *encodings, rng=7)
    while learner.wants_rows:
        for start in range(0, 700, 37):
            rows = slice(start, start + 37)
            learner.add(matrix[rows], None if weights is None else weights[rows] / weights.max())
        learner.end_pass()
    learned = learner.learned()
    for name in ("numbers", "hot", "coded"):
        assert getattr(learned, name) == getattr(at_once, name)
    np.testing.assert_array_equal(learned.encode(matrix, np.dtype(float)), at_once.encode(matrix, np.dtype(float)))
