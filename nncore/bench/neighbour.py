"""A busy neighbour: a process that keeps one core and the memory at work, as another program on the same machine does."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType

from nncore.bench.workers import PeerError, environment

#: Copies more than the caches hold and multiplies, in turns. It ends as soon as the process that started it has ended in whatever way: then
#: its standard input is at its end.
_PROGRAM = """
import os, signal, sys, threading
import numpy as np

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal reaches every process; who started this one ends it
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {int(sys.argv[1])})
source, target, factor = np.ones(2**24), np.empty(2**24), np.ones((512, 512), np.float32)
print("ready", flush=True)
while True:
    np.copyto(target, source)
    factor @ factor
"""
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Neighbour:
    """A running neighbour; a context manager that ends it.

    Parameters
    ----------
    core : int
        Number of the core to which it is pinned, where the system can do that.
    """

    def __init__(self, core: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(core)],
            env=environment(with_nncore=False) | _ONE_THREAD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            assert self.process.stdout is not None
            if not self.process.stdout.readline():
                raise PeerError(f"the busy neighbour ended with code {self.process.wait()}")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()

    def __enter__(self) -> Neighbour:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
