"""Predictions of no samples are empty, in every estimator: a partition or a query result may have no rows."""

# scikit-learn and pandas have no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

from nncore import estimators
from nncore.estimators import MLPClassifier, MLPRegressor, RealMLPClassifier

N = 40
NUMBERS = np.random.default_rng(0).normal(size=(N, 3))
FRAME = pd.DataFrame(NUMBERS, columns=["a", "b", "c"]).assign(
    kind=["u", "v", "w", "v"] * 10, level=pd.Categorical(["low", "high"] * 20), day=pd.date_range("2020-01-01", periods=N)
)
YES = np.where(NUMBERS[:, 0] > 0, "yes", "no")
QUICK: dict[str, dict[str, Any]] = (
    {"MLPClassifier": {"max_iter": 2}, "MLPRegressor": {"max_iter": 2}}
    | {name: {"max_iter": 2, "hidden_layer_sizes": (8,), "n_cv": 2} for name in ("RealMLPClassifier", "RealMLPRegressor")}
    | {name: {"max_iter": 2, "hidden_layer_sizes": (8,), "n_members": 2, "n_cv": 2} for name in ("TabMClassifier", "TabMRegressor")}
)
#: Methods that predict for samples.
ANSWERS = ("predict", "predict_proba", "predict_log_proba", "decision_function")
FITTED = [name for name in estimators.__all__ if hasattr(getattr(estimators, name), "fit")]


def fitted(name: str, X: Any, y: Any = None) -> Any:
    model = getattr(estimators, name)(**QUICK.get(name, {}), random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a few epochs
        return model.fit(X, (NUMBERS[:, 0] if "Regressor" in name else YES) if y is None else y)


def check(model: Any, X: Any, some: Any, none: Any) -> None:
    """Check that results have no rows, and the same columns and dtype as others."""
    asked = [name for name in ANSWERS if hasattr(model, name)]
    assert asked
    for name in asked:
        wanted, found = getattr(model, name)(some), getattr(model, name)(none)
        for one, other in zip(wanted, found, strict=True) if isinstance(wanted, list) else [(wanted, found)]:
            assert other.shape == (0, *one.shape[1:])
            assert other.dtype == one.dtype


@pytest.mark.parametrize("name", FITTED)
def test_arrays(name: str) -> None:
    check(fitted(name, NUMBERS), NUMBERS, NUMBERS[:2], NUMBERS[:0])


@pytest.mark.parametrize("name", FITTED)
def test_frames_of_numbers(name: str) -> None:
    frame = FRAME[["a", "b", "c"]]
    check(fitted(name, frame), frame, frame.head(2), frame.head(0))


FRAMES: dict[str, Callable[[], Any]] = {
    "pandas": lambda: FRAME, "polars": lambda: pl.from_pandas(FRAME), "pyarrow": lambda: pa.Table.from_pandas(FRAME),
    "pandas objects": lambda: FRAME.astype({"kind": object}),
}  # fmt: skip


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize("dates", [True, False], ids=["dates", "no dates"])
@pytest.mark.parametrize("name", ["MLPClassifier", "RealMLPRegressor", "TabMClassifier"])
def test_frames(name: str, dates: bool, library: str) -> None:
    columns = [column for column in FRAME if dates or column != "day"]
    frame = FRAMES[library]()
    frame = frame.select(columns) if library in ("polars", "pyarrow") else frame[columns]
    check(fitted(name, frame), frame, frame[:2], frame[:0])
    check(fitted(name, FRAME[columns]), frame, frame[:2], frame[:0])


def test_sparse_matrices() -> None:
    X = csr_array(NUMBERS)
    check(fitted("MLPClassifier", X), X, X[:2], X[:0])


@pytest.mark.parametrize(
    "y", [np.eye(3, dtype=int)[np.arange(N) % 3], np.stack([np.arange(N) % 2, np.arange(N) % 3], 1)], ids=["labels", "heads"]
)
def test_several_targets(y: np.ndarray) -> None:
    model: Any = fitted("MLPClassifier", NUMBERS, y)
    check(model, NUMBERS, NUMBERS[:2], NUMBERS[:0])


def test_standard_deviations() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPRegressor("gaussian_nll", max_iter=2, random_state=0).fit(NUMBERS, NUMBERS[:, 0])
    mean, deviation = model.predict(NUMBERS[:0], return_std=True)
    assert mean.shape == deviation.shape == (0,)


def test_what_is_wrong_is_said_without_rows_too() -> None:
    model = fitted("MLPClassifier", FRAME)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(FRAME[:0].rename(columns={"a": "z"}))
    with pytest.raises(ValueError, match="same order"):
        model.predict(FRAME[:0][["b", "a", "c", "kind", "level", "day"]])
    with pytest.raises(ValueError, match="features"):
        fitted("MLPClassifier", NUMBERS).predict(NUMBERS[:0, :2])


def test_a_fit_and_a_score_need_samples() -> None:
    model: Any
    for model in (fitted("MLPClassifier", NUMBERS), fitted("RealMLPClassifier", NUMBERS), MLPClassifier(), RealMLPClassifier()):
        with pytest.raises(ValueError, match=r"minimum of 1|0 samples"):
            model.fit(NUMBERS[:0], YES[:0])
    with pytest.raises(ValueError, match=r"[Ff]ound (array|empty)|0 sample"):
        fitted("MLPClassifier", NUMBERS).score(NUMBERS[:0], YES[:0])
