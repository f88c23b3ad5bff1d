"""MLflow's flavour for scikit-learn accepts our estimators with one trusted name. Skipped where MLflow is missing, as in CI."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pytest

from nncore.estimators import MLPClassifier, RealMLPRegressor, TabMClassifier

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # warnings of MLflow's own dependencies
]

X = np.random.default_rng(0).normal(size=(40, 3))


@pytest.mark.parametrize("how", ["skops", "cloudpickle"])
@pytest.mark.parametrize(
    "model", [MLPClassifier((3,), max_iter=2), RealMLPRegressor(max_iter=2), TabMClassifier(max_iter=2, n_members=2)], ids=repr
)
def test_a_logged_model_comes_back(model: object, how: str, tmp_path: Path) -> None:
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'runs.db'}")
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("tests", artifact_location=(tmp_path / "artifacts").as_uri()))
    model.fit(X, X[:, 0] > 0)  # type: ignore[attr-defined]
    name = f"{type(model).__module__}.{type(model).__qualname__}"
    arguments = {"skops_trusted_types": [name]} if how == "skops" else {"serialization_format": how}
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(model, name="model", **arguments)
    again = mlflow.sklearn.load_model(info.model_uri)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))  # type: ignore[attr-defined]
