"""Estimators with int8 networks: copies predict nearly the same, with every method that predicts."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError

import nncore as nn
from nncore.errors import NotTrainableError, ParameterError
from nncore.estimators import MLPClassifier, MLPRegressor, RealMLPClassifier, RealMLPRegressor, TabMClassifier

pytestmark = pytest.mark.filterwarnings("ignore:.*hasn't converged")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 6))
REAL = X[:, 0] + np.abs(X[:, 1])
CLASSES = np.array(["low", "mid", "high"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0.3)]
SMALL: dict[str, Any] = {"hidden_layer_sizes": (40, 40), "random_state": 0}
ESTIMATORS = [
    (MLPClassifier(max_iter=30, early_stopping=True, **SMALL), CLASSES),
    (MLPRegressor(max_iter=30, early_stopping=True, **SMALL), REAL),
    (RealMLPClassifier(max_iter=5, n_ens=2, **SMALL), CLASSES),
    (RealMLPRegressor(max_iter=5, n_cv=2, **SMALL), REAL),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda pair: type(pair[0]).__name__)
def test_estimators_predict_nearly_the_same(estimator: tuple[Any, Any]) -> None:
    model, y = estimator
    model.fit(X, y)
    before = pickle.dumps(model)
    for skip in (None, ()):
        small = model.quantize(X, skip=skip)
        assert pickle.dumps(model) == before
        assert type(small) is type(model)
        assert small.get_params() == model.get_params()
        networks = [small.network_] if hasattr(small, "network_") else small.networks_
        kinds = [[type(layer) for layer in network.layers] for network in networks]
        assert all(nn.QuantizedDense in kind and (nn.Dense in kind) == (skip is None) for kind in kinds)
        if y is CLASSES:
            assert 0 < np.abs(small.predict_proba(X) - model.predict_proba(X)).max() < 0.05
            assert small.predict_one(X[0]) == small.predict(X[:1])[0]
        else:
            assert 0 < np.abs(small.predict(X) - model.predict(X)).max() < 0.2
        assert abs(small.score(X, y) - model.score(X, y)) < 0.02
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(small)).predict(X), small.predict(X))
    other = small.fit(X, y)
    np.testing.assert_array_equal(other.predict(X), model.fit(X, y).predict(X))


@pytest.mark.parametrize("trained_on", ["sparse", "dense"])
def test_sparse_samples_calibrate_ensembles(trained_on: str) -> None:
    sparse = csr_matrix(np.where(np.abs(X) > 0.5, X, 0))
    model = RealMLPClassifier(max_iter=3, n_cv=2, **SMALL).fit(sparse if trained_on == "sparse" else sparse.toarray(), CLASSES)
    one, other = (model.quantize(data, skip=()) for data in (sparse, sparse.toarray()))
    assert any(isinstance(layer, nn.QuantizedDense) for layer in one.networks_[0].layers)
    np.testing.assert_allclose(one.predict_proba(sparse), other.predict_proba(sparse), rtol=1e-5)


def test_frames_and_sparse_samples_calibrate() -> None:
    frame = pd.DataFrame(X[:, :3], columns=list("abc")).assign(d=np.where(X[:, 3] > 0, "yes", "no"))
    model = MLPClassifier(max_iter=5, categorical_features=["d"], **SMALL).fit(frame, CLASSES)
    small = model.quantize(frame)
    assert (small.predict(frame) == model.predict(frame)).mean() > 0.97
    sparse = csr_matrix(np.where(np.abs(X) > 1, X, 0))
    for model in (MLPClassifier(max_iter=5, **SMALL), RealMLPClassifier(max_iter=2, n_ens=1, **SMALL)):
        model.fit(sparse, CLASSES)
        np.testing.assert_array_equal(model.quantize(sparse).predict_proba(X), model.quantize(sparse.toarray()).predict_proba(X))


def test_ensembles_are_saved(tmp_path: Path) -> None:
    model = RealMLPClassifier(max_iter=2, n_ens=2, **SMALL).fit(X, CLASSES)
    small = model.quantize(X)
    small.save(tmp_path / "small.nncore")
    model.save(tmp_path / "model.nncore")
    np.testing.assert_array_equal(RealMLPClassifier.load(tmp_path / "small.nncore").predict_proba(X), small.predict_proba(X))
    assert (tmp_path / "small.nncore").stat().st_size < (tmp_path / "model.nncore").stat().st_size


def test_what_cannot_be_quantized_is_refused() -> None:
    with pytest.raises(NotFittedError):
        MLPClassifier().quantize(X)
    model = MLPClassifier(max_iter=2, **SMALL).fit(X, CLASSES)
    with pytest.raises(ValueError, match="features"):
        model.quantize(X[:, :5])
    with pytest.raises(ParameterError, match="percentile"):
        model.quantize(X, percentile=0)
    with pytest.raises(NotTrainableError, match="only for prediction"):
        model.quantize(X).partial_fit(X, CLASSES)
    with pytest.raises(ParameterError, match="no layer to quantize"):
        TabMClassifier(max_iter=1, hidden_layer_sizes=(40,)).fit(X, CLASSES).quantize(X)
