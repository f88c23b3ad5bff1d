from __future__ import annotations

import numpy as np
import pytest
import sklearn.neural_network

from nncore.bench.sections import SECTIONS
from nncore.bench.sides import estimators
from nncore.estimators import MLPClassifier

# A few epochs suffice.
pytestmark = pytest.mark.filterwarnings("ignore:.*iterations:sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimators, "CALLED_EPOCHS", 1)


@pytest.mark.parametrize("kind", [MLPClassifier, sklearn.neural_network.MLPClassifier], ids=["nncore", "sklearn"])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_one"])
def test_calls(kind: type, method: str) -> None:
    function, argument = estimators.call(kind, {"method": method, "rows": 1, "container": "array"})
    expected = (1, 10) if method == "predict_proba" else ()
    assert np.shape(function(argument))[-2:] in (expected, (1,))


def test_every_fit_of_the_sections_is_there() -> None:
    asked = [question.task["fit"] for name in ("fits", "sparse") for question in SECTIONS[name].questions()]
    assert asked == list(estimators.FITS)


def test_a_fit_is_timed_from_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        estimators.FITS,
        "short",
        (lambda: estimators.load_iris(return_X_y=True), lambda kind: kind(max_iter=2, tol=1e9, n_iter_no_change=1)),
    )
    run = estimators.fit(MLPClassifier, {"fit": "short"})
    assert 0 < run() < 100


def test_sparse_samples_are_as_sparse_as_said() -> None:
    X, y = estimators._sparse(20, 5000)()
    assert X.shape == (20, 5000)
    assert X.dtype == np.float32
    assert 20 * 4 < X.nnz <= 20 * 5
    assert set(y) == {0, 1}
