"""Predictions in blocks: the same results, in memory that does not grow with samples times classes."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from nncore.estimators import MLPClassifier, MLPRegressor, plain_numbers

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 6))
QUICK: dict[str, Any] = {"hidden_layer_sizes": (5,), "max_iter": 2, "random_state": 0}
Y = rng.integers(4, size=300)

CASES = [
    (MLPClassifier(**QUICK), Y),
    (MLPClassifier(**QUICK, standardize=True), Y > 1),
    (MLPClassifier(**QUICK), np.column_stack([Y, Y > 2])),
    (MLPClassifier(**QUICK), csr_matrix(X[:, :3] > 0)),
    (MLPClassifier(**QUICK, dtype="float32"), (X[:, :3] > 0).astype(int)),
    (MLPRegressor(**QUICK), X[:, 0]),
    (MLPRegressor(**QUICK, standardize=True), X[:, :2]),
    (MLPRegressor("gaussian_nll", **QUICK), X[:, 0]),
]


def all_of(model: Any, X: Any, y: Any) -> list[np.ndarray]:
    found = [model.predict(X)]
    if hasattr(model, "predict_proba"):
        probabilities = model.predict_proba(X)
        found += probabilities if isinstance(probabilities, list) else [probabilities]
    return [part.toarray() if hasattr(part, "toarray") else part for part in found] + [np.asarray(model.score(X, y))]


@pytest.mark.parametrize(("model", "y"), CASES, ids=range(len(CASES)))
def test_answers_do_not_depend_on_the_size_of_blocks(model: Any, y: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model.fit(X, y)
    for samples in (X, np.asfortranarray(X), csr_matrix(X), np.where(X > 2, np.nan, X)):
        whole = all_of(model, samples, y)
        with monkeypatch.context() as patch:
            patch.setattr(plain_numbers, "CONVERT_AT_ONCE", 2000)
            assert len(plain_numbers.row_blocks(300, 100)) == 15
            for one, other in zip(whole, all_of(model, samples, y), strict=True):
                assert one.tobytes() == other.tobytes()
                assert one.dtype == other.dtype


@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_the_most_probable_of_many_classes_needs_no_room_for_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    n_classes, n_samples = 500, 4000
    model = MLPClassifier((3,), max_iter=1, random_state=0, dtype="float32").fit(rng.normal(size=(n_classes, 2)), np.arange(n_classes))
    samples = rng.normal(size=(n_samples, 2))
    all_outputs, block = n_samples * n_classes * 4, 2**18
    monkeypatch.setattr(plain_numbers, "CONVERT_AT_ONCE", block)
    model.predict(samples[:1])  # compiles the network
    tracemalloc.start()
    try:
        model.predict(samples)
        answers = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        model.score(samples, np.zeros(n_samples))
        score = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        probabilities = model.predict_proba(samples)
        whole = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert probabilities.nbytes == all_outputs
    assert answers < block + 3 * 8 * n_samples + 100_000
    assert score < all_outputs / 4
    assert whole < 2.2 * all_outputs
