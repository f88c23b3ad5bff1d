"""``precision`` of estimators reaches each of their fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nncore._core import native
from nncore.errors import ParameterError
from nncore.estimators import MLPClassifier, MLPRegressor, RealMLPClassifier, RealMLPRegressor, TabMClassifier, TabMRegressor

X = np.random.default_rng(0).normal(size=(200, 70))
Y = (X[:, 0] > 0).astype(int)

needs_bfloat16 = pytest.mark.skipif(not native.HAS_BFLOAT16, reason="this processor has no AVX512_BF16")

SMALL = {"hidden_layer_sizes": (66,), "max_iter": 2, "random_state": 0}
OF_ENSEMBLES: dict[str, Any] = {"n_cv": 2, "batch_size": 64}
FITS: dict[str, Callable[[Any], Any]] = {
    "MLPClassifier": lambda precision: MLPClassifier(**SMALL, precision=precision).fit(X, Y),
    "MLPRegressor": lambda precision: MLPRegressor(**SMALL, precision=precision).fit(X, X[:, 0]),
    "partial_fit": lambda precision: MLPClassifier(**SMALL, precision=precision).partial_fit(X, Y, classes=[0, 1]),
    "in blocks": lambda precision: MLPClassifier(**SMALL, precision=precision, memory_limit="100 MB").fit(X, Y),
    "RealMLPClassifier": lambda precision: RealMLPClassifier(**SMALL, **OF_ENSEMBLES, precision=precision).fit(X, Y),
    "RealMLPRegressor": lambda precision: RealMLPRegressor(**SMALL, **OF_ENSEMBLES, precision=precision).fit(X, X[:, 0]),
    "TabMClassifier": lambda precision: TabMClassifier(**SMALL, **OF_ENSEMBLES, n_members=4, precision=precision).fit(X, Y),
    "TabMRegressor": lambda precision: TabMRegressor(**SMALL, **OF_ENSEMBLES, n_members=4, precision=precision).fit(X, X[:, 0]),
    "ensemble in blocks": lambda precision: RealMLPClassifier(
        **SMALL, **OF_ENSEMBLES, memory_limit="100 MB", precision=precision
    ).fit(X, Y),
}  # fmt: skip


@needs_bfloat16
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("fit", FITS)
def test_every_fit_rounds(fit: str) -> None:
    exact, rounded = (FITS[fit](precision) for precision in ("float32", "bfloat16"))
    for one, other in zip(*(getattr(estimator, "networks_", None) or [estimator.network_] for estimator in (exact, rounded)), strict=True):
        assert one.dtype == other.dtype == np.float32
        np.testing.assert_allclose(one.parameters, other.parameters, atol=0.02)
    one, other = (getattr(estimator, "histories_", None) or [estimator.history_] for estimator in (exact, rounded))
    for a, b in zip(one, other, strict=True):
        assert a["loss"][-1] != b["loss"][-1]
        assert a["loss"][-1] == pytest.approx(b["loss"][-1], rel=0.02)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer", "ignore:lbfgs failed")
def test_auto_is_float32_and_goes_with_any_solver() -> None:
    for solver in ("adam", "lbfgs"):
        assert MLPClassifier(**SMALL, solver=solver, precision="auto").fit(X, Y).network_.dtype == np.float32
    assert MLPClassifier(**SMALL, dtype="float64", precision="auto").fit(X, Y).network_.dtype == np.float64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"solver": "lbfgs", "precision": "bfloat16"}, "solver='lbfgs' needs losses with more digits than precision='bfloat16' gives"),
        ({"dtype": "float64", "precision": "bfloat16"}, "this one is float64: leave it out, or pass dtype='float32'"),
        ({"precision": "half"}, "precision must be one of None, 'float32', 'bfloat16', 'auto', got 'half'"),
        ({"precision": True}, "precision must be one of"),
    ],
)
def test_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        MLPClassifier(**SMALL, **arguments).fit(X, Y)


def test_refused_without_the_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "HAS_BFLOAT16", False)
    for estimator in (MLPClassifier(precision="bfloat16"), TabMClassifier(precision="bfloat16")):
        with pytest.raises(ParameterError, match="needs a processor with AVX512_BF16"):
            estimator.fit(X, Y)
