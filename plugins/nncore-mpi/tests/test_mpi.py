"""MPI against nncore's conformance kit and in real processes: equal bits, and one killed process ends all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

import nncore as nn
from nncore.testing import CollectiveConformance

pytest.importorskip("mpi4py", reason="pip install mpi4py mpich")

PROGRAM = Path(__file__).with_name("program.py")
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")]))
#: Kills that are tried; ``NNCORE_KILLS=20`` tries more.
KILLS = int(os.environ.get("NNCORE_KILLS", "2"))
SECONDS = 120  # longer than any process takes

real_processes = pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec: pip install mpich")


class TestMPI(CollectiveConformance):
    name = "nncore-mpi/mpi"


def run(task: str, folder: Path, *, n: int = 4, **environment: str) -> subprocess.CompletedProcess[str]:
    assert MPIEXEC is not None
    return subprocess.run(
        [MPIEXEC, "-n", str(n), sys.executable, str(PROGRAM), task, str(folder)],
        env={**os.environ, "NNCORE_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


@real_processes
def test_the_kit_with_four_processes(tmp_path: Path) -> None:
    done = run("kit", tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "3"]


@real_processes
def test_four_processes_have_the_bits_of_one(tmp_path: Path) -> None:
    done = run("bits", tmp_path)
    assert done.returncode == 0, done.stderr
    sys.path.insert(0, str(PROGRAM.parent))
    try:
        from program import fitted
    finally:
        sys.path.remove(str(PROGRAM.parent))
    fitted(None).save(tmp_path / "alone.nncore")
    alone = (tmp_path / "alone.nncore").read_bytes()
    for rank in range(4):
        assert (tmp_path / f"{rank}.nncore").read_bytes() == alone


@real_processes
@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_process_ends_all_and_the_last_file_goes_on(number: int, tmp_path: Path) -> None:
    began = time.monotonic()
    done = run("killed", tmp_path, KILLED=f"{number % 4} {12 + 7 * number % 40}")
    assert done.returncode != 0
    assert time.monotonic() - began < SECONDS
    before = nn.load(tmp_path / "last.nncore").n_epochs
    assert before >= 1
    done = run("goes_on", tmp_path, n=2)
    assert done.returncode == 0, done.stderr
    assert nn.load(tmp_path / "end.nncore").n_epochs == 8


@real_processes
def test_an_error_of_one_process_ends_all(tmp_path: Path) -> None:
    done = run("raises", tmp_path)
    assert done.returncode != 0
    assert "process 2 has had enough" in done.stderr
