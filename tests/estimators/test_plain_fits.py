"""Fits, clones and scores of plain numbers skip scikit-learn's checks, which cannot fail there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import validate_data

import nncore as nn
from nncore.errors import DataError
from nncore.estimators import MLPClassifier, MLPRegressor
from nncore.estimators.plain_numbers import are_plain

X = np.random.default_rng(0).normal(size=(30, 4))
Y = np.arange(30) % 3


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("y", [Y, Y > 0, Y.astype(np.uint8), Y.astype(np.float32)], ids=lambda y: str(y.dtype))
def test_what_is_plain_is_what_scikit_learn_would_hand_back(dtype: type, y: np.ndarray) -> None:
    model, samples = MLPClassifier(), X.astype(dtype)
    assert are_plain(samples, y)
    checked = validate_data(model, samples, y, dtype=(np.float64, np.float32), ensure_all_finite="allow-nan", multi_output=True)
    assert checked[0] is samples
    assert checked[1] is y
    assert vars(model).keys() - vars(MLPClassifier()).keys() == {"n_features_in_"}


@pytest.mark.parametrize(
    ("samples", "y"),
    [
        (X.tolist(), Y),
        (X, Y.tolist()),
        (X.astype(int), Y),
        (np.where(X > 2, np.nan, X), Y),
        (np.where(X > 2, np.inf, X), Y),
        (X[:0], Y[:0]),
        (X[:, :0], Y),
        (X[0], Y),
        (X, Y[:-1]),
        (X, Y[:, None]),
        (X, np.where(Y > 1, np.nan, Y)),
        (X, Y.astype(object)),
        (X, Y.astype(str)),
        (np.ma.masked_array(X), Y),
    ],
)
def test_anything_else_is_looked_at(samples: Any, y: Any) -> None:
    assert not are_plain(samples, y)


def test_an_array_after_a_frame_has_no_names() -> None:
    pd = pytest.importorskip("pandas")
    model = MLPRegressor(max_iter=1, tol=0, n_iter_no_change=1)
    with pytest.warns(UserWarning, match="converged"):
        model.fit(pd.DataFrame(X, columns=list("abcd")), Y)
    assert list(model.feature_names_in_) == list("abcd")
    with pytest.warns(UserWarning, match="converged"):
        model.fit(X[:, :3], Y)
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 3


@pytest.fixture(scope="module")
def model() -> MLPClassifier:
    with pytest.warns(UserWarning, match="converged"):
        return MLPClassifier((8,), max_iter=3, random_state=0).fit(X, Y)


@pytest.mark.parametrize(
    "y", [Y, Y.astype(float), Y.astype(object), Y.astype(str), (Y + 1) % 4, Y.tolist()], ids=lambda y: type(y).__name__
)
@pytest.mark.parametrize("weights", [None, np.arange(30.0)])
def test_a_score_is_scikit_learns_accuracy(model: MLPClassifier, y: Any, weights: np.ndarray | None) -> None:
    meant = np.asarray(y).astype(int)  # classes in other types are recognised
    assert model.score(X, y, weights) == accuracy_score(meant, model.predict(X), sample_weight=weights)


def test_a_score_still_refuses_what_does_not_fit(model: MLPClassifier) -> None:
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(X, Y[:-1])
    with pytest.raises((ValueError, TypeError)):
        model.score(X, np.array(["a", "b", "c"])[Y])
    with pytest.raises((ValueError, DataError)):
        model.score(X, np.where(Y > 1, np.nan, Y))


def test_a_clone_of_numbers_and_texts_is_that_of_scikit_learn(model: MLPClassifier) -> None:
    twin = clone(model)
    assert type(twin) is MLPClassifier
    assert vars(twin) == {name: value for name, value in vars(model).items() if name in model.get_params(deep=False)}


def test_a_clone_copies_what_could_change() -> None:
    solver, layers = nn.Adam(0.1), [nn.Dense(3)]
    twin = clone(MLPClassifier(solver=solver, layers=layers))
    assert twin.solver is not solver
    assert twin.layers is not layers
    assert twin.layers[0] is not layers[0]
    assert twin.solver.lr == 0.1


def test_a_clone_takes_along_what_is_no_argument() -> None:
    with config_context(enable_metadata_routing=True):
        routed = clone(MLPClassifier().set_fit_request(sample_weight=True))
        assert routed.get_metadata_routing().fit.requests["sample_weight"] is True


def test_a_constructor_that_changes_an_argument_is_refused() -> None:
    class Changing(MLPClassifier):
        def __init__(self, alpha: float = 0.1) -> None:
            super().__init__(alpha=alpha * 2)

    with pytest.raises(RuntimeError, match="Cannot clone object"):
        clone(Changing())


def test_set_params_names_what_is_unknown() -> None:
    model = MLPClassifier()
    with pytest.raises(ValueError, match="Invalid parameter 'nothing'"):
        model.set_params(alpha=0.5, nothing=1)
    assert model.alpha == MLPClassifier().alpha
    assert model.set_params(alpha=0.5) is model
    assert model.alpha == 0.5
