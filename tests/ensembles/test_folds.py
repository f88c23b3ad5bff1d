"""Rows of folds: each validates once, and strata keep their proportions."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.ensembles.folds import folds, hold_out
from nncore.errors import DataError


@pytest.mark.parametrize("n_folds", [2, 3, 8])
def test_each_row_validates_once_and_trains_in_all_other_folds(n_folds):
    rows = np.arange(3, 60)
    found = folds(rows, n_folds, None, np.random.RandomState(0))
    assert np.array_equal(np.sort(np.concatenate([fold.validation for fold in found])), rows)
    for fold in found:
        assert np.array_equal(np.sort(np.concatenate([fold.train, fold.validation])), rows)
        assert abs(len(fold.validation) - len(rows) / n_folds) < 1


def test_folds_keep_the_proportions_of_classes():
    strata = np.repeat([0, 1, 2], [80, 16, 8])
    for fold in folds(np.arange(104), 8, strata, np.random.RandomState(0)):
        assert np.bincount(strata[fold.validation]).tolist() == [10, 2, 1]
    held_out = hold_out(np.arange(104), 0.25, strata, np.random.RandomState(1))
    assert np.abs(np.bincount(strata[held_out.validation]) - [20, 4, 2]).max() <= 1
    assert len(held_out.validation) == 26


def test_they_depend_on_the_seed_alone():
    one, same, other = (folds(np.arange(40), 4, None, np.random.RandomState(seed)) for seed in (0, 0, 1))
    assert all(np.array_equal(a.train, b.train) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a.train, b.train) for a, b in zip(one, other, strict=True))


def test_too_few_rows():
    with pytest.raises(DataError, match=r"n_samples=3 cannot be divided into n_cv=4 folds"):
        folds(np.arange(3), 4, None, np.random.RandomState(0))
    with pytest.raises(DataError, match=r"n_samples=1 leaves no sample to train on"):
        hold_out(np.arange(1), 0.2, None, np.random.RandomState(0))
