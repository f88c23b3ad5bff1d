"""scikit-learn's checks of every estimator, on the multi-layer perceptrons."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from nncore.estimators import MLPClassifier, MLPRegressor

# The checks fit for a few epochs, for which scikit-learn's perceptrons warn, too; some of the data have a mean of 100.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:MLP.* predicts no better than a constant"),
]


@parametrize_with_checks([MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)])
def test_checks(estimator, check):
    check(estimator)


def by_nature(estimator):
    """Checks that must fail: batch statistics count rows and every row has its own dropout, so a weight of 2 is not a duplicate."""
    kinds = ("dense", "sparse")
    reason = "batch normalisation and dropout know rows, not weights"
    return {f"check_sample_weight_equivalence_on_{kind}_data": reason for kind in kinds if estimator.normalization == "batch_norm"}


@pytest.mark.slow
@parametrize_with_checks(
    [
        MLPClassifier(solver="lbfgs", max_iter=100),
        MLPRegressor(solver="lbfgs", max_iter=100),
        MLPClassifier(solver="sgd", learning_rate_init=0.1, max_iter=100),
        MLPClassifier(normalization="batch_norm", dropout=0.1, activation="tanh", learning_rate_init=0.01),
        MLPRegressor("huber", solver="adamw", learning_rate_init=0.01, max_iter=300),
    ],
    expected_failed_checks=by_nature,
)
def test_checks_of_other_settings(estimator, check):
    check(estimator)
