"""Program that the processes of the tests run: ``python program.py TASK FOLDER``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np

import nncore as nn
from nncore.plugin import Callback
from nncore.testing import CollectiveConformance


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 12)).astype(np.float32)
    return X, (X[:, 0] > 0) + (X[:, 1] > 0.3).astype(np.int64)


def fitted(collective: str | None, network: nn.Sequential | None = None, epochs: int = 4, **more: Any) -> nn.Sequential:
    network = network or nn.Sequential(nn.Dense(40, activation="relu"), nn.BatchNorm(), nn.Dropout(0.2), nn.Dense(3))
    X, y = data()
    settings = {"loss": "softmax_cross_entropy", "batch_size": 32, "rng": 0, "progress": False, "validation": (X[:90], y[:90])}
    network.fit(X, y, epochs=epochs, collective=collective, **settings | more)
    return network


def bits(folder: Path) -> None:
    network, rank = fitted("mpi"), nn.get("collectives", "mpi")().rank
    network.save(folder / f"{rank}.nncore")


class Killed(Callback):
    """One process is killed at a step."""

    pause_every = 1

    def on_progress(self, training: Any) -> None:
        rank, step = (int(text) for text in os.environ["KILLED"].split())
        if training.network.n_steps == step and nn.get("collectives", "mpi")().rank == rank:
            os.kill(os.getpid(), signal.SIGKILL)


def killed(folder: Path) -> None:
    fitted("mpi", epochs=50, callbacks=[Killed(), nn.Checkpoint(folder / "last.nncore")])


def goes_on(folder: Path) -> None:
    network = nn.load(folder / "last.nncore")
    fitted("mpi", network, epochs=8 - network.n_epochs, rng=None, callbacks=[nn.Checkpoint(folder / "end.nncore")])


class Raising(Callback):
    def on_epoch_end(self, training: Any) -> None:
        if nn.get("collectives", "mpi")().rank == 2:
            raise ValueError("process 2 has had enough")


def raises(folder: Path) -> None:
    fitted("mpi", callbacks=[Raising()])


def kit(folder: Path) -> None:
    class TestMPI(CollectiveConformance):
        name = "nncore-mpi/mpi"

    checks = TestMPI()
    for name in dir(checks):
        if name in ("test_ranks", "test_shares_are_gathered", "test_broadcasts", "test_exchanges"):
            getattr(checks, name)()
    (folder / str(nn.get("collectives", "mpi")().rank)).write_text("ok", encoding="utf-8")


if __name__ == "__main__":
    {"bits": bits, "killed": killed, "goes_on": goes_on, "raises": raises, "kit": kit}[sys.argv[1]](Path(sys.argv[2]))
