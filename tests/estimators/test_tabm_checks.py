"""scikit-learn's checks of every estimator, on networks of TabM."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from nncore.estimators import TabMClassifier, TabMRegressor

BY_NATURE = {
    f"check_sample_weight_equivalence_on_{kind}_data": "a split divides samples: a weight of 2 is not a sample that is there twice"
    for kind in ("dense", "sparse")
}
SMALL = {
    "n_members": 4,
    "hidden_layer_sizes": (16, 16),
    "batch_size": 16,
    "max_iter": 40,
    "n_iter_no_change": 40,
    "learning_rate_init": 0.01,
}


@parametrize_with_checks(
    [
        TabMRegressor(**SMALL),
        TabMClassifier("tabm-mini", n_cv=2, numerical_embedding=True, **SMALL),
    ],
    expected_failed_checks=lambda estimator: BY_NATURE,
)
def test_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator",
    [TabMClassifier(**SMALL), TabMRegressor("tabm-mini", n_refit=1, numerical_embedding=True, **SMALL)],
    ids=str,
)
def test_checks_of_other_settings(estimator):
    check_estimator(estimator, expected_failed_checks=BY_NATURE, on_skip=None)
