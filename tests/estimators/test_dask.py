"""Estimators on a Dask cluster: searches by its workers, and predictions for distributed frames and arrays."""

# Neither scikit-learn nor Dask has type information here.
# mypy: disable-error-code="import-untyped, import-not-found"

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("distributed")
import dask
import dask.array
import dask.dataframe
from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from registering import forgetting
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # it registers the next
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_validate

import nncore as nn
from nncore.errors import DtypeError
from nncore.estimators import MLPClassifier, MLPRegressor, RealMLPRegressor
from nncore.plugin import Callback, Optimizer

X, Y = load_iris(return_X_y=True)
N = 120
FRAME = pd.DataFrame(np.random.default_rng(0).normal(size=(N, 2)), columns=["a", "b"]).assign(kind=["u", "v", "w"] * (N // 3))
YES = np.where(FRAME["a"] > 0, "yes", "no")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::nncore.errors.ConvergenceWarning"),
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A cluster of two processes with one thread each, for this module's joblib and frames."""
    folder = str(tmp_path_factory.mktemp("dask"))
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", local_directory=folder) as cluster,
        Client(cluster) as client,
    ):
        yield client


def small(**arguments: Any) -> MLPClassifier:
    return MLPClassifier((8,), **{"max_iter": 12, "tol": 0, "random_state": 0} | arguments)


def scores(search: Any) -> list[np.ndarray]:
    """Results of a search, and the parameters of its best estimator if it was refitted."""
    found = [value for name, value in sorted(search.cv_results_.items()) if name.endswith("_test_score")]
    return [*found, search.best_estimator_.network_.parameters] if search.refit else found


GRID = {"alpha": [1e-4, 1.0], "solver": ["adam", "sgd"]}
CASES: dict[str, Any] = {
    "search": lambda: scores(GridSearchCV(small(), GRID, cv=2, error_score="raise").fit(X, Y)),
    "halving": lambda: scores(HalvingGridSearchCV(small(), GRID, cv=2, random_state=0, min_resources=60, error_score="raise").fit(X, Y)),
    "cross-validation": lambda: [cross_validate(small(solver="lbfgs"), X, Y, cv=4, error_score="raise")["test_score"]],
    "bag": lambda: [one.network_.parameters for one in BaggingClassifier(small(), 4, random_state=0, n_jobs=2).fit(X, Y).estimators_],
    "ensembles": lambda: [
        cross_validate(RealMLPRegressor("fast", n_cv=2, max_iter=3, random_state=0), X, Y, cv=2, error_score="raise")["test_score"]
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_workers_find_the_same_bits(client: Client, case: str) -> None:
    expected = CASES[case]()
    with parallel_config("dask"):
        found = CASES[case]()
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_names_registered_here_are_known_there(client: Client) -> None:
    with forgetting():

        @nn.register("optimizer")
        class SignDescent(Optimizer):
            """Defined as in a notebook: no worker can import it."""

            def __init__(self, lr: float = 0.001) -> None:
                self.lr = lr

            def step(self, w: Any, g: Any, state: Any, t: Any) -> None:
                w -= self.lr * np.sign(g)

        grid = {"solver": ["adam", "sign_descent"]}
        expected = scores(GridSearchCV(small(), grid, cv=2, error_score="raise").fit(X, Y))
        with parallel_config("dask"):
            found = scores(GridSearchCV(small(), grid, cv=2, error_score="raise").fit(X, Y))
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_worker_uses_the_threads_that_it_is_given(client: Client) -> None:
    assert set(client.run(nn.get_num_threads).values()) == {1}


def test_a_search_goes_on_without_a_worker_that_is_lost(client: Client, tmp_path: Path) -> None:
    class Ends(Callback):
        """Ends its process, once."""

        def __init__(self, mark: str) -> None:
            self.mark = mark

        def on_epoch_end(self, training: Any) -> None:
            try:
                os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
            os._exit(1)

    expected = scores(GridSearchCV(small(), GRID, cv=2, error_score="raise", refit=False).fit(X, Y))
    mark = tmp_path / "ended"
    search = GridSearchCV(small(callbacks=[Ends(str(mark))]), GRID, cv=2, error_score="raise", refit=False)
    with parallel_config("dask", scatter=[X, Y]):
        search.fit(X, Y)
    assert mark.exists()
    for one, other in zip(expected, scores(search), strict=True):
        np.testing.assert_array_equal(one, other)
    client.wait_for_workers(2)


def with_answer(rows: Any, model: Any) -> Any:
    return rows.assign(answer=model.predict(rows))


@pytest.fixture(scope="module")
def model() -> MLPClassifier:
    return small().fit(FRAME, YES)


@pytest.fixture
def parts() -> Any:
    return dask.dataframe.from_pandas(FRAME, npartitions=5)


@pytest.mark.parametrize("way", ["itself", "delayed", "scattered"])
def test_answers_beside_the_rows(client: Client, model: MLPClassifier, parts: Any, way: str) -> None:
    ways: dict[str, Callable[[], Any]] = {
        "itself": lambda: model, "delayed": lambda: dask.delayed(model), "scattered": lambda: client.scatter(model, broadcast=True),
    }  # fmt: skip
    sent = ways[way]()
    answers = parts.map_partitions(with_answer, sent, meta=with_answer(parts._meta, model))
    found = answers.compute()
    assert found["answer"].tolist() == model.predict(FRAME).tolist()
    assert found.dtypes["answer"] == answers.dtypes["answer"]


def test_partitions_may_be_empty(client: Client, model: MLPClassifier, parts: Any) -> None:
    few = parts[parts["a"] > FRAME["a"].quantile(0.98)]
    found = few.map_partitions(with_answer, model, meta=with_answer(parts._meta, model)).compute()
    assert found["answer"].tolist() == model.predict(FRAME[FRAME["a"] > FRAME["a"].quantile(0.98)]).tolist()


def test_a_partition_may_hold_nothing_but_unknown_categories(client: Client, model: MLPClassifier) -> None:
    rows = FRAME.assign(kind=np.where(FRAME.index < N // 4, "new", FRAME["kind"]))
    found = dask.dataframe.from_pandas(rows, npartitions=5).map_partitions(with_answer, model, meta=with_answer(FRAME.head(0), model))
    assert found.compute()["answer"].tolist() == model.predict(rows).tolist()


def test_what_is_wrong_is_said_before_the_cluster_begins(model: MLPClassifier, parts: Any) -> None:
    with pytest.raises(ValueError, match="same order"):
        with_answer(parts[["b", "a", "kind"]]._meta, model)
    with pytest.raises(ValueError, match="now missing"):
        with_answer(parts[["a", "b"]]._meta, model)
    with pytest.raises(NotFittedError):
        with_answer(parts._meta, MLPClassifier())


def test_errors_of_workers_keep_their_kind(client: Client, model: MLPClassifier, parts: Any) -> None:
    meta = with_answer(parts._meta, model)
    with pytest.raises(ValueError, match="same order"):
        parts[["b", "a", "kind"]].map_partitions(with_answer, model, meta=meta).compute()
    with pytest.raises(NotFittedError):
        parts.map_partitions(with_answer, MLPClassifier(), meta=meta).compute()


def test_blocks_of_arrays(client: Client) -> None:
    numbers = FRAME[["a", "b"]].to_numpy()
    classifier = small().fit(numbers, YES)
    blocks = dask.array.from_array(numbers, chunks=(50, 2))
    labels = blocks.map_blocks(classifier.predict, drop_axis=1, meta=classifier.predict(numbers[:0]))
    assert labels.compute().tolist() == classifier.predict(numbers).tolist()
    probabilities = blocks.map_blocks(classifier.predict_proba, chunks=(blocks.chunks[0], (2,)), meta=classifier.predict_proba(numbers[:0]))
    np.testing.assert_array_equal(probabilities.compute(), classifier.predict_proba(numbers))


def test_a_frame_whose_rows_are_there_is_needed(model: MLPClassifier, parts: Any) -> None:
    with pytest.raises(DtypeError, match=r"pass X\.compute\(\)"):
        model.predict(parts)
    with pytest.raises(DtypeError, match=r"pass y\.compute\(\)"):
        MLPRegressor().fit(FRAME[["a"]], parts["b"])


def test_training_by_partitions(client: Client, parts: Any) -> None:
    def trained(pieces: list[Any]) -> np.ndarray:
        model = small()
        model.partial_fit(FRAME, YES, classes=["no", "yes"])
        for _ in range(2):
            for rows in pieces:
                model.partial_fit(rows, np.where(rows["a"] > 0, "yes", "no"))
        return model.network_.parameters

    bounds = np.cumsum([0, *parts.map_partitions(len).compute()])
    pieces = [FRAME[begin:end] for begin, end in pairwise(bounds)]
    np.testing.assert_array_equal(trained([part.compute() for part in parts.partitions]), trained(pieces))


def test_a_network_reads_partitions_some_of_which_are_empty(client: Client, parts: Any) -> None:
    few = parts[parts["a"] > 1.5]

    def samples(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        return rows[["a", "b"]].to_numpy(), rows["b"].to_numpy()

    def trained(batches: Any) -> np.ndarray:
        network = nn.Sequential(nn.Dense(4), nn.Dense(1))
        network.fit(batches, loss="mse", epochs=2, batch_size=8, rng=0)
        return network.parameters

    assert 0 in few.map_partitions(len).compute().tolist()
    rows = FRAME[FRAME["a"] > 1.5]
    np.testing.assert_array_equal(trained(lambda: (samples(part.compute()) for part in few.partitions)), trained([samples(rows)]))


def test_what_travels_is_little_more_than_the_parameters(model: MLPClassifier) -> None:
    wide = MLPClassifier((256,), max_iter=1, random_state=0).fit(X, Y)
    buffers: list[pickle.PickleBuffer] = []
    rest = pickle.dumps(wide, protocol=5, buffer_callback=buffers.append)
    state = 3 * wide.network_.parameters.nbytes  # with Adam's two moments, so that a copy can continue training
    assert sum(buffer.raw().nbytes for buffer in buffers) < 1.1 * state
    assert len(rest) < 10_000
    assert pickle.dumps(wide) == pickle.dumps(wide)  # so that Dask recognises it
