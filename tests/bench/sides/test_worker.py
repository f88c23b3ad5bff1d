from __future__ import annotations

import numpy as np
import pytest

from nncore.bench.grid import Case, task
from nncore.bench.sides import data, worker
from nncore.bench.sides.worker import Worker


def test_best_of_runs_at_least_twice() -> None:
    times = iter([3.0, 2.0])
    assert worker.best_of(lambda: next(times), 0.0) == 2.0


def test_best_of_goes_on_for_its_time() -> None:
    n_runs = 0

    def run() -> float:
        nonlocal n_runs
        n_runs += 1
        return 1.0 / n_runs

    best = worker.best_of(run, 0.01)
    assert best == 1.0 / n_runs
    assert n_runs > 2


def test_calls_are_timed_in_loops_of_the_argument() -> None:
    arguments: list[int] = []
    run = worker.call_timer(arguments.append, 7)
    before = len(arguments)
    assert 0 < run() < worker.LOOP_SECONDS
    assert len(arguments) - before > 10
    assert set(arguments) == {7}


class FakeSide:
    def __init__(self) -> None:
        self.prepared: list[int] = []

    def training(self, question: dict[str, int]) -> object:
        self.prepared.append(question["batch"])
        return lambda: 0.5

    def memory(self, question: dict[str, int]) -> int:
        return 123


def test_a_case_is_prepared_once_for_all_its_turns() -> None:
    side = FakeSide()
    answering = Worker(side)
    for batch in (1, 1, 2, 2, 1):
        assert answering.answer({"kind": "training", "batch": batch}, 0.0) == 0.5
    assert side.prepared == [1, 2, 1]
    assert answering.answer({"kind": "memory"}, 0.0) == 123


@pytest.mark.parametrize(("loss", "shape", "dtype"), [("mse", (5, 2), np.float32), ("softmax_cross_entropy", (5,), np.int64)])
def test_every_side_gets_the_same_data(loss: str, shape: tuple[int, ...], dtype: type) -> None:
    question = task("training", Case((3, 4, 2), 2, loss=loss), 5)
    (X, y), (again, _) = data.samples(question), data.samples(question)
    assert (X.shape, X.dtype, y.shape, y.dtype) == ((5, 3), np.float32, shape, dtype)
    assert np.array_equal(X, again)
    assert [(weight.shape, bias.shape) for weight, bias in data.parameters(question)] == [((3, 4), (4,)), ((4, 2), (2,))]
