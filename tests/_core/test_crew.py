"""A crew of threads: its reports to the dispatcher, and work from any thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore._core import Crew, Run
from nncore.testing import team_of

X, Y = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32), np.arange(300) % 3


def runs(n: int) -> list[Run]:
    """Runs of one epoch that have begun."""
    found = []
    for rng in range(n):
        net = nn.Sequential(nn.Dense(9, activation="tanh"), nn.Dense(3)).build(6, loss="softmax_cross_entropy", optimizer="adam", rng=rng)
        program = net.program_for_training(20)
        found.append(program.begin_train(X, None, Y, None, None, [], 20, 1, False, 10.0, [0, 0.0, 0.0]))
    return found


def dispatched(n_members: int, dispatch: Callable[[Crew], None]) -> None:
    crew = Crew()
    crew.run(n_members, lambda: dispatch(crew))


@pytest.mark.parametrize("n_members", [1, 2, 4])
@pytest.mark.parametrize("helps", [True, False])
def test_every_job_is_done_once(n_members: int, helps: bool) -> None:
    given, done = runs(7), []

    def dispatch(crew: Crew) -> None:
        for run in given:
            crew.give(run)
        while len(done) < len(given):
            job: Any = crew.done()
            if job is None and (helps or crew.n_workers == 0):
                job = crew.take_back()
                if job is not None:
                    crew.work(job)
            if job is None:
                crew.wait()
            else:
                job.end()
                done.append(job)

    dispatched(n_members, dispatch)
    assert sorted(map(id, done)) == sorted(map(id, given))
    assert all(run.seconds > 0 for run in done)


def test_a_paused_crew_begins_nothing() -> None:
    def dispatch(crew: Crew) -> None:
        crew.pause()
        for run in runs(3):
            crew.give(run)
        crew.wait()
        assert crew.done() is None
        crew.resume()
        n = 0
        while n < 3:
            job: Any = crew.done() or (crew.take_back() if crew.n_workers == 0 else None)
            if job is not None:
                job.end()
                n += 1

    dispatched(3, dispatch)


def test_workers_leave_when_they_are_not_kept() -> None:
    def dispatch(crew: Crew) -> None:
        n = crew.n_workers
        crew.keep(0)
        for _ in range(1000):
            if crew.n_workers == 0:
                break
            crew.wait()
        assert (crew.n_workers, n >= 0) == (0, True)

    dispatched(3, dispatch)


def test_what_the_dispatcher_raises_is_raised() -> None:
    def dispatch(crew: Crew) -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        dispatched(3, dispatch)


def test_a_crew_within_a_crew() -> None:
    seen: list[int] = []
    dispatched(2, lambda _: dispatched(3, lambda crew: seen.append(crew.n_workers)))
    assert len(seen) == 1


def test_a_run_is_ended_once_and_leaves_the_turn() -> None:
    net = nn.Sequential(nn.Dense(3)).build(6, loss="softmax_cross_entropy", optimizer="sgd", rng=0)
    before, progress = net.parameters.copy(), [0, 0.0, 0.0]
    run = net.program_for_training(20).begin_train(X, None, Y, None, None, [], 20, 1, False, 10.0, progress)
    assert net._turn.owner != 0
    run.end()
    run.end()
    assert (net._turn.owner, progress) == (0, [0, 0.0, 0.0])
    np.testing.assert_array_equal(net.parameters, before)


@pytest.mark.parametrize("n_parts", [1, 3])
def test_a_run_gives_what_the_call_gives(n_parts: int) -> None:
    def network() -> nn.Sequential:
        layers = nn.Dense(70, activation="relu"), nn.BatchNorm(), nn.Dense(3)
        return nn.Sequential(*layers).build(6, loss="softmax_cross_entropy", optimizer="adam", rng=0)

    one, other, sums = network(), network(), [[0, 0.0, 0.0], [0, 0.0, 0.0]]
    arguments = (X, None, Y, None, None, [], 50, 1, False, 10.0)
    with team_of(n_parts):
        one.program_for_training(50).train(*arguments, sums[0], n_parts)
        run = other.program_for_training(50).begin_train(*arguments, sums[1], n_parts)

        def dispatch(crew: Crew) -> None:
            crew.work(run)
            run.end()

        dispatched(1, dispatch)
    assert sums[0] == sums[1]
    np.testing.assert_array_equal(one.parameters, other.parameters)
