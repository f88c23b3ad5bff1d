"""After a fork while threads use networks, the child has the state of a complete step, continues from it, and never hangs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import BusyError
from nncore.network import forking
from nncore.plugin import Callback
from nncore.testing import team_of

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(400, 6)).astype(np.float32), RNG.integers(3, size=400)

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),  # Python 3.12 warns that it may hang: that is what is tested
]


def network() -> nn.Sequential:
    layers = nn.Dense(40, activation="relu"), nn.BatchNorm(), nn.Dense(3)
    return nn.Sequential(*layers).build(6, loss="softmax_cross_entropy", optimizer="adam", rng=0)


def outcome_of_child(work: Callable[[], bool]) -> int:
    """The exit code of a forked child: 0 if `work` is true there, 1 if not, 2 if it raises."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    for _ in range(3000):
        finished, status = os.waitpid(child, os.WNOHANG)
        if finished:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("the child hangs")


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def fitted(request: pytest.FixtureRequest) -> Iterator[nn.Sequential]:
    """A network that a thread fits continuously."""
    net, has_begun, is_over = network(), threading.Event(), threading.Event()

    def until(training: Any) -> None:
        has_begun.set()
        if is_over.is_set():
            training.stop("told to")

    options: dict[str, Any] = {"epochs": 10**6, "batch_size": 64, "progress": False, "rng": 0}
    with team_of(request.param):
        thread = threading.Thread(target=lambda: net.fit(X, Y, callbacks=[until], **options))
        thread.start()
        assert has_begun.wait(30)
        yield net
        is_over.set()
        thread.join(30)
        assert not thread.is_alive()


def goes_on(net: nn.Sequential) -> bool:
    """Whether the network in a child has the state of a complete step and remains usable."""
    n_epochs, n_steps = net.n_epochs, net.n_steps
    assert n_epochs * 7 <= n_steps <= (n_epochs + 1) * 7
    net.predict(X)
    net.fit(X, Y, epochs=1, batch_size=64, progress=False)  # the rest of the epoch that the parent was in
    return net.n_epochs == n_epochs + 1 and net.n_steps == (n_epochs + 1) * 7 and bool(np.isfinite(net.parameters).all())


def has_the_bits_of_a_fit_alone(net: nn.Sequential) -> bool:
    alone = network()
    alone.fit(X, Y, epochs=net.n_epochs + 1, batch_size=64, progress=False, rng=0)
    return goes_on(net) and np.array_equal(net.parameters, alone.parameters)


def test_children_forked_during_a_fit_go_on_where_it_stood(fitted: nn.Sequential) -> None:
    assert outcome_of_child(lambda: has_the_bits_of_a_fit_alone(fitted)) == 0  # first, since it takes as long as the whole fit so far
    before = fitted.n_steps
    assert [outcome_of_child(lambda: goes_on(fitted)) for _ in range(20)] == [0] * 20
    assert fitted.n_steps > before  # the parent continues, too


def test_children_forked_while_a_thread_predicts() -> None:
    net, is_over = network(), threading.Event()
    expected = net.predict(X)

    def predict() -> None:
        while not is_over.is_set():
            net.predict(X)

    thread = threading.Thread(target=predict)
    thread.start()
    assert [outcome_of_child(lambda: np.array_equal(net.predict(X), expected)) for _ in range(20)] == [0] * 20
    is_over.set()
    thread.join(30)


def test_a_thread_that_is_not_the_main_one_forks(fitted: nn.Sequential) -> None:
    outcomes: list[int] = []
    thread = threading.Thread(target=lambda: outcomes.append(outcome_of_child(lambda: goes_on(fitted))))
    thread.start()
    thread.join(60)
    assert outcomes == [0]


def test_a_callback_forks_and_its_fit_goes_on_in_both_processes() -> None:
    outcomes: list[int] = []
    alone = network()
    alone.fit(X, Y, epochs=2, progress=False, rng=0)

    class Forks(Callback):
        def on_epoch_end(self, training: Any) -> None:
            if training.epoch == 1:
                outcomes.append(outcome_of_child(lambda: training.network.predict(X).shape == (400, 3)))

    net = network()
    net.fit(X, Y, epochs=2, progress=False, rng=0, callbacks=[Forks()])
    assert outcomes == [0]
    np.testing.assert_array_equal(net.parameters, alone.parameters)


def test_a_child_predicts_with_the_average_in_the_middle_of_an_epoch() -> None:
    net, outcomes = network(), list[int]()

    def is_at_rest() -> bool:
        trajectory = net.trajectory
        return trajectory is not None and not net._is_under_way and net.predict(X).shape == (400, 3)

    class InAnotherThread(Callback):
        def on_progress(self, training: Any) -> None:
            if not outcomes:
                thread = threading.Thread(target=lambda: outcomes.append(outcome_of_child(is_at_rest)))
                thread.start()
                thread.join(60)

    net.fit(X, Y, epochs=1, progress=False, callbacks=["ema", InAnotherThread()])
    assert outcomes == [0]


def test_what_is_forked_in_the_middle_of_a_change_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "FORK_SECONDS", 0.1)
    net, is_held, is_over = network(), threading.Event(), threading.Event()

    def hold() -> None:
        with net.paused():
            is_held.set()
            is_over.wait(30)

    def is_refused() -> bool:
        try:
            net.predict(X)
        except BusyError as error:
            return "forked while another thread" in str(error)
        return False

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_held.wait(30)
    assert outcome_of_child(is_refused) == 0
    assert outcome_of_child(lambda: outcome_of_child(is_refused) == 0) == 0
    is_over.set()
    thread.join(30)
    net.predict(X)


def train_in_child(expected: np.ndarray) -> None:
    """Exit with 0 if training gives the same bits as in the parent."""
    net = network()
    net.fit(X, Y, epochs=1, batch_size=64, progress=False, rng=0)
    os._exit(0 if np.array_equal(net.parameters, expected) else 1)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing_begun_while_a_thread_fits(method: str, fitted: nn.Sequential) -> None:
    alone = network()
    alone.fit(X, Y, epochs=1, batch_size=64, progress=False, rng=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        process = multiprocessing.get_context(method).Process(target=train_in_child, args=(alone.parameters.copy(),))
        process.start()
    process.join(120)
    if process.is_alive():
        process.kill()
    assert process.exitcode == 0
