"""Estimators on a Ray cluster: searches by its workers, and predictions for distributed data sets."""

# Neither scikit-learn nor Ray has type information here.
# mypy: disable-error-code="import-untyped, import-not-found"

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("ray")
import ray
import ray.data
from joblib import parallel_config
from ray.util.joblib import register_ray
from registering import forgetting
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV

import nncore as nn
from nncore.errors import DtypeError
from nncore.estimators import MLPClassifier
from nncore.plugin import Optimizer

X, Y = load_iris(return_X_y=True)
N = 120
FRAME = pd.DataFrame(np.random.default_rng(0).normal(size=(N, 2)), columns=["a", "b"]).assign(kind=["u", "v", "w"] * (N // 3))
YES = np.where(FRAME["a"] > 0, "yes", "no")

pytestmark = pytest.mark.filterwarnings("ignore")  # warnings of Ray's own dependencies


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """A cluster with two processors of this machine."""
    path = {"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}}  # by which workers import this module
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, runtime_env=path)
    ray.data.DataContext.get_current().enable_progress_bars = False
    register_ray()
    yield
    ray.shutdown()


def small(**arguments: Any) -> MLPClassifier:
    return MLPClassifier((8,), **{"max_iter": 12, "tol": 0, "random_state": 0} | arguments)


class SignDescent(Optimizer):
    """Registered in the test that uses it."""

    def __init__(self, lr: float = 0.001) -> None:
        self.lr = lr

    def step(self, w: Any, g: Any, state: Any, t: Any) -> None:
        w -= self.lr * np.sign(g)


def searched() -> list[np.ndarray]:
    search = GridSearchCV(small(), {"alpha": [1e-4, 1.0], "solver": ["adam", "mine"]}, cv=2, error_score="raise").fit(X, Y)
    return [search.cv_results_["mean_test_score"], search.best_estimator_.network_.parameters]


def test_workers_find_the_same_bits() -> None:
    with forgetting():
        nn.register("optimizer", SignDescent, "mine")
        expected = searched()
        with parallel_config("ray", n_jobs=-1):
            found = searched()
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_task_uses_the_processors_that_it_is_given() -> None:
    threads = ray.remote(nn.get_num_threads)
    assert ray.get([threads.remote(), threads.options(num_cpus=2).remote()]) == [1, min(2, nn.get_num_threads())]


class Answers:
    """The class as on the page: one instance for each process of the pool."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __call__(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(answer=self.model.predict(rows))


def answered(data: Any, model: Any) -> pd.DataFrame:
    pool = ray.data.ActorPoolStrategy(size=1)
    found: pd.DataFrame = data.map_batches(Answers, fn_constructor_args=(model,), batch_format="pandas", compute=pool).to_pandas()
    return found


@pytest.fixture(scope="module")
def model() -> MLPClassifier:
    return small().fit(FRAME, YES)


@pytest.fixture(scope="module")
def data() -> Any:
    return ray.data.from_pandas([FRAME[start : start + 30] for start in range(0, N, 30)])


def test_answers_beside_the_rows(model: MLPClassifier, data: Any) -> None:
    found = answered(data, model)
    assert len(found) == N
    assert found["answer"].tolist() == model.predict(found[["a", "b", "kind"]]).tolist()


def test_blocks_may_be_empty(model: MLPClassifier, data: Any) -> None:
    found = answered(data.filter(expr="a > 1.5"), model)
    assert sorted(found["a"]) == sorted(FRAME["a"][FRAME["a"] > 1.5])


def test_what_is_wrong_is_said(model: MLPClassifier, data: Any) -> None:
    with pytest.raises(ray.exceptions.RayTaskError, match="same order"):
        answered(data.select_columns(["b", "a", "kind"]), model)
    with pytest.raises(DtypeError, match=r"pass X\.to_pandas\(\)"):
        model.predict(data)


def test_training_by_batches(data: Any) -> None:
    model = small()
    for rows in data.iter_batches(batch_format="pandas", batch_size=40):
        model.partial_fit(rows[["a", "b"]], np.where(rows["a"] > 0, "yes", "no"), classes=["no", "yes"])
    assert model.t_ == N
