"""SAM: conformance, the step by hand, and SAM around other optimizers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nncore_sam.sam import SAM

import nncore as nn
from nncore.errors import ParameterError
from nncore.plugin import native_kernel
from nncore.testing import OptimizerConformance, numpy_twin, team_of

RUNGS = [SAM, lambda optimizer, **settings: numpy_twin(SAM(optimizer, **settings))]
either = pytest.mark.parametrize("sam", RUNGS, ids=["native", "numpy"])


class TestSAM(OptimizerConformance):
    name = "nncore-sam/sam"
    arguments = ({}, {"rho": 0.2, "optimizer": {"name": "momentum", "lr": 0.02}})


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 5))
    return X, X @ rng.normal(size=(5, 2)) + rng.normal(size=(64, 2))


def network(optimizer: Any) -> nn.Sequential:
    layers = [nn.Dense(800, activation="tanh"), nn.BatchNorm(), nn.Dropout(0.2), nn.Dense(2)]
    return nn.Sequential(*layers).build(5, loss="mse", optimizer=optimizer, rng=3, dtype="float64")


def by_hand(rho: float, n_steps: int) -> nn.Sequential:
    """Steps of SAM around Adam, from the public methods that make up a step."""
    net, sharp = network(nn.Adam()), network(nn.Adam())
    X, y = data()
    for _ in range(n_steps):
        net.forward(X, training=True)
        net.backward(y)
        sharp.parameters[...] = net.parameters + rho / (np.linalg.norm(net.gradients) + 1e-12) * net.gradients
        sharp.n_steps = net.n_steps
        sharp.forward(X, training=True)
        sharp.backward(y)
        net.gradients[...] = sharp.gradients
        net.step()
    return net


@either
@pytest.mark.parametrize("n_parts", [1, 3])
def test_steps_are_those_by_hand(sam: Any, n_parts: int) -> None:
    expected, net = by_hand(0.3, 3), network(sam(nn.Adam(), rho=0.3))
    with team_of(n_parts):
        net.fit(*data(), epochs=3, batch_size=64, shuffle=False, progress=False)
    np.testing.assert_allclose(net.parameters, expected.parameters, rtol=1e-7, atol=1e-9)
    for name, buffer in net.named_buffers().items():
        np.testing.assert_allclose(buffer, expected.named_buffers()[name], rtol=1e-9, atol=1e-12)


@either
def test_without_a_radius_it_is_the_optimizer_inside(sam: Any) -> None:
    net, alone = network(sam(nn.Adam(), rho=0.0)), network(nn.Adam())
    histories = [each.fit(*data(), epochs=2, batch_size=16, progress=False) for each in (net, alone)]
    np.testing.assert_allclose(net.parameters, alone.parameters, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-9)


@pytest.mark.skipif("sam" not in nn.names("optimizers"), reason="nncore has no built-in sam here")
def test_steps_are_those_of_the_one_that_nncore_has() -> None:
    theirs = nn.get("optimizers", "sam")
    assert theirs is not SAM
    one, other = network(SAM("adam", rho=0.2)), network(theirs("adam", rho=0.2))
    for net in (one, other):
        net.fit(*data(), epochs=2, batch_size=16, progress=False)
    np.testing.assert_allclose(other.parameters, one.parameters, rtol=1e-7, atol=1e-9)


def test_names_and_dicts_make_the_optimizer_inside() -> None:
    net = nn.Sequential(nn.Dense(2)).build(3, loss="mse", optimizer={"name": "nncore-sam/sam", "rho": 0.1, "optimizer": "sgd"}, rng=0)
    assert isinstance(net.optimizer, SAM)
    assert isinstance(net.optimizer.optimizer, nn.SGD)
    assert native_kernel(net.optimizer) is not None
    assert native_kernel(SAM(numpy_twin(nn.SGD()))) is None


def test_clipping_limits_the_second_gradient() -> None:
    """With clipping, a step of plain gradient descent is no longer than lr times the limit."""
    net = network(SAM(nn.SGD(lr=1.0), rho=0.5))
    before = net.parameters.copy()
    net.fit(*data(), epochs=1, batch_size=64, clip_norm=0.01, progress=False)
    assert np.linalg.norm(net.parameters - before) == pytest.approx(0.01, rel=1e-9)


@either
def test_inside_and_around_lookahead(sam: Any) -> None:
    one, other = network(sam(nn.Lookahead("adam", every=3))), network(nn.Lookahead(SAM("adam"), every=3))
    for net in (one, other):
        net.fit(*data(), epochs=2, batch_size=16, progress=False)
    np.testing.assert_allclose(one.parameters, other.parameters, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(one.trajectory, other.trajectory, rtol=1e-6, atol=1e-8)


def test_a_file_in_the_middle_of_a_run_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    whole, part = network("nncore-sam/sam"), network("nncore-sam/sam")
    whole.fit(*data(), epochs=4, batch_size=16, progress=False)
    part.fit(*data(), epochs=1, batch_size=16, progress=False)
    part.save(tmp_path / "part.nncore")
    again = nn.load(tmp_path / "part.nncore")
    with team_of(3):
        again.fit(*data(), epochs=3, batch_size=16, progress=False)
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    for name, state in whole.optimizer_state.items():
        np.testing.assert_array_equal(again.optimizer_state[name], state)


def test_train_on_batch_is_a_step_of_fit_and_step_alone_is_refused() -> None:
    X, y = data()
    one, other = network("nncore-sam/sam"), network("nncore-sam/sam")
    loss = one.fit(X, y, epochs=1, batch_size=64, shuffle=False, progress=False)["loss"][0]
    assert other.train_on_batch(X, y) == pytest.approx(loss, rel=1e-13)
    np.testing.assert_array_equal(other.parameters, one.parameters)
    other.forward(X, training=True)
    other.backward(y)
    with pytest.raises(ParameterError, match="needs X and y"):
        other.step()


def test_two_second_gradients_are_refused() -> None:
    with pytest.raises(ParameterError, match="computes a second gradient, and so does SAM"):
        SAM(SAM("sgd"))


@pytest.mark.parametrize("rho", [-0.1, np.inf, np.nan, "0.1"])
def test_wrong_radius(rho: Any) -> None:
    with pytest.raises(ParameterError, match="SAM: rho must be a number"):
        SAM(rho=rho)
