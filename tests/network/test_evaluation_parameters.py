"""Optimizers whose predictions use other parameters than the trained ones: which set is used where."""

from __future__ import annotations

import copy
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from endings import Fail, Interrupt, Stop

import nncore as nn
from nncore.errors import NonFiniteError, ParameterError
from nncore.plugin import Callback, Optimizer
from nncore.registry import register, unregister
from nncore.testing import team_of


class Trailing(Optimizer):
    """Gradient descent that predicts with the parameters before its last step."""

    n_slots = 1

    def __init__(self, lr: float = 0.1) -> None:
        self.lr = lr

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Any) -> None:
        state[0] = self.lr * g
        w -= state[0]

    def evaluation(self, w: np.ndarray, state: np.ndarray, out: np.ndarray) -> None:
        np.add(w, state[0], out=out)


@pytest.fixture(autouse=True)
def _registered() -> Any:
    register("optimizers", Trailing, "trailing")
    yield
    unregister("optimizers", "trailing")


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 5))
    return X, X @ rng.normal(size=(5, 2)) + rng.normal(size=(64, 2))


def network(optimizer: Any = None) -> nn.Sequential:
    net = nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dense(2))
    return net.build(5, loss="mse", optimizer=optimizer or Trailing(), rng=3, dtype="float64")


def steps(n: int) -> list[np.ndarray]:
    """Parameters before, and after each of n steps of full batches, of plain gradient descent."""
    net = network(nn.SGD(lr=0.1))
    path = [net.parameters.copy()]
    for _ in range(n):
        net.fit(*data(), epochs=1, batch_size=64, shuffle=False, progress=False)
        path.append(net.parameters.copy())
    return path


def expect_at_step(net: nn.Sequential, path: list[np.ndarray], n: int) -> None:
    """Check both sets of parameters after n steps."""
    assert net.trajectory is not None
    np.testing.assert_allclose(net.trajectory, path[n], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(net.parameters, path[n - 1], rtol=1e-12, atol=1e-14)


def fit(net: nn.Sequential, epochs: int, **settings: Any) -> Any:
    return net.fit(*data(), epochs=epochs, batch_size=64, shuffle=False, progress=False, **settings)


def test_there_is_one_set_before_the_first_step() -> None:
    net = network()
    fit(net, 0)
    assert net.trajectory is None


def test_a_fit_goes_on_from_the_trained_ones() -> None:
    net, path = network(), steps(5)
    fit(net, 3)
    expect_at_step(net, path, 3)
    fit(net, 2)
    expect_at_step(net, path, 5)


def test_every_way_to_take_a_step_leaves_both_sets_in_place() -> None:
    net, path = network(), steps(4)
    X, y = data()
    net.train_on_batch(X, y)
    expect_at_step(net, path, 1)
    net.forward(X, training=True)
    expect_at_step(net, path, 1)
    net.backward(y)
    net.predict(X)
    net.step()
    expect_at_step(net, path, 2)
    fit(net, 1)
    loss = net.train_on_batch(X, y)
    expect_at_step(net, path, 4)
    other = network()
    other.parameters[...] = path[3]
    assert loss == pytest.approx(other.evaluate(X, y)["loss"], rel=1e-12)  # evaluated with the trained parameters


class Witness(Callback):
    """Records the parameters that callbacks see, and those in a copy and a file made meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.at_epoch_ends, self.under_way = folder, [], []

    def on_progress(self, training: Any) -> None:
        net = training.network
        net.save(self.folder / "under_way.nncore")
        copies = [copy.deepcopy(net), pickle.loads(pickle.dumps(net)), nn.load(self.folder / "under_way.nncore")]
        self.under_way.append((net.parameters.copy(), copies))

    def on_epoch_end(self, training: Any) -> None:
        self.at_epoch_ends.append(training.network.parameters.copy())


def test_validation_callbacks_copies_and_files_have_those_to_predict_with(tmp_path: Path) -> None:
    witness, net, path = Witness(tmp_path), network(), steps(4)
    history = fit(net, 4, validation=data(), callbacks=[witness])
    for k, parameters in enumerate(witness.at_epoch_ends):
        np.testing.assert_allclose(parameters, path[k], rtol=1e-12, atol=1e-14)
        other = network()
        other.parameters[...] = parameters
        assert other.evaluate(*data())["loss"] == history["val_loss"][k]
    for k, (parameters, copies) in enumerate(witness.under_way, start=1):
        np.testing.assert_allclose(parameters, path[k], rtol=1e-12, atol=1e-14)
        for each in copies:
            expect_at_step(each, path, k)
            fit(each, 4 - each.n_epochs)  # the current epoch has still to be ended
            np.testing.assert_array_equal(each.parameters, net.parameters)


@pytest.mark.parametrize("interrupted_after", [1, 3])
def test_resumed_equals_uninterrupted(interrupted_after: int, tmp_path: Path) -> None:
    whole, part = network(), network()
    fit(whole, 6)
    fit(part, interrupted_after, callbacks=[nn.Checkpoint(tmp_path / "part.nncore")])
    again = nn.load(tmp_path / "part.nncore")
    np.testing.assert_array_equal(again.predict(data()[0]), part.predict(data()[0]))
    fit(again, 6 - interrupted_after)
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    np.testing.assert_array_equal(again.trajectory, whole.trajectory)


@pytest.mark.parametrize("end", [Stop(), Fail(), Interrupt()], ids=lambda c: type(c).__name__)
def test_both_sets_are_in_place_however_the_fit_ends(end: Callback) -> None:
    net = network()
    with suppress(RuntimeError):
        fit(net, 5, callbacks=[end])
    expect_at_step(net, steps(1), 1)


def test_both_sets_are_in_place_after_a_loss_that_is_not_finite() -> None:
    net, path = network(), steps(2)
    fit(net, 2)
    X, y = data()
    with pytest.raises(NonFiniteError):
        net.fit(X, np.full_like(y, 1e300), epochs=1, batch_size=64, progress=False)
    expect_at_step(net, path, 2)


def test_another_optimizer_begins_with_the_parameters_that_predict() -> None:
    net, path = network(), steps(3)
    fit(net, 3)
    fit(net, 1, optimizer=nn.SGD(lr=0.1))
    assert net.trajectory is None
    np.testing.assert_allclose(net.parameters, path[3], rtol=1e-12, atol=1e-14)


def test_frozen_tensors_have_one_value() -> None:
    net = network()
    fit(net, 3, groups={"dense_1.*": {"frozen": True}})
    assert net.trajectory is not None
    frozen = net.named_parameters()["dense_1.weight"].size + 8
    np.testing.assert_array_equal(net.parameters[:frozen], network().parameters[:frozen])
    np.testing.assert_array_equal(net.trajectory[:frozen], network().parameters[:frozen])
    assert not np.array_equal(net.parameters[frozen:], net.trajectory[frozen:])


def test_teams_give_the_bits_of_one_thread() -> None:
    ends = []
    for n_parts in (1, 3):
        net = network()
        with team_of(n_parts):
            net.fit(*data(), epochs=3, batch_size=16, progress=False)
        ends.append(net.parameters)
    np.testing.assert_array_equal(ends[1], ends[0])


@pytest.mark.parametrize(
    "average", [nn.EMA(0.9), nn.SWA(), nn.LambdaCallback(on_fit_begin=lambda run: run.average_parameters(over="steps"))]
)
def test_an_average_of_a_callback_is_refused(average: Callback) -> None:
    net = network(nn.SGD())
    with pytest.raises(ParameterError, match="predicts with parameters of its own"):
        fit(net, 1, optimizer="trailing", callbacks=[average])
    if average.averages:  # the error comes before anything is changed
        assert isinstance(net.optimizer, nn.SGD)


class Soaring(Trailing):
    def evaluation(self, w: np.ndarray, state: np.ndarray, out: np.ndarray) -> None:
        out[...] = np.inf


def test_parameters_to_predict_with_that_overflow_are_said_and_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network()
    fit(net, 1)
    before = net.parameters.copy()
    monkeypatch.setattr(Trailing, "evaluation", Soaring.evaluation)
    with pytest.raises(NonFiniteError, match="the parameters to predict with became NaN or infinite after step 2") as caught:
        fit(net, 1)
    assert caught.value.step == 2
    np.testing.assert_array_equal(net.parameters, before)
    np.testing.assert_allclose(net.trajectory, steps(2)[2], rtol=1e-12, atol=1e-14)


class Failing(Trailing):
    def evaluation(self, w: np.ndarray, state: np.ndarray, out: np.ndarray) -> None:
        raise RuntimeError("no average today")


def test_an_evaluation_that_fails_loses_no_step() -> None:
    net = network(Failing())
    with pytest.raises(RuntimeError, match="no average today"):
        fit(net, 1)
    assert net.trajectory is not None
    np.testing.assert_allclose(net.trajectory, steps(1)[1], rtol=1e-12, atol=1e-14)


class Freeze(Callback):
    def on_progress(self, training: Any) -> None:
        training.network.groups = {"dense_1.*": {"frozen": True}}


@pytest.mark.parametrize("settings", [{"groups": {"dense_1.*": {"frozen": True}}}, {"callbacks": [Freeze()]}], ids=["before", "meanwhile"])
def test_what_is_frozen_later_keeps_what_it_predicts_with(settings: dict[str, Any]) -> None:
    """A layer frozen later keeps its parameters for predictions, although its optimizer and optimizer state are gone."""
    net, n = network(), 48
    fit(net, 3)
    before = net.parameters[:n].copy()
    assert not np.array_equal(net.trajectory[:n], before)
    fit(net, 1, **settings)
    if "callbacks" in settings:  # frozen after the step of the epoch
        before = net.parameters[:n].copy()
        fit(net, 1)
    np.testing.assert_array_equal(net.parameters[:n], before)
    np.testing.assert_array_equal(net.trajectory[:n], before)
    assert not np.array_equal(net.parameters[n:], net.trajectory[n:])
