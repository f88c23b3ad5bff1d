"""A fit in pieces, which the caller runs at any time, has the same result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from network.fitting import X, Y, fit, network

import nncore as nn
from nncore.network.work import Turns, Work, drive
from nncore.training import Training


def begun(monkeypatch: pytest.MonkeyPatch, net: nn.Sequential, epochs: int, **arguments: Any) -> Training:
    """A fit that is ready to run in pieces."""
    found: list[Training] = []
    with monkeypatch.context() as patch:
        patch.setattr(Training, "run", lambda training: found.append(training))
        fit(net, epochs, **arguments)
    return found[0]


def spread(output: np.ndarray, target: np.ndarray, weight: Any) -> float:
    """A metric in Python."""
    return float(np.ptp(output))


def assert_same(one: nn.History, other: nn.History) -> None:
    assert one.keys() == other.keys()
    for name in set(one) - {"seconds"}:
        np.testing.assert_array_equal(one[name], other[name])


def test_two_fits_driven_in_turn_are_those_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = [network(rng=seed) for seed in range(2)]
    histories = [fit(net, 3 + seed, validation=(X, Y)) for seed, net in enumerate(alone)]
    together = [network(rng=seed) for seed in range(2)]
    trainings = [begun(monkeypatch, net, 3 + seed, validation=(X, Y)) for seed, net in enumerate(together)]
    seen, waiting = [], [training.turns() for training in trainings]
    while waiting:
        turns = waiting.pop(0)
        work = next(turns, None)
        if work is not None:
            seen.append(work.method)
            work.run()
            waiting.append(turns)
    assert seen == ["train"] * 4  # the first epoch of each, and then the others
    for net, twin, training, history in zip(alone, together, trainings, histories, strict=True):
        np.testing.assert_array_equal(twin.parameters, net.parameters)
        assert_same(training.history, history)
        assert training.history.stop_reason == "all epochs done"


@pytest.mark.parametrize("n_done", range(1, 5))
@pytest.mark.parametrize("how", ["thrown", "closed"])
def test_a_fit_that_is_broken_off_between_two_pieces_goes_on(monkeypatch: pytest.MonkeyPatch, n_done: int, how: str) -> None:
    whole, net = network(), network()
    judged = {"validation": (X, Y), "metrics": [nn.FunctionMetric(spread, label="spread")]}  # a separate piece of work
    fit(whole, 3, **judged)
    training = begun(monkeypatch, net, 3, **judged)
    turns = training.turns()
    for _ in range(n_done - 1):
        next(turns).run()
    next(turns)  # its work is unfinished
    if how == "closed":
        turns.close()
    else:
        with pytest.raises(StopIteration):
            turns.throw(KeyboardInterrupt())
    assert training.history.interrupted
    fit(net, 3 - net.n_epochs, **judged)
    np.testing.assert_array_equal(net.parameters, whole.parameters)


def test_ctrl_c_between_two_pieces_ends_a_fit_as_one_inside_does(monkeypatch: pytest.MonkeyPatch) -> None:
    left, original = 2, Work.run

    def pressed(work: Work) -> None:
        nonlocal left
        left -= 1
        original(work)
        if left == 0:
            raise KeyboardInterrupt

    whole, net = network(), network()
    fit(whole, 3)
    with monkeypatch.context() as patch:
        patch.setattr(Work, "run", pressed)
        assert fit(net, 3, callbacks=[lambda training: None]).interrupted  # called after each epoch
    assert net.n_epochs == 1
    assert net.place is not None
    fit(net, 2)
    np.testing.assert_array_equal(net.parameters, whole.parameters)


def test_what_goes_wrong_is_kept_until_it_is_asked_for() -> None:
    net, given = network(), []

    def odd() -> Turns[None]:
        work = Work(net.program_for_prediction(), "predict", (X[:, :1], np.empty((len(X), 2), net.dtype)), 1)
        given.append(work)
        yield work
        assert work.error is not None
        work.check()

    with pytest.raises(nn.errors.DataError, match="inputs is read where it lies"):
        drive(odd())
    assert given[0].seconds > 0
