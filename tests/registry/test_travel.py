"""Names registered in a process are available in its workers: forked ones, and new processes of joblib."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import registering
from registering import MyDescent, MySquare

import nncore as nn
from nncore import registry
from nncore.plugin import Optimizer
from nncore.registry.registry import RUN_TIME
from nncore.registry.travel import packed, unpacked

#: A script as users write it: its classes belong to ``__main__``, which joblib's workers do not import.
SCRIPT = """
import sys, warnings
import numpy as np
import joblib
import nncore as nn
from nncore.registry.run_time import THIS_PROCESS

@nn.register("optimizers")
class Descent(nn.plugin.Optimizer):
    ranges = {"lr": "[0, inf)"}

    def __init__(self, lr=0.01):
        self.lr = lr

    def step(self, w, g, state, t):
        w -= self.lr * np.sign(g)

@nn.register("activation", name="square")
class Square(nn.plugin.Activation):
    needs_input = True

    def forward(self, z):
        return z * z

    def backward(self, z, a, d_a):
        return 2 * z * d_a

def work(network, path):
    network.fit(X, y, optimizer="descent", epochs=1, progress=False)
    network.save(path)
    again = nn.load(path)
    assert type(again.optimizer).__module__ == "__main__"
    return nn.plugins()[-1].distribution == THIS_PROCESS, again.parameters

if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of loky, about cleaning up
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int)
    network = nn.Sequential(nn.Dense(4, activation="square"), nn.Dense(2)).build(3, loss="softmax_cross_entropy", rng=0)
    known, parameters = joblib.Parallel(n_jobs=2)(joblib.delayed(work)(network, f"{i}.nncore") for i in range(2))[1]
    assert known
    network.fit(X, y, optimizer="descent", epochs=1, progress=False)
    assert np.array_equal(network.parameters, parameters)
    assert nn.get("optimizers", "descent") is Descent
    if sys.argv[1:] == ["search"]:
        from sklearn.model_selection import GridSearchCV
        from nncore.estimators import MLPClassifier
        grid = {"solver": ["descent", "adam"], "activation": ["square", "relu"]}
        search = GridSearchCV(MLPClassifier(max_iter=2), grid, n_jobs=2, cv=2, error_score="raise").fit(X, y)
        assert len(search.cv_results_["params"]) == 4
    print("done")
"""


@pytest.fixture(autouse=True)
def forgetting() -> Iterator[None]:
    with registering.forgetting():
        yield


@pytest.mark.parametrize("library", ["joblib", pytest.param("sklearn", marks=pytest.mark.slow)])
def test_a_script_and_workers_of_joblib(library: str, tmp_path: Path) -> None:
    pytest.importorskip("joblib")
    pytest.importorskip(library)
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, "script.py", *(["search"] if library == "sklearn" else [])]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.stdout == "done\n", done.stderr


def local() -> type[Optimizer]:
    class Local(MyDescent):
        """A class outside any module, like those of a notebook."""

    return Local


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_worker() -> None:
    nn.register("optimizers", local())
    child = multiprocessing.get_context("fork").Process(target=registry.get, args=("optimizers", "local"))
    child.start()
    child.join(timeout=30)
    assert child.exitcode == 0


def test_what_arrives_is_registered_and_replaced_by_what_arrives_later() -> None:
    pytest.importorskip("cloudpickle")
    nn.register("optimizers", local())
    luggage = pickle.dumps(registry.luggage())
    nn.unregister("optimizers", "local")
    for _ in range(2):
        assert pickle.loads(luggage) is not None
        assert issubclass(nn.get("optimizers", "local"), MyDescent)
        assert RUN_TIME.has_arrived("optimizers", "local")
    nn.register("optimizers", nn.get("optimizers", "local"))  # from now on it belongs to this process
    assert not RUN_TIME.has_arrived("optimizers", "local")


def test_what_is_registered_here_stays() -> None:
    nn.register("optimizers", MyDescent, "yogi")
    luggage = pickle.dumps(registry.luggage())
    nn.unregister("optimizers", "yogi")
    newer = nn.register("optimizers", local(), "yogi")
    pickle.loads(luggage)
    assert nn.get("optimizers", "yogi") is newer


def test_a_pickle_holds_nothing_if_nothing_is_registered() -> None:
    net = nn.Sequential(nn.Dense(2)).build(3, rng=0)
    assert registry.luggage() is None
    assert "_luggage" not in net.__getstate__()


def test_copies_and_pickles_of_a_network_hold_no_luggage_afterwards() -> None:
    nn.register("optimizers", MyDescent)
    net = nn.Sequential(nn.Dense(2)).build(3, rng=0, optimizer="my_descent")
    for again in (copy.deepcopy(net), copy.copy(net), pickle.loads(pickle.dumps(net))):
        assert "_luggage" not in vars(again)
        assert again.optimizer.lr == 0.01


def test_a_class_that_cannot_be_pickled_stays_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    nn.register("optimizers", MyDescent)
    nn.register("activations", MySquare)

    def dumps(cls: object) -> bytes:
        if cls is MySquare:
            raise TypeError("cannot pickle it")
        return pickle.dumps(cls)

    monkeypatch.setattr("nncore.registry.travel._dumps", lambda: dumps)
    assert [(kind, name) for kind, name, _ in packed(RUN_TIME.registered())] == [("optimizers", "my_descent")]


def test_a_class_that_refers_to_a_network_does_not_carry_itself_without_end() -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    network = nn.Sequential(nn.Dense(2)).build(3, rng=0)

    class Circular(MyDescent):
        def teacher(self) -> object:
            return network

    nn.register("optimizers", Circular)
    assert cloudpickle.dumps(network)


@pytest.mark.parametrize("data", [b"", b"nonsense", pickle.dumps(3), b"cno_such_module\nNoSuchClass\n."])
def test_what_cannot_be_had_here_is_left_out(data: bytes) -> None:
    assert unpacked(data) is None
    registry.registration.arrive([("optimizers", "lost", data)])
    assert "lost" not in nn.names("optimizers")


def test_every_estimator_brings_them() -> None:
    pytest.importorskip("sklearn")
    from sklearn.base import BaseEstimator

    from nncore import estimators
    from nncore.estimators.luggage import BringsRegistrations

    found = [value for name in estimators.__all__ if isinstance(value := getattr(estimators, name), type)]
    assert [cls for cls in found if issubclass(cls, BaseEstimator) and not issubclass(cls, BringsRegistrations)] == []
    nn.register("optimizers", MyDescent)
    model = estimators.MLPClassifier(solver="my_descent")
    assert "_luggage" in model.__reduce_ex__(4)[2]
    assert "_luggage" not in vars(pickle.loads(pickle.dumps(model)))
