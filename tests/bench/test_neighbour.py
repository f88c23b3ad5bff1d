from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from nncore.bench import machine
from nncore.bench.neighbour import Neighbour
from nncore.bench.workers import environment

CORE = machine.usable_cores()[-1]


def test_it_works_on_its_core_until_it_is_ended() -> None:
    with Neighbour(CORE) as neighbour:
        assert neighbour.process.poll() is None
        if hasattr(os, "sched_getaffinity"):
            assert os.sched_getaffinity(neighbour.process.pid) == {CORE}
    assert neighbour.process.poll() is not None


def test_an_interruption_ends_it() -> None:
    neighbours = []

    def interrupted() -> None:
        with Neighbour(CORE) as neighbour:
            neighbours.append(neighbour)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert neighbours[0].process.poll() is not None


@pytest.mark.skipif(sys.platform == "win32", reason="a process is killed by its signal")
def test_it_ends_with_a_process_that_was_killed() -> None:
    program = "\n".join(
        [
            "import os, signal",
            "from nncore.bench.neighbour import Neighbour",
            f"neighbour = Neighbour({CORE})",
            "print(neighbour.process.pid, flush=True)",
            "os.kill(os.getpid(), signal.SIGKILL)",
        ]
    )
    done = subprocess.run([sys.executable, "-c", program], env=environment(), stdout=subprocess.PIPE, encoding="utf-8")
    pid = int(done.stdout)
    for _ in range(600):
        if not is_running(pid):
            return
        time.sleep(0.05)
    pytest.fail("the process still runs")


def is_running(pid: int) -> bool:
    """Whether a process runs and is not a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], stdout=subprocess.PIPE, encoding="utf-8").stdout.strip()
    return not state.startswith("Z") and state != ""
