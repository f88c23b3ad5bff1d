"""Statistics of the training rows of folds, from blocks of rows; and encodings that learn from a summary of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nncore.contract import SAMPLE_SIZE, row_hashes
from nncore.ensembles import FoldStatistics, TargetStatistics
from nncore.ensembles.input_columns import InputColumns, InputLayout
from nncore.ensembles.recipes import recipe
from nncore.ensembles.row_summary import RowSummary
from nncore.ensembles.tabm_recipe import TabMRecipe
from nncore.errors import DataError
from nncore.losses.mse import MSE
from nncore.tabular import RawValues

REALMLP, TABM = recipe("td", is_classifier=True), TabMRecipe()
LAYOUT = InputLayout(np.array([0, 2]), np.array([1]), np.array([1]), np.array([3]), np.array([3]), np.array([30]))

#: Rows of a matrix, their weights.
Chosen = tuple[np.ndarray, np.ndarray | None]


def rows(n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    matrix = np.column_stack([rng.normal(3, 5, n), rng.integers(0, 4, n), rng.normal(size=n), rng.integers(-1, 30, n)])
    matrix[rng.uniform(size=n) < 0.1, 2] = np.nan
    return matrix


def chosen(own: Chosen, places: np.ndarray) -> Chosen:
    return own[0][places], None if own[1] is None else own[1][places]


def learned(matrix: np.ndarray, weights: np.ndarray | None, held: np.ndarray, step: int, target: Any = None) -> FoldStatistics[Chosen]:
    found = FoldStatistics[Chosen](len(held), 2, chosen)
    for start in range(0, len(matrix), step):
        own = slice(start, start + step)
        some, some_weights = matrix[own], None if weights is None else weights[own]
        codes = {column: some[:, column].astype(np.int64) for column in (1, 3)}
        values = RawValues(some, {"day": some[:, :2]}, codes, None if target is None else target[own])
        counted = None if some_weights is None else some_weights > 0
        found.add(np.arange(len(matrix))[own], (some, some_weights), values, held[:, own], counted, some_weights)
    return found


def summary(found: FoldStatistics[Chosen], number: int) -> RowSummary:
    blocks, edges = list(found.sampled(number)), found.edges(number)
    weights = [own for _, own in blocks if own is not None]
    return RowSummary.of(
        LAYOUT,
        np.concatenate([own for own, _ in blocks]),
        np.concatenate(weights) if weights else None,
        edges.numbers,
        {1: edges.codes[1]},
        found.targets(number),
    )


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
    folds = np.array([np.arange(n) % 3 == number for number in range(2)])  # a third is held out by none
    found = learned(matrix, weights, folds, step)
    for number, train in ((0, ~folds[0]), (1, ~folds[1]), (-1, np.ones(n, bool))):
        expected = InputColumns.learn(LAYOUT, matrix[train], None if weights is None else weights[train], *encodings, rng=7)
        own = summary(found, number).columns(LAYOUT, *encodings, rng=7)
        for name in ("numbers", "hot", "coded"):
            assert getattr(own, name) == getattr(expected, name), (number, name)
        np.testing.assert_array_equal(own.encode(matrix[:99], np.dtype(float)), expected.encode(matrix[:99], np.dtype(float)))


@pytest.mark.parametrize("n_folds", [0, 1, 3])
def test_edges_are_extremes_and_missing_ones_of_training_rows(n_folds: int) -> None:
    n = 500
    matrix, weights = rows(n), np.random.default_rng(1).integers(0, 2, n).astype(float)
    weights[matrix[:, 2] > 2] = 0  # its largest numbers
    held = np.array([np.arange(n) % 4 == number for number in range(n_folds)], bool).reshape(n_folds, n)
    found = learned(matrix, weights, held, 61, matrix[:, 0])
    for number in range(n_folds + 1):
        train = np.ones(n, bool) if number == n_folds else ~held[number]
        counted, edges = matrix[train & (weights > 0)], found.edges(number)
        for got, own in ((edges.numbers, counted), (edges.parts["day"], counted[:, :2])):
            np.testing.assert_array_equal(np.fmin.reduce(got), np.fmin.reduce(own))
            np.testing.assert_array_equal(np.fmax.reduce(got), np.fmax.reduce(own))
            np.testing.assert_array_equal(np.isnan(got).any(axis=0), np.isnan(own).any(axis=0))
        for column, codes in edges.codes.items():
            assert codes.tolist() == sorted(set(counted[:, column].tolist()))
        targets = found.targets(number)
        assert targets is not None
        expected = TargetStatistics.of(matrix[train, 0], weights[train]).scale(MSE(), 1)
        np.testing.assert_allclose(targets.scale(MSE(), 1).chain.learned[0]["mean"], expected.chain.learned[0]["mean"], rtol=1e-12)


def test_a_sample_has_the_rows_of_the_smallest_hashes() -> None:
    n = 300
    held = (np.arange(n) < 100)[None]
    blocks = list(learned(rows(n), None, held, 70).sampled(0, 20))
    wanted = np.arange(100, n)
    np.testing.assert_array_equal(np.concatenate([own for own, _ in blocks]), rows(n)[np.sort(wanted[np.argsort(row_hashes(wanted))[:20]])])


def test_no_rows_teach_nothing() -> None:
    found = learned(rows(5), np.zeros(5), np.zeros((1, 5), bool), 5)
    with pytest.raises(DataError, match="there are no rows to learn an encoding from"):
        summary(found, 0).columns(LAYOUT, ["robust"], ["one_hot"], rng=0)


def test_level_edges_have_each_code_that_occurs() -> None:
    layout = InputLayout(*(np.array(own, np.int64) for own in ([0], [], [1, 2, 3], [4, 2, 3], [], [])))
    codes = {1: np.array([-1, 0, 2]), 2: np.array([], np.int64), 3: np.array([1, 3, 5])}
    edges = RowSummary.of(layout, np.empty((0, 4)), None, np.empty((2, 4)), codes, None).level_edges
    assert [sorted(set(column)) for column in edges.T.tolist()] == [[-1, 0, 2], [-1], [-1, 1]]
