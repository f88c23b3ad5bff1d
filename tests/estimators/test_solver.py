"""Which optimizer a solver is, and how its learning rate moves."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.estimators import MLPClassifier
from nncore.estimators.solver import HeldRate, StochasticSolver, make_optimizer


@pytest.mark.parametrize(
    ("arguments", "kind", "config"),
    [
        ({"solver": "sgd"}, nn.Nesterov, {"lr": 0.001, "momentum": 0.9}),
        ({"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5}, nn.Momentum, {"momentum": 0.5}),
        ({"solver": "sgd", "momentum": 0}, nn.SGD, {"lr": 0.001}),
        ({"solver": "adam", "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6}, nn.Adam, {"beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6}),
        ({"solver": "adamw", "beta_1": 0.8, "learning_rate_init": 0.1}, nn.AdamW, {"lr": 0.1, "beta1": 0.8, "weight_decay": 0.01}),
        ({"solver": "momentum", "momentum": 0.7}, nn.Momentum, {"momentum": 0.7}),
        ({"solver": "rmsprop", "learning_rate_init": 0.1, "epsilon": 1e-3}, nn.RMSProp, {"lr": 0.1}),
        ({"solver": {"name": "adam", "lr": 0.5}, "learning_rate_init": 0.1}, nn.Adam, {"lr": 0.5}),
        ({"solver": nn.AdaGrad(lr=0.5)}, nn.AdaGrad, {"lr": 0.5}),
    ],
    ids=str,
)
def test_optimizers(arguments, kind, config):
    optimizer = make_optimizer(MLPClassifier(**arguments))
    assert type(optimizer) is kind
    assert optimizer.config() | config == optimizer.config()
    assert optimizer is not arguments["solver"]


def test_an_optimizer_that_takes_no_one_and_no_zero():
    assert 0.999 < make_optimizer(MLPClassifier(solver="sgd", momentum=1)).momentum < 1
    assert make_optimizer(MLPClassifier(epsilon=1e-300)).epsilon > 0


@pytest.mark.parametrize(("solver", "rule"), [("sgd", "adaptive"), ("adam", "constant"), ("rmsprop", "adaptive")])
def test_adam_ignores_scikit_learns_rules(solver, rule):
    assert StochasticSolver(MLPClassifier(solver=solver, learning_rate="adaptive")).rule == rule


def test_adaptive():
    network = nn.Sequential(nn.Dense(1)).build(1, loss="mse")
    network.fit(np.zeros((2, 1)), np.zeros(2), optimizer="sgd", epochs=0, schedule=HeldRate(), progress=False)
    solver = StochasticSolver(MLPClassifier(solver="sgd", momentum=0, learning_rate="adaptive", learning_rate_init=1e-4))
    rates = []
    while solver.lower_rate(network):
        rates.append(solver.learning_rate)
        assert network.schedule.held == pytest.approx(solver.learning_rate / 1e-4)
    assert rates == pytest.approx([2e-5, 4e-6, 8e-7])


def test_partial_fit_keeps_to_the_first_rate_of_a_schedule():
    solver = StochasticSolver(MLPClassifier(learning_rate="cosine"))
    assert solver.schedule(incremental=True) is None
    assert type(solver.schedule(incremental=False)) is nn.get("schedules", "cosine")
