"""Pipelines converted by skl2onnx predict what the pipelines do, except for steps that scikit-learn computes more precisely."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nncore.errors import ExportError
from nncore.estimators import (
    LogisticNeuron,
    MLPClassifier,
    MLPRegressor,
    RealMLPClassifier,
    RealMLPRegressor,
    TabMClassifier,
    TabMRegressor,
    register_onnx_converters,
)
from nncore.estimators.onnx_converters import ESTIMATORS

skl2onnx = pytest.importorskip("skl2onnx", reason="the extra onnx is not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::nncore.errors.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

SMALL: dict[str, Any] = {"hidden_layer_sizes": (5,), "max_iter": 2, "random_state": 0}
MODELS: list[Any] = [
    MLPClassifier(**SMALL), RealMLPClassifier(**SMALL, n_cv=2), TabMClassifier(**SMALL, n_members=2), LogisticNeuron(),
    MLPRegressor(**SMALL), RealMLPRegressor(**SMALL, n_cv=2), TabMRegressor(**SMALL, n_members=2),
]  # fmt: skip


def outputs_of(pipeline: Any, X: np.ndarray) -> dict[str, np.ndarray]:
    onnxruntime = pytest.importorskip("onnxruntime")
    register_onnx_converters()
    options = {id(pipeline): {"zipmap": False}} if hasattr(pipeline, "classes_") else None
    model = skl2onnx.to_onnx(pipeline, X[:1], options=options, target_opset=18)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": X}), strict=True))


def test_all_are_tried() -> None:
    assert {type(model) for model in MODELS} == set(ESTIMATORS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_pipelines(model: Any) -> None:
    X = np.random.default_rng(0).normal(size=(80, 4)).astype("float32")
    is_classifier = hasattr(model, "predict_proba")
    targets = [X[:, 0] > 0, np.where(X[:, 0] > 0, "yes", "no")] if is_classifier else [X[:, 0] * 9 + 5]
    targets += [np.array(["a", "b", "c"])[(X[:, :2] > 0).sum(axis=1)]] if is_classifier and not isinstance(model, LogisticNeuron) else []
    targets += [] if is_classifier else [X[:, :2]]
    for y in targets:
        pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
        found, expected = outputs_of(pipeline, X), pipeline.predict(X)
        if is_classifier:
            assert found["label"].tolist() == expected.tolist()
            np.testing.assert_allclose(found["probabilities"], pipeline.predict_proba(X), rtol=1e-4, atol=1e-4)
        else:
            np.testing.assert_allclose(found["variable"].reshape(expected.shape), expected, rtol=1e-4, atol=1e-3)


def test_what_has_no_converter_is_named() -> None:
    X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    heads = np.column_stack([(X[:, 0] > 0) * 3, (X[:, :2] > 0).sum(axis=1)])
    for y, arguments, says in ((heads, {}, "several classification targets"), (X[:, 0] > 0, {"loss": "hinge"}, "has no probabilities")):
        pipeline = make_pipeline(StandardScaler(), MLPClassifier(**SMALL, **arguments)).fit(X, y)
        with pytest.raises(ExportError, match=says):
            outputs_of(pipeline, X)


def test_dates_are_float64() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    register_onnx_converters()
    types = skl2onnx.common.data_types
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"when": pd.Timestamp("2024-02-28") + pd.to_timedelta(rng.integers(0, 200_000, 40), unit="s"), "x": rng.normal(size=40)}
    )
    model = MLPRegressor(**SMALL).fit(X, X["x"])
    declared = {name: types.DoubleTensorType([None, 1]) for name in X}
    converted = skl2onnx.convert_sklearn(model, initial_types=list(declared.items()), target_opset=18)
    session = onnxruntime.InferenceSession(converted.SerializeToString(), providers=["CPUExecutionProvider"])
    seconds = (X[["when"]] - pd.Timestamp(0)) / pd.Timedelta(seconds=1)
    (found,) = session.run(None, {"when": seconds.to_numpy(), "x": X[["x"]].to_numpy()})
    np.testing.assert_allclose(found[:, 0], model.predict(X), rtol=1e-4, atol=1e-5)
    declared["when"] = types.FloatTensorType([None, 1])
    with pytest.raises(ExportError, match="'when' holds dates, in seconds that float32 rounds"):
        skl2onnx.convert_sklearn(model, initial_types=list(declared.items()), target_opset=18)
