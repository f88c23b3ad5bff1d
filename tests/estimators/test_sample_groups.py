"""`groups` and `times` of `fit`: which samples validate which members, values of all kinds, and errors."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.model_selection import GridSearchCV, GroupKFold

from nncore.errors import DataError, DtypeError, ParameterError
from nncore.estimators import RealMLPClassifier, RealMLPRegressor, TabMClassifier, TabMRegressor
from nncore.estimators.sample_groups import splitter_of

N = 60
QUICK = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0, "n_threads": 1}
FAST = {"preset": "fast", **QUICK}


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 2))
    return X, (X[:, 0] > 0).astype(int), rng.permutation(np.arange(N) % 12)


def folds_of(model, *args, monkeypatch, **given):
    """The folds of a fit."""
    from nncore.ensembles import EnsembleFit

    seen = []
    members = EnsembleFit.members
    monkeypatch.setattr(EnsembleFit, "members", lambda self, splits, *rest: seen.append(splits) or members(self, splits, *rest))
    model.fit(*args, **given)
    return seen[0]


@pytest.mark.parametrize("n_cv", [1, 4])
@pytest.mark.parametrize("kind", [RealMLPClassifier, RealMLPRegressor, TabMClassifier, TabMRegressor])
def test_no_group_is_on_both_sides(kind, n_cv, data, monkeypatch):
    X, y, groups = data
    arguments = {**QUICK, "n_members": 2} if "TabM" in kind.__name__ else FAST
    splits = folds_of(kind(n_cv=n_cv, **arguments), X, y, groups=groups, monkeypatch=monkeypatch)
    assert len(splits) == n_cv
    for fold in splits:
        assert not set(groups[fold.train]) & set(groups[fold.validation])


def test_groups_of_samples_that_count(data, monkeypatch):
    X, y, groups = data
    weights = (groups > 3).astype(float)
    splits = folds_of(RealMLPClassifier(**FAST), X, y, weights, groups=groups, monkeypatch=monkeypatch)
    assert len(splits) == 8  # of the 8 groups with positive weights
    assert all(len(set(groups[fold.validation])) == 1 for fold in splits)


def test_the_latest_validate(data, monkeypatch):
    X, y, _ = data
    times = np.random.default_rng(1).permutation(N)
    (fold,) = folds_of(RealMLPClassifier(n_ens=2, **FAST), X, y, times=times, monkeypatch=monkeypatch)
    assert sorted(times[fold.validation]) == list(range(48, N))
    model = RealMLPClassifier(n_ens=2, validation_fraction=0.5, **FAST).fit(X, y, times=times)
    assert len(model.networks_) == 16


def test_groups_hold_in_a_search(data, monkeypatch):
    X, y, groups = data
    splits = folds_of(RealMLPClassifier(tune=2, **FAST), X, y, groups=groups, monkeypatch=monkeypatch)
    assert all(not set(groups[fold.train]) & set(groups[fold.validation]) for fold in splits)


def test_scikit_learns_searches_divide_by_groups_as_well(data):
    X, y, groups = data
    GridSearchCV(RealMLPClassifier(**FAST), {"n_cv": [2]}, cv=GroupKFold(2)).fit(X, y, groups=groups)


def test_same_seed_same_bits_on_any_number_of_threads(data):
    X, y, groups = data
    one, other = (RealMLPClassifier(**{**FAST, "n_threads": n}).fit(X, y, groups=groups).predict_proba(X) for n in (1, 2))
    np.testing.assert_array_equal(one, other)


DAYS = [datetime.date(2024, 1, 1), datetime.date(2024, 1, 3), datetime.date(2024, 1, 1), datetime.date(2023, 5, 5)]


@pytest.mark.parametrize("groups", [["a", "b", "a", "c"], [1.5, 2, 1.5, 3], np.array(DAYS, "datetime64[D]"), DAYS, [True, 2, 1, 3]])
def test_groups_are_values_of_any_kind(groups):
    assert splitter_of(None, groups, None, 4).groups.tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize("times", [[5, 7.5, 5, -1], DAYS, np.array(DAYS, "datetime64[ns]")])
def test_times_are_put_in_order(times):
    assert splitter_of(None, None, times, 4).times.tolist() == [1, 2, 1, 0]


def test_series_of_frames():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    for make in (pandas.Series, polars.Series):
        assert splitter_of(None, make(["a", "b", "a"]), None, 3).groups.tolist() == [0, 1, 0]
        assert splitter_of(None, None, make(DAYS[:3]), 3).times.tolist() == [0, 1, 0]
    assert splitter_of(None, pandas.Series(["a", "b", "a"], dtype="category"), None, 3).groups.tolist() == [0, 1, 0]
    zoned = pandas.Series(pandas.to_datetime(["2024-01-02", "2024-01-01"])).dt.tz_localize("Europe/Berlin")
    assert splitter_of(None, None, zoned, 2).times.tolist() == [1, 0]
    with pytest.raises(DataError, match="groups is missing for 1 of 2 samples, first 1: fill it in, or leave these samples out"):
        splitter_of(None, pandas.Series(["a", None], dtype="string"), None, 2)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"groups": [1, 2]}, DataError, r"groups must have one value for each of the 3 samples, got shape \(2,\)"),
        ({"groups": [[1], [2], [3]]}, DataError, r"got shape \(3, 1\)"),
        ({"groups": [1.0, np.nan, 2.0]}, DataError, "groups is missing for 1 of 3 samples, first 1"),
        ({"groups": ["a", None, "b"]}, DataError, "groups is missing for 1"),
        ({"times": np.array(["2024", "NaT", "2025"], "datetime64[D]")}, DataError, "times is missing for 1"),
        ({"times": ["2024", "2023", "9"]}, DtypeError, "times holds texts or truth values: pass numbers or dates"),
        ({"times": [3, datetime.date(2024, 1, 1), 2]}, DtypeError, "times cannot be put in order"),
        ({"groups": [1, 2, 3], "times": [1, 2, 3]}, ParameterError, "groups and times split the samples in different ways"),
    ],
)
def test_what_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        splitter_of(None, given.get("groups"), given.get("times"), 3)


@pytest.mark.parametrize(
    ("arguments", "given", "error", "message"),
    [
        ({"n_cv": 4}, {"groups": np.arange(N) % 3}, DataError, "n_groups=3 cannot be split into n_cv=4 folds"),
        ({}, {"groups": np.zeros(N)}, DataError, "n_groups=1 cannot"),
        ({"n_cv": 4}, {"times": np.arange(N)}, ParameterError, "n_cv=4 splits at random"),
        ({}, {"groups": np.arange(N), "X_val": True}, ParameterError, "groups splits X into folds, but X_val is given for validation"),
        ({"validation_fraction": 0.3}, {"groups": np.arange(N)}, ParameterError, "would be ignored"),
    ],
)
def test_what_a_fit_refuses(arguments, given, error, message, data):
    X, y, _ = data
    given = {**given, "X_val": X, "y_val": y} if "X_val" in given else given
    model = RealMLPClassifier(**FAST, **arguments)
    with pytest.raises(error, match=message):
        model.fit(X, y, **given)
    assert not hasattr(model, "networks_")
