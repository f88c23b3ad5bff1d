"""The processes: nncore's own, scikit-learn's (in this interpreter) and those of other libraries where NNCORE_PEERS_PYTHON has them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from nncore.bench import machine
from nncore.bench.grid import Case, task
from nncore.bench.peers import NNCORE, PEERS, Peer
from nncore.bench.sections import CALLS_GOALS
from nncore.bench.workers import PeerError, Worker, start_all

CASE = Case((4, 8, 3), 2)
CORES = machine.usable_cores()[:1]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(NNCORE, sys.executable, CORES) as worker:
        yield worker


def test_seconds_of_a_step_and_of_a_call(worker: Worker) -> None:
    assert 0 < worker.measure(task("training", CASE, 64), 0.01) < 0.1
    assert 0 < worker.measure(task("prediction", CASE, 1), 0.01) < 0.1
    assert 0 < worker.measure(task("prediction", CASE, 32), 0.01) < 0.1


def test_other_losses_and_one_batch(worker: Worker) -> None:
    assert worker.measure(task("training", Case((4, 8, 2), 64, activation="tanh", loss="mse"), 64), 0.01) > 0


@pytest.mark.parametrize("call", CALLS_GOALS)
def test_calls(worker: Worker, call: str) -> None:
    assert 0 < worker.measure(task("call", CASE, 2) | {"call": call, "clock": "cpu"}, 0.01) < 0.1


def test_products_and_the_peak(worker: Worker) -> None:
    for kind in ("product", "kernel"):
        product = worker.measure(task(kind, Case((64, 64), 64), 64), 0.01)
        assert 0 < 2 * 64**3 * worker.measure({"kind": "flop"}) < product < 0.1


def test_epochs(worker: Worker) -> None:
    asked = {"kind": "epoch", "widths": [4, 3], "rows": 20, "validation_rows": 10, "batch": 10}
    assert 0 < worker.measure(asked, 0.01) < 0.1


def test_many_networks(worker: Worker) -> None:
    asked = task("many", CASE, 8) | {"threads": 1}
    for n_networks in (1, 2):
        assert 0 < worker.measure(asked | {"networks": n_networks}, 0.01) < 10


def test_memory(worker: Worker) -> None:
    assert 0 <= worker.measure(task("memory", CASE, 5000)) < 10**9


def test_a_case_that_fails_does_not_end_the_worker(worker: Worker) -> None:
    with pytest.raises(PeerError, match=r"nncore: AttributeError: .*'no_such_task'"):
        worker.measure(task("no_such_task", CASE, 64))
    assert worker.measure(task("training", CASE, 64), 0.01) > 0


def test_a_dead_worker_is_reported() -> None:
    with Worker(NNCORE, sys.executable, CORES) as worker:
        worker._process.kill()
        worker._process.wait()
        with pytest.raises(PeerError, match="nncore: its process ended with code -"):
            worker.measure(task("training", CASE, 64))


def test_what_is_not_installed_is_left_out_with_a_remedy() -> None:
    workers, problems = start_all([NNCORE, Peer("absent", ("training",), "absent-ml")], sys.executable, CORES)
    try:
        assert list(workers) == ["nncore"]
    finally:
        workers["nncore"].close()
    assert problems == ["absent cannot be imported (No module named 'sides.absent_side'): pip install absent-ml, or --peers-python"]


@pytest.mark.parametrize(
    "peer", [pytest.param(peer, marks=[pytest.mark.slow] if name != "sklearn" else []) for name, peer in PEERS.items()], ids=list(PEERS)
)
def test_peers(peer: Peer) -> None:
    try:
        worker = Worker(peer, os.environ.get("NNCORE_PEERS_PYTHON", sys.executable), CORES)
    except PeerError as error:
        pytest.skip(str(error))
    with worker:
        for kind in peer.kinds:
            extra = {"call": "predict", "fit": "iris", "method": "predict", "container": "array"}
            assert worker.measure(task(kind, CASE, 64 if kind == "training" else 2) | extra, 0.01) > 0
        if "training" in peer.kinds:
            assert worker.measure(task("training", Case((4, 8, 2), 64, activation="tanh", loss="mse"), 64), 0.01) > 0
