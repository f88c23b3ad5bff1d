"""Numbers far from 0, in any container, are centred in float64 and rounded last."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import nncore as nn
from nncore import estimators
from nncore.errors import DataWarning
from nncore.estimators import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
SECONDS = RNG.integers(0, 600, (200, 2))
#: Times in seconds since 1970 within ten minutes, where float32 has five numbers.
X = 1_700_000_000 + SECONDS
CENTRED = (SECONDS - 300) / 150
VALUES = np.sin(CENTRED[:, 0]) + CENTRED[:, 1]
LABELS = (CENTRED.sum(axis=1) > 0.1).astype(int)


def _memmap(array: np.ndarray, folder: Path) -> np.ndarray:
    np.save(folder / "X.npy", array.astype(np.float64))
    loaded: np.ndarray = np.load(folder / "X.npy", mmap_mode="r")
    return loaded


def _polars(array: np.ndarray) -> Any:
    return pytest.importorskip("polars").DataFrame(array, schema=["a", "b"])


CONTAINERS: dict[str, Callable[..., Any]] = {
    "float64": lambda array: array.astype(np.float64),
    "int64": lambda array: array,
    "uint32": lambda array: array.astype(np.uint32),
    "longdouble": lambda array: array.astype(np.longdouble),
    "list": lambda array: array.tolist(),
    "object": lambda array: array.astype(object),
    "decimal": lambda array: np.array([[Decimal(int(value)) for value in row] for row in array]),
    "fortran": lambda array: np.asfortranarray(array, np.float64),
    "sparse": lambda array: csr_array(array.astype(np.float64)),
    "pandas": lambda array: pd.DataFrame(array, columns=["a", "b"]),
    "nullable": lambda array: pd.DataFrame(array, columns=["a", "b"]).astype("Int64"),
    "pyarrow": lambda array: pd.DataFrame(array, columns=["a", "b"]).astype("int64[pyarrow]"),
    "polars": _polars,
    "memmap": _memmap,
}  # fmt: skip


def container(kind: str, folder: Path) -> Any:
    return _memmap(X, folder) if kind == "memmap" else CONTAINERS[kind](X)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_regression_of_every_container(kind: str, tmp_path: Path) -> None:
    data = container(kind, tmp_path)
    model = MLPRegressor(
        hidden_layer_sizes=(8,), solver="lbfgs", activation="tanh", standardize=True, dtype="float32", tol=1e-3, random_state=0
    )
    assert model.fit(data, VALUES).score(data, VALUES) > 0.999


@pytest.mark.parametrize("dtype", ["input", "float32", "float64"])
@pytest.mark.parametrize("cls", [MLPRegressor, MLPClassifier])
def test_every_way_to_train(cls: type, dtype: str) -> None:
    """Every way to train centres them: fits, fits in steps with validation data, partial fits, and frames with categories and gaps."""
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(c=np.where(LABELS, "u", "v"), d=1.7e9 + np.where(SECONDS[:, 0] > 500, np.nan, 1))
    y = VALUES if cls is MLPRegressor else LABELS
    arguments = {"hidden_layer_sizes": (16,), "activation": "tanh", "standardize": True, "dtype": dtype, "random_state": 0}
    by_steps = {"solver": "adam", "learning_rate_init": 0.02, "batch_size": 20, "tol": 0, "max_iter": 60}
    least = 0.99 if cls is MLPRegressor else 0.98
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model = cls(**arguments, **by_steps).fit(X, y, X_val=X, y_val=y)
    assert model.score(X, y) > least
    assert cls(**arguments, solver="lbfgs", tol=1e-3).fit(frame, y).score(frame, y) > least
    model = cls(**arguments, **by_steps)
    for _ in range(60):
        model.partial_fit(X, y, **({} if cls is MLPRegressor else {"classes": [0, 1]}))
    assert model.score(X, y) > least


def test_a_filled_hole_is_the_mean_whatever_the_dtype() -> None:
    model = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", standardize=True, dtype="float32", tol=1e-3, random_state=0)
    model.fit(X.astype(np.float64), VALUES)
    holes = X.astype(np.float64)
    holes[:, 0] = np.nan
    filled = X.astype(np.float64)
    filled[:, 0] = X[:, 0].mean()
    np.testing.assert_allclose(model.predict(holes), model.predict(filled), atol=1e-5)


def test_linear_models_are_as_good_as_on_centred_data() -> None:
    exact = estimators.LogisticNeuron(max_epochs=300, random_state=0)
    with pytest.warns(nn.errors.ConvergenceWarning):
        far = exact.fit(X, LABELS).score(X, LABELS)
    with pytest.warns(nn.errors.ConvergenceWarning):
        assert far == exact.fit(CENTRED, LABELS).score(CENTRED, LABELS)


@pytest.mark.parametrize(("where", "arrays"), [("X", (X.astype(np.float64), VALUES)), ("y", (CENTRED, 1.7e9 + VALUES))])
def test_a_network_of_few_digits_says_what_it_cannot_tell_apart(where: str, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    def fit(dtype: str) -> None:
        nn.Sequential(nn.Dense(1)).fit(*arrays, loss="mae", epochs=0, dtype=dtype, progress=False)

    with pytest.warns(DataWarning, match=f"column 0 of {where} lies between 1.*where float32 has few numbers: subtract about the mean"):
        fit("float32")
    fit("float64")


@pytest.mark.filterwarnings("ignore:MLPRegressor predicts no better than a constant")
def test_an_estimator_of_few_digits_says_it_too() -> None:
    with pytest.warns(DataWarning, match="where float32 has few numbers"), pytest.warns(UserWarning, match="Maximum iterations"):
        MLPRegressor(max_iter=1, dtype="float32").fit(X, VALUES)
