"""The update rules of section 5.5 in the course notes, with their names, for the W and b of each layer.

Two slips in the notes' Adam are corrected here. The first moment sW averages squared gradients, which is the second moment's formula. And
b is moved by the weights' newS and newR.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from manifest import classes

from nncore.plugin import Optimizer

SHAPES = [((4, 3), (4, 1)), ((2, 4), (2, 1))]  # W[k], b[k]: in the notes each unit is a row
N_STEPS = 100


def ada_grad(nn: SimpleNamespace, k: int) -> None:
    nn.rW[k] = nn.rW[k] + nn.W_grad[k] ** 2
    nn.rb[k] = nn.rb[k] + nn.b_grad[k] ** 2
    nn.W[k] = nn.W[k] - nn.learning_rate * nn.W_grad[k] / (np.sqrt(nn.rW[k]) + 0.001)
    nn.b[k] = nn.b[k] - nn.learning_rate * nn.b_grad[k] / (np.sqrt(nn.rb[k]) + 0.001)


def rms_prop(nn: SimpleNamespace, k: int) -> None:
    rho = 0.9
    nn.rW[k] = rho * nn.rW[k] + (1 - rho) * nn.W_grad[k] ** 2
    nn.rb[k] = rho * nn.rb[k] + (1 - rho) * nn.b_grad[k] ** 2
    nn.W[k] = nn.W[k] - nn.learning_rate * nn.W_grad[k] / (np.sqrt(nn.rW[k]) + 0.001)
    nn.b[k] = nn.b[k] - nn.learning_rate * nn.b_grad[k] / (np.sqrt(nn.rb[k]) + 0.001)


def momentum(nn: SimpleNamespace, k: int) -> None:
    rho = 0.9
    nn.vW[k] = rho * nn.vW[k] + nn.W_grad[k]
    nn.vb[k] = rho * nn.vb[k] + nn.b_grad[k]
    nn.W[k] = nn.W[k] - nn.learning_rate * nn.vW[k]
    nn.b[k] = nn.b[k] - nn.learning_rate * nn.vb[k]


def vanilla(nn: SimpleNamespace, k: int) -> None:
    nn.W[k] = nn.W[k] - nn.learning_rate * nn.W_grad[k]
    nn.b[k] = nn.b[k] - nn.learning_rate * nn.b_grad[k]


def adam(nn: SimpleNamespace, k: int) -> None:
    rho1 = 0.9
    rho2 = 0.999
    nn.sW[k] = rho1 * nn.sW[k] + (1 - rho1) * nn.W_grad[k]
    nn.sb[k] = rho1 * nn.sb[k] + (1 - rho1) * nn.b_grad[k]
    nn.rW[k] = rho2 * nn.rW[k] + (1 - rho2) * nn.W_grad[k] ** 2
    nn.rb[k] = rho2 * nn.rb[k] + (1 - rho2) * nn.b_grad[k] ** 2
    newS = nn.sW[k] / (1 - rho1**nn.AdamTime)
    newR = nn.rW[k] / (1 - rho2**nn.AdamTime)
    nn.W[k] = nn.W[k] - nn.learning_rate * newS / np.sqrt(newR + 0.00001)
    newS = nn.sb[k] / (1 - rho1**nn.AdamTime)
    newR = nn.rb[k] / (1 - rho2**nn.AdamTime)
    nn.b[k] = nn.b[k] - nn.learning_rate * newS / np.sqrt(newR + 0.00001)


OPTIMIZERS = classes("optimizers")
PAIRS = {
    "Vanilla SGD": (vanilla, OPTIMIZERS["sgd"](0.05)),
    "AdaGrad": (ada_grad, OPTIMIZERS["adagrad"](0.05, epsilon=1e-3)),
    "RMSProp": (rms_prop, OPTIMIZERS["rmsprop"](0.05, rho=0.9, epsilon=1e-3)),
    "Momentum": (momentum, OPTIMIZERS["momentum"](0.05, momentum=0.9)),
    "Adam": (adam, OPTIMIZERS["adam"](0.05, epsilon=1e-5, epsilon_inside=True)),
}


def flat(weights: list[np.ndarray], biases: list[np.ndarray]) -> np.ndarray:
    """The notes' matrices as one vector, in the order of a network's parameters."""
    return np.concatenate([array.ravel() for pair in zip(weights, biases, strict=True) for array in pair])


@pytest.mark.parametrize(("rule", "optimizer"), PAIRS.values(), ids=PAIRS.keys())
def test_notes(rule: Callable[[SimpleNamespace, int], None], optimizer: Optimizer) -> None:
    rng = np.random.default_rng(0)
    draw = [[rng.normal(size=shape[i]) for shape in SHAPES] for i in (0, 1)]
    nn = SimpleNamespace(learning_rate=0.05, W=draw[0], b=draw[1])
    for name in ("rW", "sW", "vW"):
        setattr(nn, name, [np.zeros(shape) for shape, _ in SHAPES])
    for name in ("rb", "sb", "vb"):
        setattr(nn, name, [np.zeros(shape) for _, shape in SHAPES])

    w = flat(nn.W, nn.b)
    state = np.zeros((optimizer.n_slots, w.size))
    for t in range(1, N_STEPS + 1):
        # Gradients over many orders of magnitude, so that every epsilon matters somewhere.
        nn.W_grad, nn.b_grad = ([rng.normal(size=s[i]) * 10 ** rng.uniform(-4, 1, s[i]) for s in SHAPES] for i in (0, 1))
        nn.AdamTime = t
        for k in range(len(SHAPES)):
            rule(nn, k)
        optimizer.step(w, flat(nn.W_grad, nn.b_grad), state, t)
        np.testing.assert_allclose(w, flat(nn.W, nn.b), rtol=0, atol=1e-12)


def test_the_two_places_of_epsilon_differ() -> None:
    steps = {}
    for inside in (False, True):
        w = np.zeros(1)
        OPTIMIZERS["adam"](1.0, epsilon=1e-5, epsilon_inside=inside).step(w, np.array([1e-3]), np.zeros((2, 1)), 1)
        steps[inside] = -w[0]
    assert steps[False] == pytest.approx(1e-3 / (1e-3 + 1e-5), rel=1e-12)
    assert steps[True] == pytest.approx(1e-3 / np.sqrt(1e-6 + 1e-5), rel=1e-12)
