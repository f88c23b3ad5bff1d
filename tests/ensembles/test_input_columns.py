"""Inputs of networks: scaled numbers and one-hot columns, then codes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from nncore.ensembles.input_columns import InputColumns, InputLayout
from nncore.estimators.columns import TableColumns

FLOAT = np.dtype(np.float64)
CLIPPED = ["robust", "smooth_clip"], ["one_hot", "robust", "smooth_clip"]
TABLE = pd.DataFrame(
    {
        "two": ["a", "b", "b", "b", "a", None],
        "number": [0.0, 1, 2, 3, 4, np.nan],
        "three": ["x", "y", "z", "x", "y", "z"],
        "many": list("abcdef"),
    }
)


class Anything(BaseEstimator):
    """A minimal estimator for `TableColumns`."""


def layout_and_matrix(max_one_hot=4):
    columns = TableColumns()
    matrix = columns.fit_transform(Anything(), TABLE)
    return InputLayout.of(columns, [start for start, one in columns.category_columns if len(one.levels) < max_one_hot]), matrix


def test_numbers_then_one_hot_then_codes():
    layout, matrix = layout_and_matrix()
    columns = InputColumns.learn(layout, matrix, None, ["robust"], ["one_hot", "robust"])
    inputs = columns.encode(matrix, FLOAT)
    assert inputs.shape == (6, 1 + 1 + 3 + 1) == (6, columns.n_inputs)
    np.testing.assert_allclose(inputs[:, 0], [-1, -0.5, 0, 0.5, 1, np.nan])  # (x - 2) / 2
    signed = inputs[:, 1]
    assert len({*signed[[0, 4]].tolist()}) == len({*signed[1:4].tolist()}) == 1
    assert signed[0] > signed[5] > signed[1]  # 1, missing is 0, -1
    assert inputs[:, -1].tolist() == [0, 1, 2, 3, 4, 5]
    assert layout.missing.tolist() == [0]


def test_the_clip_bounds_numbers_of_any_size():
    layout, matrix = layout_and_matrix()
    columns = InputColumns.learn(layout, matrix, None, *CLIPPED)
    far = matrix.copy()
    far[:, layout.numbers] = [[1e300], [-1e300], [2], [2], [2], [2]]
    assert np.abs(columns.encode(far, np.dtype(np.float32))[:, 0]).max() == pytest.approx(3)


def test_unknown_levels_are_0_in_all_columns():
    layout, matrix = layout_and_matrix()
    columns = InputColumns.learn(layout, matrix, None, *CLIPPED)
    known, unknown = matrix.copy(), matrix.copy()
    unknown[:, layout.hot] = [[9, 9]] * 6
    known[:, layout.hot] = [[0, 0]] * 6
    assert (columns.encode(known, FLOAT)[:, 1:5] != columns.encode(unknown, FLOAT)[:, 1:5]).any()
    assert len(np.unique(columns.encode(unknown, FLOAT)[:, 1:5], axis=0)) == 1


def test_a_weight_of_2_counts_like_two_rows():
    layout, matrix = layout_and_matrix()
    twice = InputColumns.learn(layout, np.repeat(matrix, 2, axis=0), None, *CLIPPED)
    weighted = InputColumns.learn(layout, matrix, np.full(6, 2.0), *CLIPPED)
    assert twice.numbers.arrays()["0.median"] == weighted.numbers.arrays()["0.median"]


def test_layers_take_what_is_missing_and_coded():
    layout, matrix = layout_and_matrix()
    columns = InputColumns.learn(layout, matrix, None, *CLIPPED)
    fills, embeddings = columns.front_layers(5)
    assert fills[0].columns == [0]
    assert embeddings[0].columns == [5]


def test_columns_that_an_encoding_leaves_out():
    layout, matrix = layout_and_matrix()
    matrix = np.column_stack([matrix, matrix[:, layout.numbers]])
    matrix[:, layout.numbers] = 5.0
    wider = InputLayout(
        np.array([*layout.numbers, matrix.shape[1] - 1]), np.array([0, 1]), layout.hot, layout.hot_levels, layout.coded, layout.coded_levels
    )
    columns = InputColumns.learn(wider, matrix, None, ["quantile_normal"], ["one_hot"])
    assert columns.encode(matrix, FLOAT).shape[1] == columns.n_inputs == 1 + 1 + 3 + 1
    assert columns.front_layers(5)[0][0].columns == [0]  # one of two columns with missing numbers remains


def test_without_any_column_there_is_one_of_zeros():
    none, some = np.zeros(0, np.int64), np.array([0])
    columns = InputColumns.learn(InputLayout(some, none, none, none, none, none), np.ones((4, 1)), None, ["quantile_normal"], ["one_hot"])
    assert columns.n_inputs == 1
    assert columns.encode(np.array([[1.0], [7.0]]), FLOAT).tolist() == [[0.0], [0.0]]
