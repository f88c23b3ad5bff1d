"""L-BFGS against SciPy's L-BFGS-B, which takes the same steps up to rounding."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import optimize

import nncore as nn
from nncore._core import Descent
from nncore.errors import NonFiniteError
from nncore.network import Objective, minimize
from nncore.network.lbfgs import MOST_TRIALS, Minimum
from nncore.testing import team_of

LIMITS: dict[str, Any] = {"gtol": 1e-5, "max_iter": 15_000, "max_fun": 15_000}


class Plain:
    """A function of a vector, from a value and a gradient; records the points of its evaluations."""

    def __init__(self, value: Callable[[np.ndarray], float], gradient: Callable[[np.ndarray], np.ndarray], first: np.ndarray) -> None:
        self.value, self.gradient = value, gradient
        self.parameters, self.gradients = first.astype(np.float64), np.full(first.shape, np.nan)
        self.asked: list[np.ndarray] = []

    def evaluate(self) -> float:
        self.asked.append(self.parameters.copy())
        self.gradients[...] = self.gradient(self.parameters)
        return float(self.value(self.parameters))


def quadratic(n: int, spread: float, seed: int) -> Plain:
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(n, n)))[0]
    A, b = (basis * np.geomspace(1, spread, n)) @ basis.T, rng.normal(size=n)
    return Plain(lambda x: 0.5 * x @ A @ x - b @ x, lambda x: A @ x - b, rng.normal(size=n))


def perceptron(n_inputs: int, n_hidden: int, activation: str, seed: int) -> Plain:
    """The mean squared error of a network, and its gradient, as a function of its own vector."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, n_inputs))
    network = nn.Sequential(nn.Dense(n_hidden, activation=activation), nn.Dense(1)).build(n_inputs, loss="mse", rng=seed, dtype="float64")
    network.weight_decay = 1e-3
    objective = Objective(network, X, np.sin(X.sum(axis=1)))

    def ask(x: np.ndarray) -> tuple[float, np.ndarray]:
        objective.parameters[...] = x
        return objective.evaluate(), objective.gradients.copy()

    return Plain(lambda x: ask(x)[0], lambda x: ask(x)[1], network.parameters.copy())


def rosenbrock(first: list[float]) -> Plain:
    return Plain(optimize.rosen, optimize.rosen_der, np.array(first))


def corner() -> Plain:
    return Plain(
        lambda x: abs(x[0]) ** 1.1 + x[1] ** 2, lambda x: np.array([1.1 * np.sign(x[0]) * abs(x[0]) ** 0.1, 2 * x[1]]), np.array([3.0, 2.0])
    )


def of_both(function: Plain, **limits: Any) -> tuple[Minimum, list[np.ndarray], Any, list[np.ndarray]]:
    """Minimum and all evaluated points: ours, then SciPy's."""
    first = function.parameters.copy()
    limits = LIMITS | limits
    ours, asked = minimize(function, **limits), function.asked
    theirs: list[np.ndarray] = []

    def value(x: np.ndarray) -> float:
        theirs.append(x.copy())
        return function.value(x)

    options = {"gtol": limits["gtol"], "maxiter": limits["max_iter"], "maxfun": limits["max_fun"]}
    return ours, asked, optimize.minimize(value, first, jac=function.gradient, method="L-BFGS-B", options=options), theirs


@pytest.mark.parametrize(
    "make",
    [
        lambda: quadratic(1, 1, 0),
        lambda: quadratic(3, 10, 1),
        lambda: quadratic(40, 30, 2),
        lambda: rosenbrock([-1.2, 1]),
        lambda: rosenbrock([1.3, 0.7, 0.8, 1.9, 1.2]),
        corner,
        lambda: perceptron(3, 4, "tanh", 0),
        lambda: perceptron(5, 16, "sigmoid", 1),
    ],
)
def test_same_way_as_scipy(make: Callable[[], Plain]) -> None:
    ours, asked, theirs, asked_by_scipy = of_both(make(), max_iter=25)
    assert (ours.n_iterations, ours.n_evaluations) == (theirs.nit, theirs.nfev)
    assert (ours.status, ours.message) == (theirs.status, theirs.message)
    assert len(asked) == len(asked_by_scipy)
    for x, other in zip(asked, asked_by_scipy, strict=True):
        np.testing.assert_allclose(x, other, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ours.value, theirs.fun, rtol=1e-8, atol=1e-14)


@settings(max_examples=40)
@given(n=st.integers(1, 20), spread=st.floats(1, 1e3), seed=st.integers(0, 100), scale=st.floats(1e-3, 1e3))
def test_minimum_of_a_quadratic(n: int, spread: float, seed: int, scale: float) -> None:
    function = quadratic(n, spread, seed)
    function.parameters *= scale
    ours, _, theirs, _ = of_both(function)
    assert ours.status == theirs.status == 0
    assert ours.n_evaluations <= 1.3 * theirs.nfev + 3
    assert ours.value <= theirs.fun + 1e-6 * abs(theirs.fun) + 1e-9
    assert np.abs(function.gradient(function.parameters)).max() < 1e-5 or "FACTR" in ours.message


@settings(max_examples=15)
@given(
    n_inputs=st.integers(1, 8),
    n_hidden=st.integers(1, 20),
    activation=st.sampled_from(["identity", "tanh", "sigmoid", "relu"]),
    seed=st.integers(0, 20),
)
def test_first_steps_on_a_perceptron(n_inputs: int, n_hidden: int, activation: str, seed: int) -> None:
    ours, asked, theirs, asked_by_scipy = of_both(perceptron(n_inputs, n_hidden, activation, seed), max_iter=5)
    assert (ours.n_iterations, ours.n_evaluations, ours.message) == (theirs.nit, theirs.nfev, theirs.message)
    np.testing.assert_allclose(asked[-1], asked_by_scipy[-1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("limits", "status", "message"),
    [
        ({"max_iter": 3}, 1, "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT"),
        ({"max_fun": 7}, 1, "STOP: TOTAL NO. OF F,G EVALUATIONS EXCEEDS LIMIT"),
        ({"gtol": 0.0}, 0, "CONVERGENCE: RELATIVE REDUCTION OF F <= FACTR*EPSMCH"),
        ({"gtol": 1e-2}, 0, "CONVERGENCE: NORM OF PROJECTED GRADIENT <= PGTOL"),
        ({"gtol": 1e9}, 0, "CONVERGENCE: NORM OF PROJECTED GRADIENT <= PGTOL"),
    ],
)
def test_what_ends_it(limits: dict[str, Any], status: int, message: str) -> None:
    ours, _, theirs, _ = of_both(rosenbrock([-1.2, 1]), **limits)
    assert (theirs.status, theirs.message) == (status, message)
    assert (ours.status, ours.message) == (status, message)
    assert (ours.n_iterations, ours.n_evaluations) == (theirs.nit, theirs.nfev)


def test_gradient_that_points_up() -> None:
    """For a gradient with the wrong sign neither finds a step, and both report it."""
    function = Plain(lambda x: x @ x, lambda x: -2 * x, np.ones(3))
    ours, asked, theirs, _ = of_both(function)
    assert (ours.status, ours.message, ours.n_iterations) == (theirs.status, theirs.message, theirs.nit) == (2, "ABNORMAL: ", 0)
    assert ours.n_evaluations == 1 + MOST_TRIALS
    np.testing.assert_array_equal(function.parameters, asked[0])  # the parameters are restored


def test_memory_that_misleads_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """If rounding turns the direction uphill, the memory is cleared and the next line search follows the gradient."""
    slopes = []

    class Misled(Descent):
        def aim(self) -> float:
            slopes.append(super().aim())
            return 1e-9 if len(slopes) == 5 else slopes[-1]

    monkeypatch.setattr("nncore.network.lbfgs.Descent", Misled)
    function, told = rosenbrock([-1.2, 1]), []
    ended = minimize(function, on_iteration=lambda value: bool(told.append(len(function.asked))), **LIMITS)
    assert ended.status == 0
    origin, after = (function.asked[told[3] + later] for later in (-1, 0))
    np.testing.assert_array_equal(after, origin - optimize.rosen_der(origin))
    assert ended.n_evaluations == len(function.asked)


def test_iterations_are_told() -> None:
    function, values = rosenbrock([-1.2, 1]), []
    ended = minimize(function, on_iteration=lambda value: bool(values.append(value)) or len(values) == 4, **LIMITS)
    assert ended.n_iterations == len(values) == 4
    assert ended.message == "STOP: CALLBACK REQUESTED HALT"
    assert ended.value == values[-1] == optimize.rosen(function.parameters)
    assert all(later < earlier for earlier, later in pairwise(values))


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_error_leaves_the_last_iteration(error: type[BaseException]) -> None:
    function, values = rosenbrock([-1.2, 1]), []

    def value(x: np.ndarray) -> float:
        if len(function.asked) == 9:
            raise error
        return float(optimize.rosen(x))

    function.value = value
    with pytest.raises(error):
        minimize(function, on_iteration=lambda value: bool(values.append(value)), **LIMITS)
    assert optimize.rosen(function.parameters) == values[-1]


def test_same_bits_for_any_number_of_threads() -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 7))
    y = np.sin(X.sum(axis=1))
    found = []
    for n_threads in (1, 2, 3):
        network = nn.Sequential(nn.Dense(30, activation="tanh"), nn.Dense(1)).build(7, loss="mse", rng=0, dtype="float64")
        with team_of(n_threads):
            found.append((minimize(Objective(network, X, y), **LIMITS | {"max_iter": 30}), network.parameters.tobytes()))
    assert found[0] == found[1] == found[2]


def test_overflow_is_an_error() -> None:
    rng = np.random.default_rng(2)
    network = nn.Sequential(nn.Dense(1)).build(5, loss="mse", rng=1, dtype="float64")
    with pytest.raises(NonFiniteError, match="the loss became NaN"):
        minimize(Objective(network, rng.normal(size=(9, 5)), np.full(9, 1e200)), **LIMITS)
