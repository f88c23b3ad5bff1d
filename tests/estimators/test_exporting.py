"""Exported estimators predict what estimators do: columns of all kinds, every loss, ensembles, classes, and errors."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from exported import RUNNERS, module_of
from sklearn.exceptions import NotFittedError

import nncore as nn
from nncore.errors import ExportError, NoFormulaError
from nncore.estimators import (
    LogisticNeuron,
    MLPClassifier,
    MLPRegressor,
    Perceptron,
    RealMLPClassifier,
    RealMLPRegressor,
    TabMClassifier,
    TabMRegressor,
)
from nncore.plugin import Activation

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::nncore.errors.DataWarning"),
    pytest.mark.filterwarnings("ignore::nncore.errors.ConvergenceWarning"),
]

TOLERANCE = 1e-5
N_ROWS = 90
#: Arguments of small networks with short fits.
SMALL: dict[str, Any] = {"hidden_layer_sizes": (6, 5), "max_iter": 2, "random_state": 0}
TABM: dict[str, Any] = {**SMALL, "n_members": 3}


@pytest.fixture(params=[".py", ".onnx", ".h"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == ".onnx":
        pytest.importorskip("onnxruntime")
    return tmp_path / f"estimator{request.param}"


def frame(seed: int = 0) -> pd.DataFrame:
    """A frame: numbers far from 0, numbers with gaps, texts, texts with gaps, many levels, integers and booleans as levels."""
    rng = np.random.default_rng(seed)
    made = pd.DataFrame(
        {
            "time": 1.7e9 + rng.uniform(0, 600, N_ROWS),
            "colour": rng.choice(["red", "blue", 'it\'s "green"\\', "1.0", "True"], N_ROWS),
            "gaps": np.where(rng.random(N_ROWS) < 0.2, np.nan, rng.exponential(9, N_ROWS)),
            "many": pd.Categorical([f"l{number}" for number in rng.integers(0, 20, N_ROWS)]),
            "whole": pd.Categorical(rng.choice([3, 4, 70], N_ROWS)),
            "truth": pd.Categorical(rng.random(N_ROWS) < 0.5),
            "größe, π": rng.normal(size=N_ROWS),
        }
    )
    made.loc[made.index[3:9], "colour"] = None
    return made


def strange(X: pd.DataFrame) -> pd.DataFrame:
    """The frame with levels unknown in training, and gaps where training had none."""
    other = frame(1)
    other["colour"] = other["colour"].where(other["colour"] != "blue", "never seen")
    other.loc[other.index[10:15], "time"] = np.nan
    other["many"] = other["many"].astype(object).where(other["many"] != "l3", None)
    other["whole"] = pd.Categorical(other["whole"].astype(object).where(other["whole"] != 4, 5))
    return other[X.columns]


def inputs_of(X: pd.DataFrame) -> dict[str, np.ndarray]:
    """Inputs for an ONNX runtime: texts without gaps, everything else as float64."""
    found = {}
    for name, column in X.items():
        values = column.astype(object).to_numpy()
        if pd.api.types.is_datetime64_any_dtype(column):
            found[str(name)] = seconds_of(column)[:, None]
            continue
        is_text = any(isinstance(value, str) for value in values)
        array = np.array(["" if pd.isna(value) else value for value in values], object) if is_text else column.astype(float).to_numpy()
        found[str(name)] = array[:, None]
    return found


def seconds_of(column: pd.Series) -> np.ndarray:
    """Seconds of dates, the form that exported models take."""
    moments = column if column.dt.tz is None else column.dt.tz_convert("UTC").dt.tz_localize(None)
    return ((moments - pd.Timestamp(0)) / pd.Timedelta(seconds=1)).to_numpy()


def check(model: Any, X: Any, path: Path, inputs: Any = None) -> None:
    """Check that `predict` and `predict_proba` of the exported file equal those of the model."""
    model.export(path)
    check_file(model, X, path, inputs)


def check_file(model: Any, X: Any, path: Path, inputs: Any = None) -> None:
    """Check a model that was exported before."""
    found = RUNNERS[path.suffix](path.read_bytes(), inputs_of(X) if inputs is None else inputs)
    if path.suffix == ".py":  # the methods themselves, called with the user's X
        module = module_of(path.read_bytes())
        found |= {name: getattr(module, name)(X) for name in ("predict", "predict_proba") if name in found}
    expected = {"predict": model.predict(X)}
    if hasattr(model, "predict_proba"):
        expected["predict_proba"] = model.predict_proba(X)
    for method, one in expected.items():
        if method in found:
            compare(found[method], one)
            continue
        columns = list(one) if isinstance(one, list) else list(one.T)
        for position, own in enumerate(columns):
            compare(found[f"{method}_{position}"], own)
    assert {name.rpartition("_")[0] if name[-1].isdigit() else name for name in found} == expected.keys()


def compare(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    if expected.dtype.kind == "f":
        scale = np.abs(expected).max(initial=1)
        np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE * scale)
    else:
        assert found.tolist() == expected.tolist()


def targets(X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Three classes, and numbers."""
    late = (X["time"] > X["time"].median()).to_numpy()
    classes = np.array(["low", "mid", 'h"igh'])[late.astype(int) + (X["colour"] == "red").to_numpy()]
    return classes, 1e6 + 3 * X["gaps"].fillna(0).to_numpy() + late


#: Arguments that change how columns, networks and predictions are exported.
CLASSIFIERS: dict[str, Any] = {
    "mlp": MLPClassifier(**SMALL, standardize=True),
    "mlp float32": MLPClassifier(**SMALL, standardize=True, dtype="float32", max_one_hot=3),
    "mlp, one against the others": MLPClassifier(**SMALL, standardize=True, loss="binary_cross_entropy"),
    "mlp, squared errors": MLPClassifier(**SMALL, standardize=True, loss="mse"),
    "mlp, classes in order": MLPClassifier(**SMALL, standardize=True, loss="ordinal"),
    "mlp, no probabilities": MLPClassifier(**SMALL, standardize=True, loss="hinge"),
    "real mlp": RealMLPClassifier(**SMALL, n_cv=2, n_ens=2),
    "real mlp, calibrated": RealMLPClassifier(**SMALL, n_cv=2, temperature_scaling=True),
    "tabm": TabMClassifier(**TABM),
}
REGRESSORS: dict[str, Any] = {
    "mlp": MLPRegressor(**SMALL, standardize=True),
    "mlp, scaled": MLPRegressor(**SMALL, standardize=True, standardize_target=True, dtype="float32"),
    "mlp, quantiles": MLPRegressor(
        **SMALL, standardize=True, standardize_target=True, loss={"name": "quantile", "quantiles": (0.1, 0.5, 0.9)}
    ),
    "mlp, normal": MLPRegressor(**SMALL, standardize=True, standardize_target=True, loss="gaussian_nll"),
    "mlp, scores of distributions": MLPRegressor(**SMALL, standardize=True, standardize_target=True, loss="crps"),
    "mlp, amounts": MLPRegressor(**SMALL, standardize=True, loss="tweedie"),
    "mlp, rates": MLPRegressor(**SMALL, standardize=True, loss="poisson"),
    "real mlp": RealMLPRegressor(**SMALL, n_cv=2),
    "real mlp, normal": RealMLPRegressor(**SMALL, n_cv=2, loss="gaussian_nll"),
    "real mlp, rates": RealMLPRegressor(**SMALL, n_cv=2, loss="poisson"),
    "tabm": TabMRegressor(**TABM),
    "tabm, quantiles": TabMRegressor(**TABM, loss={"name": "quantile", "quantiles": (0.1, 0.5, 0.9)}),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_of_frames(name: str, path: Path) -> None:
    X = frame()
    model = CLASSIFIERS[name].fit(X, targets(X)[0])
    model.export(path)
    for given in (X, strange(X), X[:1]):
        check_file(model, given, path)


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors_of_frames(name: str, path: Path) -> None:
    X = frame()
    model = REGRESSORS[name].fit(X, targets(X)[1])
    model.export(path)
    for given in (X, strange(X), X[:1]):
        check_file(model, given, path)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cls", [MLPClassifier, RealMLPClassifier, TabMClassifier, LogisticNeuron, Perceptron])
def test_two_classes_of_arrays(cls: Any, dtype: str, path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(N_ROWS, 4)).astype(dtype)
    model = cls(**{name: value for name, value in TABM.items() if name in inspect.signature(cls).parameters})
    is_high = X[:, 0] > 0
    for y in (is_high, np.where(is_high, "yes", "no")) if dtype == "float64" else (is_high * 2 - 1, np.where(is_high, 1.0, -1.0)):
        model.fit(X, y)
        check(model, X, path, {"X": X.astype(input_dtype(model))})


def input_dtype(model: Any) -> np.dtype:
    """The dtype of X in an exported file."""
    is_plain = isinstance(model, (MLPClassifier, MLPRegressor)) and model._columns.inputs is None
    return model.network_.dtype if is_plain else np.dtype(np.float64)


@pytest.mark.parametrize("cls", [MLPClassifier, RealMLPClassifier])
def test_several_targets_of_classes(cls: Any, path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(N_ROWS, 4))
    labels = (X[:, :3] > 0).astype(int)
    heads = np.column_stack([labels[:, 0] * 5, labels[:, 1] + labels[:, 2]])
    for y in (labels, heads):
        check(cls(**SMALL).fit(X, y), X, path, {"X": X})


@pytest.mark.parametrize(
    "model",
    [
        MLPRegressor(**SMALL, standardize_target=True),
        MLPRegressor(**SMALL, standardize_target=True, loss={"name": "quantile", "quantiles": (0.1, 0.9)}),
        RealMLPRegressor(**SMALL, n_cv=2, loss={"name": "quantile", "quantiles": (0.1, 0.9)}),
        RealMLPRegressor(**SMALL, n_cv=2, loss="gaussian_nll"),
    ],
    ids=str,
)
def test_several_targets_of_numbers(model: Any, path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(N_ROWS, 4))
    check(model.fit(X, np.column_stack([X[:, 0] * 9 + 100, X[:, 1]])), X, path, {"X": X})


def test_one_class(path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(20, 3))
    check(MLPClassifier(**SMALL).fit(X, ["only"] * 20), X, path, {"X": X})


def test_gaps_in_arrays(path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(N_ROWS, 3))
    y = X[:, 1].copy()
    X[::7, 0] = np.nan
    model = MLPRegressor(**SMALL).fit(X, y)
    X[::5, 2] = np.nan
    check(model, X, path, {"X": X.astype(input_dtype(model))})


def test_levels_that_are_numbers_stay_in_the_matrix(path: Path) -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=N_ROWS), rng.choice([5.0, 7.5, np.nan], N_ROWS), rng.integers(0, 30, N_ROWS)])
    model = MLPClassifier(**SMALL, categorical_features=[1, 2]).fit(X, X[:, 0] > 0)
    X[0, 1], X[1, 2], X[2, 2] = 6, 99, np.nan
    check(model, X, path, {"X": X})


def test_columns_without_names_are_numbered(path: Path) -> None:
    X = frame()[["time", "colour"]].to_numpy(object)
    model = MLPClassifier(**SMALL, standardize=True, categorical_features=[1]).fit(X, X[:, 1] == "red")
    inputs = {"x0": X[:, :1].astype(float), "x1": np.array([["" if value is None else value] for value in X[:, 1]], object)}
    check(model, X, path, inputs)


def test_a_polars_frame_and_a_dict_of_columns(tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    X = frame()[["time", "colour", "gaps"]]
    model = MLPClassifier(**SMALL, standardize=True).fit(X, targets(X)[0])
    model.export(tmp_path / "model.py")
    module = module_of((tmp_path / "model.py").read_bytes())
    for given in (pl.from_pandas(X), {name: X[name].tolist() for name in X}, X.to_numpy(object)):
        assert module.predict(given).tolist() == model.predict(X).tolist()


# ---- dates ------------------------------------------------------------------------------------------------------------------


def dated(seed: int = 0, zone: str | None = None) -> pd.DataFrame:
    """Times of day before and after 1970, days that may be missing, a date that is the same in all rows; and other columns."""
    rng = np.random.default_rng(seed)
    seen = pd.Timestamp("1968-02-27") + pd.to_timedelta(rng.integers(0, 4 * 365 * 86_400_000, N_ROWS), unit="ms")
    born = pd.Series(pd.Timestamp("1899-12-01") + pd.to_timedelta(rng.integers(0, 80_000, N_ROWS), unit="D"))
    born[rng.random(N_ROWS) < 0.2] = pd.NaT
    made = pd.DataFrame(
        {
            "seen": seen if zone is None else seen.tz_localize("UTC").tz_convert(zone),
            "kind": rng.choice(["a", "b", "c"], N_ROWS),
            "born": born,
            "file": pd.Timestamp("2024-02-29"),
            "x": rng.normal(size=N_ROWS),
        }
    )
    return made


DATED: dict[str, Any] = {
    "mlp": MLPClassifier(**SMALL, standardize=True),
    "mlp, plain": MLPRegressor(**SMALL),
    "mlp, plain, float32": MLPRegressor(**SMALL, dtype="float32"),
    "real mlp": RealMLPClassifier(**SMALL, n_cv=2),
    "tabm": TabMRegressor(**TABM),
}


@pytest.mark.parametrize("zone", [None, "America/New_York"])
@pytest.mark.parametrize("name", DATED)
def test_dates(name: str, zone: str | None, path: Path) -> None:
    X = dated(zone=zone)
    X = X.drop(columns="kind") if "plain" in name else X
    late = (X["seen"].dt.tz_localize(None) > pd.Timestamp("1970-01-01")).to_numpy()
    model = DATED[name].fit(X, late if hasattr(DATED[name], "predict_proba") else late + X["x"].to_numpy())
    other = dated(1, zone)[X.columns]
    other.loc[other.index[:9], "seen"] = pd.NaT  # training had no missing values
    model.export(path)
    for given in (X, other, X[:1]):
        inputs = inputs_of(given)
        check_file(model, given, path, inputs | {"x": inputs["x"].astype(input_dtype(model))})


def test_a_frame_of_dates_alone_whose_columns_have_no_names(path: Path) -> None:
    X = dated()[["seen", "born"]].set_axis([3, 4], axis=1)
    model = MLPRegressor(**SMALL).fit(X, np.arange(N_ROWS) / N_ROWS)
    model.export(path)
    inputs = {f"x{k}": seconds_of(X[name])[:, None] for k, name in enumerate(X)}
    compare(RUNNERS[path.suffix](path.read_bytes(), inputs)["predict"], model.predict(X))


def test_ways_to_write_dates_in_python(tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    X = dated()[["seen", "born", "x"]]
    model = MLPRegressor(**SMALL).fit(X, X["x"])
    model.export(tmp_path / "model.py")
    module, expected = module_of((tmp_path / "model.py").read_bytes()), model.predict(X)
    objects = {name: X[name].tolist() for name in X}
    texts = objects | {name: [None if moment is pd.NaT else moment.isoformat() for moment in objects[name]] for name in ("seen", "born")}
    seconds = objects | {name: seconds_of(X[name]) for name in ("seen", "born")}
    for given in (X, pl.from_pandas(X), objects, texts, seconds, X.to_numpy(object), pl.from_pandas(X).to_dict(as_series=False)):
        compare(module.predict(given), expected)
    with pytest.raises(ValueError, match=r"column 'born' holds '31\.12\.2024', but must hold dates"):
        module.predict(texts | {"born": ["31.12.2024"] * N_ROWS})


def test_times_of_day_and_periods(path: Path) -> None:
    rng = np.random.default_rng(0)
    moments = pd.Timestamp("1970-01-01") + pd.to_timedelta(pd.Series(rng.integers(0, 86_400, N_ROWS)), unit="s")
    months = pd.Series(pd.period_range("1969-01", periods=N_ROWS, freq="M"))
    X = pd.DataFrame({"opens": moments.dt.time, "month": months})
    model = MLPRegressor(**SMALL).fit(X, np.arange(N_ROWS) / N_ROWS)
    check(model, X, path, {"opens": seconds_of(moments)[:, None], "month": seconds_of(months.dt.to_timestamp())[:, None]})


def test_files_say_how_they_take_dates(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    X = dated()[["seen", "born", "x"]]
    model = MLPRegressor(**SMALL).fit(X, X["x"])
    model.export(tmp_path / "model.py")
    model.export(tmp_path / "model.onnx")
    says = "seen, born: seconds since 1970-01-01 00:00 in UTC, NaN where missing"
    assert f"dates: {says}" in (tmp_path / "model.py").read_text()
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert session.get_modelmeta().custom_metadata_map["dates"] == says
    assert [one.type for one in session.get_inputs()] == ["tensor(double)"] * 3


# ---- errors -----------------------------------------------------------------------------------------------------------------


def test_what_is_not_fitted(path: Path) -> None:
    for cls in (MLPClassifier, RealMLPRegressor, LogisticNeuron):
        with pytest.raises(NotFittedError):
            cls().export(path)
    assert not os.path.exists(path)


def test_a_component_without_a_formula(path: Path) -> None:
    class Cube(Activation):
        def forward(self, z):
            return z**3

        def backward(self, z, a, d_a):
            return d_a * 3 * z**2

    X = np.random.default_rng(0).normal(size=(N_ROWS, 3))
    model = MLPRegressor(max_iter=2, random_state=0, layers=[nn.Dense(4, activation=Cube(), name="odd")])
    model.fit(X, X[:, 0])
    with pytest.raises(NoFormulaError, match="odd, activation Cube"):
        model.export(path)
    assert not os.path.exists(path)


def test_levels_and_classes_that_files_do_not_hold(path: Path) -> None:
    X = np.array([["a", 1.0], [2, 2.0], ["c", 3.0]] * 9, object)
    model = MLPClassifier(**SMALL, categorical_features=[0]).fit(X, ["yes", "no", "yes"] * 9)
    with pytest.raises(ExportError, match="column 'x0' of X has levels that are numbers and text"):
        model.export(path)
    days = np.array(["2024-01-01", "2024-01-02"] * 9, "M8[D]")
    model = MLPClassifier(**SMALL).fit(np.arange(36.0).reshape(18, 2), days)
    with pytest.raises(ExportError, match="an exported file holds classes"):
        model.export(path)
    assert not os.path.exists(path)
