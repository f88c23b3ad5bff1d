"""A category whose type changes between `fit` and `predict` is the same level, or raises an error or a warning, never silently unknown."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nncore import estimators
from nncore.errors import DataError, DataWarning
from nncore.estimators import LogisticNeuron, MLPClassifier, MLPRegressor, Perceptron

polars = pytest.importorskip("polars")

pytestmark = pytest.mark.filterwarnings("ignore::nncore.errors.ConvergenceWarning")

RNG = np.random.default_rng(0)
CODES = np.concatenate([np.arange(5), RNG.integers(0, 5, 35)])
TRUTH = CODES % 2 == 0
EFFECTS = np.array([3.0, -1.0, 2.0, 0.5, -2.0])


def texts(values: Any) -> list[str]:
    return [str(value) for value in values]


#: Column types that can hold the levels 1 … 5.
NUMBERS: dict[str, Callable[[np.ndarray], Any]] = {
    "text": lambda codes: pd.Series(texts(codes + 1)),
    "text of floats": lambda codes: pd.Series(texts(codes + 1.0)),
    "objects": lambda codes: pd.Series((codes + 1).tolist(), dtype=object),
    "int64": lambda codes: pd.Series(codes + 1),
    "int8": lambda codes: pd.Series(codes + 1, dtype=np.int8),
    "float64": lambda codes: pd.Series(codes + 1.0),
    "float32": lambda codes: pd.Series(codes + 1.0, dtype=np.float32),
    "nullable": lambda codes: pd.Series(codes + 1, dtype="Int64"),
    "category of text": lambda codes: pd.Series(texts(codes + 1), dtype="category"),
    "category of numbers": lambda codes: pd.Series(codes + 1, dtype="category"),
    "pyarrow text": lambda codes: pd.Series(texts(codes + 1), dtype="string[pyarrow]"),
    "polars text": lambda codes: polars.Series(texts(codes + 1)),
    "polars category": lambda codes: polars.Series(texts(codes + 1), dtype=polars.Categorical),
    "polars int": lambda codes: polars.Series(codes + 1),
}  # fmt: skip
#: Column types that can hold two levels.
TRUTHS: dict[str, Callable[[np.ndarray], Any]] = {
    "bool": lambda codes: pd.Series(codes % 2 == 0),
    "nullable": lambda codes: pd.Series(codes % 2 == 0, dtype="boolean"),
    "objects": lambda codes: pd.Series((codes % 2 == 0).tolist(), dtype=object),
    "text": lambda codes: pd.Series(texts(codes % 2 == 0)),
    "upper case": lambda codes: pd.Series(texts(codes % 2 == 0)).str.upper(),
    "int": lambda codes: pd.Series((codes % 2 == 0).astype(int)),
    "float": lambda codes: pd.Series((codes % 2 == 0).astype(float)),
    "text of ints": lambda codes: pd.Series(texts((codes % 2 == 0).astype(int))),
    "polars bool": lambda codes: polars.Series(codes % 2 == 0),
}  # fmt: skip
DAYS = [datetime.date(2024, 2, day + 1) for day in range(5)]
DATES: dict[str, Callable[[np.ndarray], Any]] = {
    "dates": lambda codes: pd.Series([DAYS[code] for code in codes], dtype=object),
    "timestamps": lambda codes: pd.Series(pd.to_datetime([DAYS[code] for code in codes])),
    "text": lambda codes: pd.Series([DAYS[code].isoformat() for code in codes]),
    "polars dates": lambda codes: polars.Series([DAYS[code] for code in codes]),
}  # fmt: skip
GROUPS = {"numbers": NUMBERS, "truths": TRUTHS, "dates": DATES}


def frame(column: Any) -> Any:
    return column.to_frame("c") if isinstance(column, pd.Series) else polars.DataFrame({"c": column})


@functools.cache
def fitted(group: str, kind: str) -> tuple[MLPRegressor, np.ndarray]:
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, categorical_features=["c"], random_state=0)
    X = frame(GROUPS[group][kind](CODES))
    return model.fit(X, EFFECTS[CODES]), model.predict(X)


@pytest.mark.parametrize(("group", "kind"), [(group, kind) for group, kinds in GROUPS.items() for kind in kinds])
def test_a_level_is_the_same_in_every_type(group: str, kind: str) -> None:
    model, expected = fitted(group, kind)
    assert len(set(expected.round(3).tolist())) == (2 if group == "truths" else 5)
    for other, make in GROUPS[group].items():
        np.testing.assert_array_equal(model.predict(frame(make(CODES))), expected, err_msg=other)


@pytest.mark.parametrize(
    "make", [lambda codes: codes[:, None] + 1, lambda codes: [[str(code + 1)] for code in codes]], ids=["ints", "texts"]
)
def test_arrays_and_lists_too(make: Callable[[np.ndarray], Any]) -> None:
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, categorical_features=[0], random_state=0)
    expected = model.fit(make(CODES), EFFECTS[CODES]).predict(make(CODES))
    for other in (
        CODES[:, None] + 1,
        CODES[:, None] + 1.0,
        np.array(texts(CODES + 1), object)[:, None],
        [[str(code + 1)] for code in CODES],
    ):
        np.testing.assert_array_equal(model.predict(other), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_short_floats_are_the_numbers_that_they_show(dtype: type) -> None:
    levels = np.array([0.1, 0.2, 0.3])[CODES % 3]
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, categorical_features=[0], random_state=0)
    expected = model.fit(levels.astype(dtype)[:, None], EFFECTS[CODES % 3]).predict(levels.astype(dtype)[:, None])
    np.testing.assert_array_equal(model.predict(levels[:, None]), expected)
    np.testing.assert_array_equal(model.predict([[str(level)] for level in levels]), expected)


def test_codes_with_zeros_in_front_are_no_numbers() -> None:
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", random_state=0)
    model.fit(pd.DataFrame({"c": ["01", "02", "1", "2"]}), [1.0, 2.0, 3.0, 4.0])
    a, b = model.predict(pd.DataFrame({"c": ["01", "1"]}))
    assert abs(a - b) > 1


def test_another_kind_of_values_is_an_error() -> None:
    words = pd.DataFrame({"c": ["a", "b", "c", "a"]})
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", random_state=0).fit(words, [1.0, 2.0, 3.0, 1.0])
    with pytest.raises(DataError, match=r"column 'c' of X holds numbers \(7\), but training had text \('a'\): convert the column"):
        model.predict(pd.DataFrame({"c": [7, 8]}))


def test_many_unknown_values_are_told() -> None:
    model, _ = fitted("numbers", "int64")
    with pytest.warns(DataWarning, match="column 'c' of X: 3 of 4 values did not occur in training, first 7"):
        model.predict(pd.DataFrame({"c": [7, 8, 9, 1]}))
    model.predict(pd.DataFrame({"c": [7, 8, 1, 2]}))  # only half of them are new


LABELS: dict[str, Callable[[np.ndarray], Any]] = {
    "text": lambda truth: texts(truth.astype(int)),
    "int": lambda truth: truth.astype(int),
    "float": lambda truth: truth.astype(float),
    "objects": lambda truth: truth.astype(int).astype(object),
    "category": lambda truth: pd.Series(texts(truth.astype(int)), dtype="category"),
    "pyarrow": lambda truth: pd.Series(texts(truth.astype(int)), dtype="string[pyarrow]"),
    "polars": lambda truth: polars.Series(texts(truth.astype(int))),
}  # fmt: skip
X = np.column_stack([TRUTH + 0.1 * RNG.normal(size=40), RNG.normal(size=40)])


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize(
    "model", [MLPClassifier((), solver="lbfgs"), Perceptron(), LogisticNeuron()], ids=lambda model: type(model).__name__
)
def test_classes_of_another_type_are_the_same_classes(model: Any, kind: str) -> None:
    model = type(model)(**model.get_params() | {"random_state": 0}).fit(X, LABELS[kind](TRUTH))
    for other, make in LABELS.items():
        assert model.score(X, make(TRUTH)) == 1.0, other
        assert model.score(X, make(~TRUTH)) == 0.0, other


def test_validation_data_and_further_calls_may_have_another_type() -> None:
    model = MLPClassifier((), solver="sgd", max_iter=3, tol=0, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(X, TRUTH.astype(int), X_val=X, y_val=texts(TRUTH.astype(int)))
    assert model.partial_fit(X, texts(TRUTH.astype(int))).classes_.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([None, "a"] * 20, "Input y contains NaN or None, at row 0 first: leave such samples out"),
        (["a", float("nan")] * 20, "Input y contains NaN or None, at row 1"),
        (np.where(TRUTH, np.nan, 1.0), "Input y contains NaN or None"),
        ([1, "a"] * 20, r"y mixes labels that are numbers and text: make all of them text, \[str\(label\) for label in y\]"),
    ],
    ids=["None", "NaN among texts", "NaN", "mixed"],
)
@pytest.mark.parametrize("name", ["MLPClassifier", "Perceptron", "LogisticNeuron"])
def test_labels_that_are_missing_or_mixed(name: str, labels: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        getattr(estimators, name)().fit(X, labels)
