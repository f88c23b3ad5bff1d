"""Schedule-free AdamW and SGD: the paper's three sequences, and the two sets of parameters of a network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError
from nncore.optimizers.schedule_free import ScheduleFree, weight_of_newest
from nncore.optimizers.schedule_free_sgd import ScheduleFreeSGD
from nncore.plugin import native_kernel
from nncore.testing import numpy_twin, team_of


def papers_sequences(optimizer: ScheduleFree, w: np.ndarray, gradients: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """y and x after each step of the paper's algorithm 1, which stores z, x and the sum of squared rates."""
    z, x, v, sum_of_squares, path = w.copy(), w.copy(), np.zeros_like(w), 0.0, []
    for t, g in enumerate(gradients, start=1):
        y = (1 - optimizer.beta1) * z + optimizer.beta1 * x
        v = optimizer.beta2 * v + (1 - optimizer.beta2) * g**2
        rate = optimizer.lr * (min(1.0, t / optimizer.warmup_steps) if optimizer.warmup_steps else 1.0)
        z = z - rate * (g / (np.sqrt(v / (1 - optimizer.beta2**t)) + optimizer.epsilon) + optimizer.weight_decay * y)
        sum_of_squares += rate**2
        c = rate**2 / sum_of_squares
        x = (1 - c) * x + c * z
        path.append(((1 - optimizer.beta1) * z + optimizer.beta1 * x, x))
    return path


@pytest.mark.parametrize(
    "arguments", [{}, {"weight_decay": 0.3}, {"warmup_steps": 1}, {"warmup_steps": 7, "beta1": 0.5}, {"warmup_steps": 50}]
)
def test_is_the_algorithm_of_the_paper(arguments: dict[str, Any]) -> None:
    optimizer, rng = ScheduleFree(0.05, **arguments), np.random.default_rng(0)
    w, gradients = rng.normal(size=9), rng.normal(size=(20, 9))
    y, state, x = w.copy(), np.zeros((2, 9)), np.empty(9)
    for t, (expected_y, expected_x) in enumerate(papers_sequences(optimizer, w, gradients), start=1):
        optimizer.step(y, gradients[t - 1], state, t)
        optimizer.evaluation(y, state, x)
        np.testing.assert_allclose(y, expected_y, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(x, expected_x, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    "arguments", [{}, {"weight_decay": 0.3}, {"warmup_steps": 1}, {"warmup_steps": 7, "beta": 0.5}, {"warmup_steps": 50}]
)
def test_sgd_is_the_algorithm_of_the_paper(arguments: dict[str, Any]) -> None:
    optimizer, rng = ScheduleFreeSGD(0.05, **arguments), np.random.default_rng(0)
    y, gradients, state, out, sum_of_squares = rng.normal(size=9), rng.normal(size=(20, 9)), np.zeros((1, 9)), np.empty(9), 0.0
    z, x = y.copy(), y.copy()
    for t, g in enumerate(gradients, start=1):
        rate = optimizer.lr * (min(1.0, t / optimizer.warmup_steps) if optimizer.warmup_steps else 1.0)
        z = z - rate * (g + optimizer.weight_decay * ((1 - optimizer.beta) * z + optimizer.beta * x))
        sum_of_squares += rate**2
        x = x + rate**2 / sum_of_squares * (z - x)
        optimizer.step(y, g, state, t)
        optimizer.evaluation(y, state, out)
        np.testing.assert_allclose(y, (1 - optimizer.beta) * z + optimizer.beta * x, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(out, x, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("warmup_steps", [0, 1, 2, 10])
def test_weights_are_squares_of_rates_over_their_sum(warmup_steps: int) -> None:
    rates = [min(1.0, t / warmup_steps) if warmup_steps else 1.0 for t in range(1, 30)]
    for t in range(1, 30):
        expected = rates[t - 1] ** 2 / sum(rate**2 for rate in rates[:t])
        assert weight_of_newest(t, warmup_steps) == pytest.approx(expected, rel=1e-13)


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 6)).astype(np.float32)
    return X, (X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=300) > 0).astype(int)


def network(optimizer: Any = "schedule_free") -> nn.Sequential:
    net = nn.Sequential(nn.Dense(16, activation="tanh"), nn.Dense(2))
    return net.build(6, loss="softmax_cross_entropy", optimizer=optimizer, rng=0)


def test_a_network_predicts_with_x_and_trains_y() -> None:
    net = network()
    net.fit(*data(), epochs=3, batch_size=50, progress=False)
    assert isinstance(net.optimizer, ScheduleFree)
    assert native_kernel(net.optimizer) is not None
    trained, x = net.trajectory, np.empty_like(net.parameters)
    kept = [np.concatenate([net.optimizer_state[f"{name}/slot_{k}"].ravel() for name in net.named_parameters()]) for k in range(2)]
    net.optimizer.evaluation(trained, np.stack(kept), x)
    np.testing.assert_array_equal(net.parameters, x)
    assert not np.array_equal(net.parameters, trained)


@pytest.mark.parametrize("optimizer", [ScheduleFree(), ScheduleFreeSGD(0.1)], ids=repr)
def test_both_rungs_train_alike(optimizer: Any) -> None:
    compiled, interpreted = network(optimizer), network(numpy_twin(optimizer))
    for net in (compiled, interpreted):
        net.fit(*data(), epochs=3, batch_size=50, progress=False)
    np.testing.assert_allclose(compiled.parameters, interpreted.parameters, rtol=1e-4, atol=1e-5)


def test_the_average_is_better_than_where_training_stands() -> None:
    """With a constant learning rate, small batches and noisy targets, the average is better than the trained parameters."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 6))
    y = X @ rng.normal(size=(6, 1)) + rng.normal(size=(300, 1))
    net = nn.Sequential(nn.Dense(1)).build(6, loss="mse", optimizer=ScheduleFree(0.3), rng=0)
    net.fit(X, y, epochs=30, batch_size=4, progress=False)
    average = net.evaluate(X, y)["loss"]
    net.parameters[...] = net.trajectory
    assert average < net.evaluate(X, y)["loss"]


def test_a_file_in_the_middle_of_a_run_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    whole, part = network(ScheduleFree(warmup_steps=10)), network(ScheduleFree(warmup_steps=10))
    whole.fit(*data(), epochs=4, batch_size=50, progress=False)
    part.fit(*data(), epochs=1, batch_size=50, progress=False, callbacks=[nn.Checkpoint(os.path.join(tmp_path, "part.nncore"))])
    again = nn.load(tmp_path / "part.nncore")
    np.testing.assert_array_equal(again.predict(data()[0]), part.predict(data()[0]))
    with team_of(3):
        again.fit(*data(), epochs=3, batch_size=50, progress=False)
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    np.testing.assert_array_equal(again.trajectory, whole.trajectory)


def test_tensors_that_are_thawed_later_begin_where_they_are() -> None:
    net = network()
    net.fit(*data(), epochs=1, batch_size=50, groups={"dense_1.*": {"frozen": True}}, progress=False)
    before = net.named_parameters()["dense_1.weight"].copy()
    net.fit(*data(), epochs=1, batch_size=300, groups={}, progress=False)
    assert np.abs(net.named_parameters()["dense_1.weight"] - before).max() <= 0.0025


@pytest.mark.parametrize("wrong", [{"lr": -1.0}, {"beta1": 0.0}, {"beta1": 1.0}, {"beta2": 1.0}, {"warmup_steps": 2.5}, {"epsilon": 0.0}])
def test_wrong_arguments(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        ScheduleFree(**wrong)
