"""Folds of an ensemble: each row is validated once, groups stay together, and the latest rows validate all members."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nncore.data import Splitter
from nncore.ensembles import PRESETS, member_folds
from nncore.errors import DataError, ParameterError

FAST = PRESETS["fast"][0]
ROWS = np.arange(3, 60)


def random():
    return np.random.RandomState(0)


@pytest.mark.parametrize("n_folds", [2, 3, 8])
def test_each_row_validates_once_and_trains_in_all_other_folds(n_folds):
    found, n_starts = member_folds(replace(FAST, n_cv=n_folds, n_ens=2), Splitter(), ROWS, random(), n_cv=n_folds)
    assert (len(found), n_starts) == (n_folds, 2)
    assert np.array_equal(np.sort(np.concatenate([fold.validation for fold in found])), ROWS)
    for fold in found:
        assert np.array_equal(np.sort(np.concatenate([fold.train, fold.validation])), ROWS)


def test_a_single_fold_holds_a_fraction_out():
    (fold,), n_starts = member_folds(replace(FAST, n_cv=1, validation_fraction=0.5), Splitter(), ROWS, random(), n_cv=None)
    assert (len(fold.train), len(fold.validation), n_starts) == (29, 28, 1)


def test_the_latest_rows_stop_as_many_networks_as_there_would_be():
    times = np.arange(60)[::-1]
    (fold,), n_starts = member_folds(replace(FAST, n_ens=2), Splitter(times=times), ROWS, random(), n_cv=None)
    assert n_starts == 16
    assert times[fold.train].max() < times[fold.validation].min()
    with pytest.raises(ParameterError, match="n_cv=4 splits at random, but with times the latest samples are for validation: use n_ens"):
        member_folds(FAST, Splitter(times=times), ROWS, random(), n_cv=4)


def test_folds_by_default_are_at_most_as_many_as_groups():
    groups = np.arange(60) % 5
    found, _ = member_folds(FAST, Splitter(groups=groups), ROWS, random(), n_cv=None)
    assert len(found) == 5
    for fold in found:
        assert not set(groups[fold.train]) & set(groups[fold.validation])
    with pytest.raises(DataError, match="n_groups=5 cannot be split into --n-cv 8 folds: use fewer folds"):
        member_folds(FAST, Splitter(groups=groups), ROWS, random(), n_cv=8, option="--n-cv ")


def test_one_of_its_kind_cannot_be_divided():
    for splitter, unit in ((Splitter(groups=np.zeros(60)), "groups"), (Splitter(times=np.zeros(60)), "times")):
        with pytest.raises(DataError, match=f"n_{unit}=1 cannot be split into training and validation samples"):
            member_folds(FAST, splitter, ROWS, random(), n_cv=None)
    with pytest.raises(DataError, match="n_samples=1 cannot"):
        member_folds(FAST, Splitter(), ROWS[:1], random(), n_cv=None)
