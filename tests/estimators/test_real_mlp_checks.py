"""scikit-learn's checks of every estimator, on ensembles."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from nncore.estimators import RealMLPClassifier, RealMLPRegressor

BY_NATURE = {
    f"check_sample_weight_equivalence_on_{kind}_data": "folds divide samples: a weight of 2 is not a sample that is there twice"
    for kind in ("dense", "sparse")
}


@parametrize_with_checks(
    [
        RealMLPClassifier("fast", n_cv=2, max_iter=40),
        RealMLPRegressor("td", hidden_layer_sizes=(16, 16), max_iter=40),
    ],
    expected_failed_checks=lambda estimator: BY_NATURE,
)
def test_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator",
    [
        RealMLPRegressor("fast", n_cv=2, n_refit=1, max_iter=40),
        RealMLPRegressor("fast", n_cv=2, max_iter=40),
        RealMLPClassifier("fast", n_cv=1, n_ens=2, max_iter=40),
        RealMLPClassifier("td-s", hidden_layer_sizes=(16, 16), max_iter=40),
    ],
    ids=str,
)
def test_checks_of_other_settings(estimator):
    check_estimator(estimator, expected_failed_checks=BY_NATURE, on_skip=None)
