"""EMA and SWA: averaged parameters, and training that continues from the trained ones."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from endings import Fail, Interrupt, Stop

import nncore as nn
from nncore.errors import NonFiniteError, ParameterError
from nncore.plugin import Callback
from nncore.testing import numpy_twin, team_of


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 5))
    return X, X @ rng.normal(size=(5, 2)) + rng.normal(size=(64, 2))


def network(optimizer: Any = None) -> nn.Sequential:
    net = nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dense(2))
    return net.build(5, loss="mse", optimizer=optimizer or nn.SGD(lr=0.1), rng=3, dtype="float64")


def steps(n: int) -> list[np.ndarray]:
    """Parameters after each of n steps of full batches."""
    net, path = network(), []
    for _ in range(n):
        net.fit(*data(), epochs=1, batch_size=64, shuffle=False)
        path.append(net.parameters.copy())
    return path


def fitted(callback: Any, epochs: int, **settings: Any) -> nn.Sequential:
    net = network()
    net.fit(*data(), epochs=epochs, batch_size=64, shuffle=False, callbacks=[callback], **settings)
    return net


def test_ema_is_the_formula() -> None:
    path = steps(12)
    mean = np.zeros_like(path[0])
    for k, w in enumerate(path, start=1):
        mean += max(1 / k, 1 - 0.8) * (w - mean)
    net = fitted(nn.EMA(0.8), 12)
    np.testing.assert_allclose(net.parameters, mean, rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(net.trajectory, path[-1])


def test_few_steps_are_a_plain_mean() -> None:
    np.testing.assert_allclose(fitted(nn.EMA(0.999), 7).parameters, np.mean(steps(7), axis=0), rtol=1e-12, atol=1e-15)


def test_swa_is_the_mean_of_the_last_epochs() -> None:
    net = fitted(nn.SWA(start=4), 10)
    np.testing.assert_allclose(net.parameters, np.mean(steps(10)[4:], axis=0), rtol=1e-12, atol=1e-15)


def test_swa_that_never_begins_changes_nothing() -> None:
    net = fitted(nn.SWA(start=10), 10)
    np.testing.assert_array_equal(net.parameters, steps(10)[-1])
    assert net.trajectory is None


def test_an_average_moves_by_less_than_its_last_digit() -> None:
    """An average at 0.9999 follows parameters that drift by one float32 digit a step, although it moves by less than its last digit."""
    n, drift = 30_000, 2.0**-24
    X, Y = np.full((n, 1), drift), np.full((n, 1), 8.0)
    ends = {}
    for dtype in ("float32", "float64"):
        net = nn.Sequential(nn.Dense(1, use_bias=False)).build(1, loss="mae", optimizer=nn.SGD(lr=1.0), rng=0, dtype=dtype)
        net.parameters[...] = 0.5
        net.fit(X, Y, epochs=1, batch_size=1, shuffle=False, callbacks=[nn.EMA(0.9999)])
        assert net.trajectory == 0.5 + n * drift
        ends[dtype] = float(net.parameters[0])
    assert abs(ends["float32"] - ends["float64"]) <= drift
    assert ends["float32"] - 0.5 > 0.5 * n * drift


@pytest.mark.parametrize("interrupted_after", [1, 3])
def test_resumed_equals_uninterrupted_in_float32(interrupted_after: int, tmp_path: Path) -> None:
    """A resumed fit equals an uninterrupted one: digits of the mean beyond float32 are saved."""

    def fit(net: nn.Sequential, epochs: int) -> None:
        net.fit(*data(), epochs=epochs, batch_size=1, callbacks=[nn.EMA(0.9999)])

    whole, part = (nn.Sequential(nn.Dense(2)).build(5, loss="mse", optimizer="sgd", rng=3) for _ in range(2))
    fit(whole, 6)
    fit(part, interrupted_after)
    assert part.average_rest.any()
    part.save(tmp_path / "part.nncore")
    again = nn.load(tmp_path / "part.nncore")
    fit(again, 6 - interrupted_after)
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    np.testing.assert_array_equal(again.average_rest, whole.average_rest)


class Far(Callback):
    """Puts the average of parameters and the trained parameters at opposite ends of float32's range."""

    def on_epoch_end(self, training: Any) -> None:
        end = float(np.finfo(np.float32).max) * 0.9
        net = training.network
        net.parameters[...], net.trajectory[...] = end, -end


def test_a_mean_that_overflows_is_said() -> None:
    net = nn.Sequential(nn.Dense(2, use_bias=False)).build(5, loss="mse", optimizer="sgd", rng=3)
    X, Y = np.zeros((64, 5)), np.zeros((64, 2))
    with pytest.raises(NonFiniteError, match="the mean of the parameters over epochs became NaN or infinite after step 2") as caught:
        net.fit(X, Y, epochs=3, batch_size=64, shuffle=False, callbacks=[nn.SWA(), Far()])
    assert caught.value.step == 2
    assert np.isfinite(net.parameters).all()
    assert (net.parameters > 1e38).all()


class Witness(Callback):
    """Records the parameters that callbacks see."""

    def __init__(self) -> None:
        self.at_epoch_ends: list[np.ndarray] = []

    def on_epoch_end(self, training: Any) -> None:
        self.at_epoch_ends.append(training.network.parameters.copy())


@pytest.mark.parametrize("average", [nn.EMA(0.7), nn.SWA(start=0)], ids=repr)
def test_validation_and_callbacks_see_the_average(average: Callback) -> None:
    witness, net = Witness(), network()
    X, y = data()
    history = net.fit(X, y, epochs=6, batch_size=16, callbacks=[witness, average], validation=(X, y))
    for number, parameters in enumerate(witness.at_epoch_ends):
        other = network()
        other.parameters[...] = parameters
        assert other.evaluate(X, y)["loss"] == history["val_loss"][number]
    np.testing.assert_array_equal(net.parameters, witness.at_epoch_ends[-1])


@pytest.mark.parametrize("average", [nn.EMA(0.7), nn.SWA(start=2)], ids=repr)
@pytest.mark.parametrize("interrupted_after", [1, 3])
def test_resumed_equals_uninterrupted(average: Callback, interrupted_after: int, tmp_path: Path) -> None:
    whole, part = network(nn.Adam(lr=0.05)), network(nn.Adam(lr=0.05))
    whole.fit(*data(), epochs=6, batch_size=16, callbacks=[average])
    part.fit(*data(), epochs=interrupted_after, batch_size=16, callbacks=[average])
    part.save(tmp_path / "part.nncore")
    again = nn.load(tmp_path / "part.nncore")
    np.testing.assert_array_equal(again.parameters, part.parameters)
    again.fit(*data(), epochs=6 - interrupted_after, batch_size=16, callbacks=[average])
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    np.testing.assert_array_equal(again.trajectory, whole.trajectory)


def test_a_fit_without_average_goes_on_from_the_average() -> None:
    net, other = fitted(nn.EMA(0.7), 5), network()
    other.parameters[...] = net.parameters
    for each in (net, other):
        each.fit(*data(), epochs=2, batch_size=64, shuffle=False)
    np.testing.assert_array_equal(net.parameters, other.parameters)
    assert net.trajectory is None


@pytest.mark.parametrize("end", [Stop(), Fail(), Interrupt()], ids=lambda c: type(c).__name__)
def test_an_average_is_left_in_place_however_the_fit_ends(end: Callback) -> None:
    net = network()
    with suppress(RuntimeError):
        net.fit(*data(), epochs=5, batch_size=64, shuffle=False, callbacks=[nn.EMA(0.5), end])
    first = steps(1)[0]
    np.testing.assert_array_equal(net.trajectory, first)
    np.testing.assert_allclose(net.parameters, first, rtol=1e-12)


def test_early_stopping_restores_the_best_average() -> None:
    X, y = data()
    net = network(nn.SGD(lr=1.2))
    stopping = nn.EarlyStopping(patience=2)
    history = net.fit(X, y, epochs=40, batch_size=16, callbacks=[nn.EMA(0.9), stopping], validation=(X, y))
    assert net.evaluate(X, y)["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-12)


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
@pytest.mark.parametrize("name", ["adam", "block_coordinate"])
def test_every_kind_of_optimizer_is_averaged_with_the_same_bits_for_any_team(name: str, twin: bool) -> None:
    ends = []
    for n_parts in (1, 2, 3):
        optimizer = nn.get("optimizers", name)()
        net = network(numpy_twin(optimizer) if twin else optimizer)
        with team_of(n_parts):
            net.fit(*data(), epochs=3, batch_size=16, callbacks=[nn.EMA(0.9)])
        assert not np.array_equal(net.parameters, net.trajectory)
        ends.append(net.parameters)
    np.testing.assert_array_equal(ends[1], ends[0])
    np.testing.assert_array_equal(ends[2], ends[0])


def test_copies_keep_both_sets() -> None:
    import pickle

    net = fitted(nn.EMA(0.7), 3)
    again = pickle.loads(pickle.dumps(net))
    for each in (net, again):
        each.fit(*data(), epochs=2, batch_size=64, callbacks=[nn.EMA(0.7)])
    np.testing.assert_array_equal(again.parameters, net.parameters)


def test_bad_averages_are_refused() -> None:
    with pytest.raises(ParameterError, match="one of EMA and SWA"):
        network().fit(*data(), callbacks=[nn.EMA(), nn.SWA()])
    for decay in (0, 1, -0.5, float("nan")):
        with pytest.raises(ParameterError, match="decay must be a number in"):
            nn.EMA(decay)
    with pytest.raises(ParameterError, match="start must be a whole number"):
        nn.SWA(start=0.5)  # type: ignore[arg-type]
