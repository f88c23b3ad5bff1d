"""Types of networks for type checkers; read by mypy in test_typing.py, never run.

A line with ``type: ignore[code]`` must be a type error, since mypy reports unused ignores.
"""

from __future__ import annotations

from typing import Any, assert_type

import numpy as np

import nncore as nn
from nncore.plugin import Layer
from nncore.training import Training

X = np.zeros((8, 3))
y = np.zeros(8, np.int64)


def log_cosh(output: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    error = output - target
    return np.log(np.cosh(error)).sum(axis=1), np.tanh(error)


def bias(output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None) -> float:
    return float((output - target).mean())


def report(training: Training) -> None:
    print(training.history["loss"][-1])


def networks() -> None:
    net = nn.Sequential(nn.Dense(4, activation="relu"), "batch_norm", nn.Dropout, {"name": "dense", "n_outputs": 2})
    assert_type(net, nn.Sequential)
    assert_type(net.fit(X, y, loss="softmax_cross_entropy"), nn.History)
    net.fit(X, y, loss=nn.SoftmaxCrossEntropy, optimizer={"name": "adam", "lr": 0.1}, schedule="cosine", metrics=["accuracy"])
    net.fit(X, y, loss=log_cosh, optimizer=nn.Adam(lr=0.1), schedule=nn.Cosine(), metrics=[bias], callbacks=[report, nn.EMA()])
    net.fit(X.tolist(), y.tolist(), validation=(X, y), groups={"*.bias": {"lr_factor": 0.1}}, rng=np.random.default_rng(0))
    assert_type(net.build(3, loss="mse", optimizer="sgd"), nn.Sequential)
    assert_type(net.predict(X), np.ndarray)
    assert_type(net.predict_one(X[0]), np.ndarray)
    assert_type(net.predict_proba(X), np.ndarray)
    assert_type(net.forward(X, training=True), np.ndarray)
    assert_type(net.backward(y), float)
    assert_type(net.train_on_batch(X, y), float)
    assert_type(net.evaluate(X, y), dict[str, float])
    assert_type(net.parameters, np.ndarray)
    assert_type(net.gradients, np.ndarray)
    assert_type(net.summary(), str)
    assert_type(net.describe(), dict[str, Any])
    net.save("model.nncore")
    assert_type(nn.load("model.nncore"), nn.Sequential)
    assert_type(net[:1], nn.Sequential)
    assert_type(net[0].named("encoder"), Layer)
    assert_type(nn.Sequential([net[:1], nn.Dense(2, name="head"), nn.Flatten(name="flat")]), nn.Sequential)
    net.optimizer.lr = 0.1
    net.optimizer, net.loss, net.schedule, net.weight_decay, net.groups = "sgd", nn.MSE(), None, 0.1, {"*.bias": {"lr_factor": 0.1}}


def components_of_plugins() -> None:
    """Any name is taken, since plugins have names of their own."""
    net = nn.Sequential(nn.Dense(4, activation="nncore-snake/snake", weight_initializer="lecun_normal"), "rescale")
    net.fit(X, y, loss="nncore-focal/focal", optimizer="signum", schedule="warm_restarts", sampler="curriculum", metrics=["kappa"])
    assert_type(nn.get("optimizers", "signum"), type[Any])
    assert_type(nn.names("a kind of tomorrow"), list[str])


def histories(history: nn.History) -> None:
    assert_type(history["loss"], np.ndarray)
    assert_type(history.best("val_loss"), int)
    assert_type(list(history), list[str])
    assert_type(history.interrupted, bool)


def refused() -> None:
    nn.Dense("4")  # type: ignore[arg-type]
    nn.Dense(4, 5)  # type: ignore[arg-type]
    nn.Dense(4, "relu", "zeros")  # type: ignore[call-arg]
    nn.Dense(units=4)  # type: ignore[call-arg]
    nn.Adam(lr="fast")  # type: ignore[arg-type]
    nn.Sequential(3)  # type: ignore[arg-type]
    net = nn.Sequential(nn.Dense(2))
    net.fit(X, y, "mse")  # type: ignore[call-arg]
    net.fit(X, y, loss=nn.Adam())  # type: ignore[arg-type]
    net.fit(X, y, loss=nn.Adam)  # type: ignore[arg-type]
    net.fit(X, y, loss=bias)  # type: ignore[arg-type]
    net.fit(X, y, epochs="many")  # type: ignore[arg-type]
    net.fit(X, y, callbacks=[nn.Adam()])  # type: ignore[list-item]
    net.fit(X, y, optimiser="adam")  # type: ignore[call-arg]
    net.evaluate(X, y)["loss"].upper()  # type: ignore[attr-defined]
    net.compile()  # type: ignore[attr-defined]
    nn.Dens(4)  # type: ignore[attr-defined]
