"""nncore, through its public interface."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nncore import __version__
from nncore.layers.dense import Dense
from nncore.network import Sequential

from . import data

_STATUS, _REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Side:
    def __init__(self, n_threads: int, flavour: str) -> None:
        del flavour
        self.n_threads = n_threads
        self.versions = {"nncore": __version__}

    def training(self, task: dict[str, Any]) -> Callable[[], float]:
        X, y = data.samples(task)
        network, n_steps = _network(task), -(-len(X) // task["batch"])
        arguments = {"batch_size": task["batch"], "shuffle": n_steps > 1, "n_threads": self.n_threads, "progress": False}
        network.build(X.shape[1], loss=task["loss"], optimizer="adam", rng=0)
        return lambda: float(network.fit(X, y, epochs=1, **arguments).whole()["seconds"][0]) / n_steps

    def prediction(self, task: dict[str, Any]) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        X, _ = data.samples(task)
        network = _network(task).build(X.shape[1], loss=task["loss"], rng=0)
        return (network.predict_one, X[0]) if len(X) == 1 else (network.predict, X)

    def memory(self, task: dict[str, Any]) -> int:
        """Bytes that one epoch over the task's data adds to what the process holds with the data alone, at its peak."""
        X, y = data.samples(task)
        network = _network(task)
        network.fit(X[:4096], y[:4096], loss=task["loss"], batch_size=task["batch"], epochs=1, progress=False).whole()
        before = _resident_bytes()
        network.fit(X, y, batch_size=task["batch"], epochs=1, n_threads=self.n_threads, progress=False).whole()
        return max(0, _peak_bytes() - before)


def _network(task: dict[str, Any]) -> Sequential:
    *hidden, n_outputs = task["widths"][1:]
    return Sequential(*(Dense(width, activation=task["activation"]) for width in hidden), Dense(n_outputs))


def _resident_bytes() -> int:
    """What the process holds now; its peak begins anew from here where the system can do that."""
    if not _STATUS.exists():
        return _peak_bytes()
    _REFERENCES.write_text("5", encoding="ascii")
    return _status("VmRSS")


def _peak_bytes() -> int:
    if _STATUS.exists():
        return _status("VmHWM")
    import resource  # Windows has none

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _status(field: str) -> int:
    lines = dict(line.split(":", 1) for line in _STATUS.read_text(encoding="utf-8").splitlines())
    return int(lines[field].split()[0]) * 1024
