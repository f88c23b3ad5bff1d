"""Run each library in its own process, pinned to one core for each thread."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import nncore
from nncore.bench.peers import Peer
from nncore.errors import NNCoreError

#: Environment variables that set the threads of the underlying libraries.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NNCORE_NUM_THREADS")


class PeerError(NNCoreError, RuntimeError):
    """A peer is not installed, cannot do a case, or died."""


class Worker:
    """A running `nncore.bench.sides.worker`; a context manager that ends it.

    Parameters
    ----------
    peer : Peer
    python : str
        The interpreter that has the library.
    cores : sequence of int
        Numbers of the cores to use, one a thread.

    Raises
    ------
    PeerError
        If the library is not installed there.
    """

    def __init__(self, peer: Peer, python: str, cores: Sequence[int]) -> None:
        self.peer = peer
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        script = str(Path(__file__).parent / "sides" / "worker.py")
        try:
            self._process = subprocess.Popen(
                [python, script, peer.side, peer.flavour, str(len(cores)), ",".join(map(str, cores))],
                env=environment(with_nncore=peer.side == "nncore") | dict.fromkeys(_THREAD_VARIABLES, str(len(cores))),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                encoding="utf-8",
            )
        except OSError:
            self._errors.close()
            raise
        try:
            self.versions: dict[str, str] = self._answer()["versions"]
        except BaseException:
            self.close()
            raise

    def measure(self, task: dict[str, Any], seconds: float = 0.0) -> float:
        """Result of a task, usually the best time in seconds; `seconds` is the duration of the measurement.

        Raises
        ------
        PeerError
            If the task failed. The worker can run other tasks unless it died.
        """
        assert self._process.stdin is not None
        self._signal("SIGCONT")
        try:
            print(json.dumps({"task": task, "seconds": seconds}), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            raise self._died() from None
        value = float(self._answer()["value"])
        self._signal("SIGSTOP")  # threads of some libraries keep spinning for a while, on the cores of the next library
        return value

    def _signal(self, name: str) -> None:
        if hasattr(signal, name):
            self._process.send_signal(getattr(signal, name))

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._died()
        answer: dict[str, Any] = json.loads(line)
        if "missing" in answer:
            remedy = f": pip install {self.peer.install}, or --peers-python" if self.peer.install else ""
            raise PeerError(f"{self.peer.name} cannot be imported ({answer['missing']}){remedy}")
        if "error" in answer:
            raise PeerError(f"{self.peer.name}: {answer['error']}")
        return answer

    def _died(self) -> PeerError:
        code = self._process.wait()
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
        return PeerError(f"{self.peer.name}: its process ended with code {code}" + "".join(f" ({line})" for line in last))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def start_all(peers: Sequence[Peer], peers_python: str, cores: Sequence[int]) -> tuple[dict[str, Worker], list[str]]:
    """Workers by the peer's name, and for each that could not be started a sentence that says why; nncore's own comes first in `peers`."""
    workers: dict[str, Worker] = {}
    problems: list[str] = []
    for peer in peers:
        python = sys.executable if peer.side == "nncore" else peers_python
        try:
            workers[peer.name] = Worker(peer, python, cores)
        except PeerError as error:
            problems.append(str(error))
    return workers, problems


def environment(with_nncore: bool = True) -> dict[str, str]:
    """This process's environment, in which a new process of its interpreter also finds the nncore that runs here, installed or not."""
    if not with_nncore:
        return dict(os.environ)
    folders = [str(Path(nncore.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
