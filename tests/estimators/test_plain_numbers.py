"""Plain numbers skip scikit-learn's checks; all other data are checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from nncore.estimators import LogisticNeuron, MLPClassifier, columns
from nncore.estimators.plain_numbers import plain_columns, plain_numbers, row_blocks

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 3))
Y = rng.integers(3, size=50)
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])


@pytest.fixture(scope="module")
def model() -> MLPClassifier:
    return MLPClassifier((4,), max_iter=2, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def of_frame() -> MLPClassifier:
    return MLPClassifier((4,), max_iter=2, random_state=0).fit(FRAME, Y)


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::nncore.errors.ConvergenceWarning")

ARRAYS = {
    "float64": X,
    "float32": X.astype(np.float32),
    "columns": np.asfortranarray(X),
    "every second": np.repeat(X, 2, axis=0)[::2],
    "backwards": X[:, ::-1],
    "whole": (10 * X).astype(np.int64),
    "small whole": np.arange(6, dtype=np.uint8).reshape(2, 3),
    "truth": X > 0,
    "one": X[:1],
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
@pytest.mark.parametrize("standardize", [False, True])
def test_plain_arrays_give_what_they_give_after_all_checks(array: Any, standardize: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MLPClassifier((4,), max_iter=2, random_state=0, standardize=standardize).fit(X, Y)
    neuron = LogisticNeuron(max_epochs=5).fit(X, Y > 0)
    assert plain_numbers(model, array) is array
    found = model.predict_proba(array), neuron.decision_function(array)
    monkeypatch.setattr(columns, "plain_numbers", lambda estimator, X: None)
    monkeypatch.setattr("nncore.estimators.linear_binary.plain_numbers", lambda estimator, X: None)
    np.testing.assert_array_equal(found[0], model.predict_proba(array))
    np.testing.assert_array_equal(found[1], neuron.decision_function(array))


class Mine(np.ndarray):
    """A subclass of unknown behaviour."""


@pytest.mark.parametrize(
    "data",
    [
        np.where(X > 2, np.nan, X),
        np.full((2, 3), np.inf),
        np.asfortranarray(np.full((2, 3), np.nan)),
        np.full((4, 3), np.nan)[::2],
        X[:0],
        X[:, :2],
        X[0],
        X[None],
        X.astype(np.float16),
        X.astype(">f8"),
        X.astype(complex),
        X.astype(str),
        X.astype(object),
        X.view(Mine),
        np.ma.masked_less(X, 0),
        X.tolist(),
        csr_matrix(X),
        FRAME,
    ],
    ids=lambda data: f"{type(data).__name__} {getattr(data, 'dtype', '')}",
)
def test_the_rest_is_looked_at(model: MLPClassifier, data: Any) -> None:
    assert plain_numbers(model, data) is None


def test_frames_of_numbers(of_frame: MLPClassifier) -> None:
    mixed = FRAME.assign(b=np.arange(50))
    for frame in (FRAME, FRAME.astype("float32"), mixed, pl.from_pandas(FRAME), pl.from_pandas(mixed), FRAME.iloc[3:4]):
        numbers = plain_numbers(of_frame, frame)
        assert numbers is not None
        assert len(numbers) == len(frame)
    np.testing.assert_array_equal(of_frame.predict_proba(FRAME), of_frame.predict_proba(pl.from_pandas(FRAME)))
    arrays = MLPClassifier((4,), max_iter=2, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(of_frame.predict_proba(FRAME), arrays.predict_proba(X))


@pytest.mark.parametrize(
    "frame",
    [
        FRAME[["b", "a", "c"]],
        FRAME.rename(columns={"a": "d"}),
        FRAME.assign(a=np.nan),
        FRAME.assign(a=pd.array([1] * 50, dtype="Int64")),
        FRAME.assign(a="text"),
        FRAME.assign(a=pd.Timestamp("2020-01-01")),
        FRAME.assign(d=1.0),
        FRAME.iloc[:0],
        pl.from_pandas(FRAME).with_columns(a=pl.lit("text")),
        X,
    ],
    ids=range(10),
)
def test_other_frames_are_looked_at(of_frame: MLPClassifier, frame: Any) -> None:
    assert plain_numbers(of_frame, frame) is None


def test_checks_of_scikit_learn_still_speak(model: MLPClassifier, of_frame: MLPClassifier) -> None:
    with pytest.raises(ValueError, match="X has 2 features, but MLPClassifier is expecting 3"):
        model.predict(X[:, :2])
    with pytest.raises(ValueError, match="infinity"):
        model.predict(np.full((1, 3), np.inf))
    assert model.predict(X[:0]).shape == (0,)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        of_frame.predict(X)
    with pytest.warns(UserWarning, match="has feature names, but MLPClassifier was fitted without"):
        model.predict(FRAME)
    with pytest.raises(ValueError, match="same order"):
        of_frame.predict(FRAME[["b", "a", "c"]])
    holes = X.copy()
    holes[4, 1] = np.nan
    means = np.where(np.isnan(holes), X.mean(axis=0), holes)
    np.testing.assert_allclose(model.predict_proba(holes), model.predict_proba(means))
    np.testing.assert_allclose(of_frame.predict_proba(FRAME.mask(np.isnan(holes))), model.predict_proba(means))


def test_blocks_of_rows() -> None:
    rows = np.arange(100)
    for row_bytes in (1, 2**20, 2**24, 2**30):
        blocks = row_blocks(100, row_bytes)
        np.testing.assert_array_equal(np.concatenate([rows[block] for block in blocks]), rows)
    assert len(row_blocks(100, 2**30)) == 100
    assert len(row_blocks(100, 0)) == 1


MIXED = FRAME.assign(kind=pd.Categorical(np.array(["x", "y", "z"])[Y]), town=np.array(["A", "B"])[Y % 2], n=Y)
HOLES = MIXED.assign(kind=MIXED["kind"].cat.remove_categories("z"))


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("make", [lambda frame: frame, pl.from_pandas, lambda frame: frame.iloc[:1]], ids=["pandas", "polars", "row"])
@pytest.mark.parametrize("frame", [MIXED, HOLES, MIXED[["kind", "town"]], MIXED.astype({"n": "float32"})], ids=range(4))
def test_frames_with_categories(frame: Any, make: Any, standardize: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MLPClassifier((4,), max_iter=2, random_state=0, standardize=standardize, categorical_features=["kind", "town"]).fit(frame, Y)
    assert plain_columns(model, make(frame), model._columns.is_categorical) is not None
    found = model.predict_proba(make(frame))
    monkeypatch.setattr(columns, "plain_columns", lambda *arguments: None)
    np.testing.assert_array_equal(found, model.predict_proba(make(frame)))


@pytest.mark.parametrize(
    "frame",
    [
        MIXED[MIXED.columns[::-1]],
        MIXED.assign(a=np.nan),
        MIXED.assign(a="text"),
        MIXED.assign(a=pd.Timestamp("2020-01-01")),
        MIXED.drop(columns="kind"),
        MIXED.iloc[:0],
        MIXED.to_numpy(),
    ],
    ids=range(7),
)
def test_other_frames_with_categories_are_looked_at(frame: Any) -> None:
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(MIXED, Y)
    assert plain_columns(model, frame, model._columns.is_categorical) is None


def test_numbered_columns_have_no_names(model: MLPClassifier) -> None:
    numbered = pd.DataFrame(X)
    assert plain_numbers(model, numbered) is not None
    np.testing.assert_array_equal(model.predict_proba(numbered), model.predict_proba(X))
    of_numbered = MLPClassifier((4,), max_iter=2, random_state=0).fit(numbered, Y)
    np.testing.assert_array_equal(of_numbered.predict_proba(numbered[2:3]), of_numbered.predict_proba(X[2:3]))
    assert plain_numbers(of_numbered, numbered.assign(**{"3": 1.0})) is None
