"""Instructions of a call: its cost from Python to Python, in addition to the arithmetic of small networks.

``PYTHONPATH=tests python -m bench.calls`` compares them with ``calls.json``; with ``--record`` it writes that file. Further arguments
choose the cases whose labels contain one of them. A new case is a function under `case` that returns a run, as `bench.counting` says.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from bench.counting import Guard, Prepare, Run, again

CASES: dict[str, Prepare] = {}


def case(label: str) -> Callable[[Prepare], Prepare]:
    """Register a function that returns a run as a case."""

    def enter(prepare: Prepare) -> Prepare:
        CASES[label] = prepare
        return prepare

    return enter


def iris(n_rows: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """A network 4-16-16-3 that has been trained, and a batch for it."""
    from nncore.layers.dense import Dense
    from nncore.network import Sequential

    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((n_rows, 4), np.float32), rng.integers(3, size=n_rows)
    network = Sequential(Dense(16, activation="relu"), Dense(16, activation="relu"), Dense(3))
    network.fit(X, y, loss="softmax_cross_entropy", optimizer="adam", epochs=1, rng=0, n_threads=1, progress=False)
    return network, X, y


@case("train_on_batch, 4-16-16-3 at 32")
def train_on_batch() -> Run:
    network, X, y = iris(32)
    return again(lambda: network.train_on_batch(X, y))


@case("train_on_batch of lists, 4-16-16-3 at 32")
def train_on_lists() -> Run:
    network, X, y = iris(32)
    lists = X.tolist(), y.tolist()
    return again(lambda: network.train_on_batch(*lists))


@case("train_on_batch of float64 columns, 4-16-16-3 at 32")
def train_on_columns() -> Run:
    network, X, y = iris(32)
    columns = np.asfortranarray(X, np.float64)
    return again(lambda: network.train_on_batch(columns, y))


@case("forward, backward and step, 4-16-16-3 at 32")
def parts_of_a_step() -> Run:
    network, X, y = iris(32)

    def step() -> None:
        network.forward(X, training=True)
        network.backward(y)
        network.step()

    return again(step)


@case("predict, 4-16-16-3 at 1")
def predict_a_row() -> Run:
    network, X, _ = iris(1)
    return again(lambda: network.predict(X))


@case("predict, 4-16-16-3 at 32")
def predict_rows() -> Run:
    network, X, _ = iris(32)
    return again(lambda: network.predict(X))


@case("predict of lists, 4-16-16-3 at 32")
def predict_lists() -> Run:
    network, X, _ = iris(32)
    lists = X.tolist()
    return again(lambda: network.predict(lists))


@case("predict_one, 4-16-16-3")
def predict_one() -> Run:
    network, X, _ = iris(32)
    return again(lambda: network.predict_one(X[0]))


@case("predict_proba, 4-16-16-3 at 1")
def predict_proba() -> Run:
    network, X, _ = iris(1)
    return again(lambda: network.predict_proba(X))


@case("evaluate, 4-16-16-3 at 32")
def evaluate() -> Run:
    network, X, y = iris(32)
    return again(lambda: network.evaluate(X, y))


# ---- building and preparing -------------------------------------------------------------------------------------------------


def built() -> Any:
    """A network 4-16-3, made and built."""
    from nncore.layers.dense import Dense
    from nncore.network import Sequential

    network = Sequential(Dense(16, activation="relu"), Dense(3))
    return network.build(4, loss="softmax_cross_entropy", optimizer="adam", rng=0)


def flowers(n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples and targets for it."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((n_rows, 4), np.float32), rng.integers(3, size=n_rows)


@case("a network made and built, 4-16-3")
def make_and_build() -> Run:
    return again(built)


@case("the first step of a network, made and built for it, 4-16-3 at 32")
def first_step() -> Run:
    X, y = flowers(32)
    return again(lambda: built().train_on_batch(X, y))


@case("a fit of one epoch, 4-16-3, 150 samples at 32")
def fit_of_an_epoch() -> Run:
    X, y = flowers(150)
    network = built()
    return again(lambda: network.fit(X, y, epochs=1, batch_size=32, n_threads=1, progress=False))


@case("a deep copy of a network, 4-16-3")
def deep_copy() -> Run:
    network = built()
    return again(lambda: copy.deepcopy(network))


# ---- epochs: cost in addition to the steps ----------------------------------------------------------------------------------


def fits(validated: bool, **arguments: Any) -> Run:
    """Epochs of a network 4-16-3 on as many samples as iris has."""
    from nncore.callbacks.early_stopping import EarlyStopping
    from nncore.network import training

    training.SLICE_SECONDS = 1e6  # else the clock decides how many epochs are one run, and valgrind is slow
    X, y = flowers(150)
    network = built()
    judged = {"validation": (X[:30], y[:30]), "callbacks": [EarlyStopping(patience=10**6)]} if validated else {}
    return lambda n: network.fit(X, y, epochs=n, batch_size=32, n_threads=1, progress=False, **judged, **arguments)


@case("an epoch, 4-16-3, 150 samples at 32")
def epoch() -> Run:
    return fits(validated=False)


@case("an epoch with validation and early stopping, 4-16-3, 150 samples at 32")
def validated_epoch() -> Run:
    return fits(validated=True)


@case("an epoch that a callback looks at, 4-16-3, 150 samples at 32")
def seen_epoch() -> Run:
    from nncore.contract import Callback

    class Looks(Callback):
        def on_epoch_end(self, training: Any) -> None:
            """Do nothing; its existence makes each epoch end in Python."""

    return fits(validated=False, callbacks=[Looks()])


@case("an epoch with train_metrics, 4-16-3, 150 samples at 32")
def scored_epoch() -> Run:
    return fits(validated=False, train_metrics=True)


@case("an iteration of L-BFGS, 4-16-3, 150 samples")
def lbfgs_iteration() -> Run:
    from nncore.layers.dense import Dense
    from nncore.network import Objective, Sequential, minimize
    from nncore.program import at_most_threads

    network = Sequential(Dense(16, activation="relu"), Dense(3)).build(4, loss="softmax_cross_entropy", rng=0, dtype="float64")
    with at_most_threads(1):
        objective = Objective(network, *flowers(150))
    first = network.parameters.copy()

    def run(n: int) -> None:
        network.parameters[...] = first
        minimize(objective, gtol=0.0, max_iter=n, max_fun=10**6)

    return run


# Two runs of one build differ by up to 0.4 %: searches in tables of addresses.
GUARD = Guard("bench.calls", CASES, fewer=20, more=120, tolerance=0.02, of_python=True)

if __name__ == "__main__":
    sys.exit(GUARD.main())
