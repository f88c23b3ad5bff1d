"""Steps of one process of many, measured."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import nncore as nn
from nncore.plugin import Collective
from scaling.collectives import Pretended
from scaling.links import KINDS, Link, seconds_of
from scaling.shapes import Shape

#: Steps of an epoch, and about how long the longer of two fits takes.
STEPS, SECONDS = 8, 0.3

#: Of one core, to know beforehand how many epochs take that long.
FLOPS = 5e9

#: The least of so many counts.
REPEATS = 3


@dataclass(frozen=True)
class Step:
    """A step of one process of `size`.

    Attributes
    ----------
    shape : str
    batch, size, shards : int
        `shards` is 1 in the exact mode.
    seconds : float
        Without messages.
    calls, sent : dict of str to float
        Messages of each kind, and their bytes.
    """

    shape: str
    batch: int
    size: int
    shards: int
    seconds: float
    calls: dict[str, float]
    sent: dict[str, float]

    def with_messages(self, link: Link) -> float:
        """Seconds."""
        return self.seconds + sum(seconds_of(kind, self.calls[kind], self.sent[kind], self.size, link) for kind in KINDS)


@functools.lru_cache(maxsize=1)
def samples(shape: Shape, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of an epoch."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(batch * STEPS, shape.inputs)).astype(np.float32)
    return X, rng.normal(size=(len(X), shape.outputs)).astype(np.float32)


def fit(shape: Shape, batch: int, n_epochs: int, collective: Collective | None, shards: int) -> None:
    """So many epochs of `STEPS` steps."""
    X, y = samples(shape, batch)
    optimizer = nn.Adam(lr=1e-9)  # numbers that are made up must not lead anywhere
    arguments = {"loss": "mse", "batch_size": batch, "shards": shards, "n_threads": 1, "rng": 0, "progress": False}
    shape.network().fit(X, y, optimizer=optimizer, epochs=n_epochs, collective=collective, **arguments)


def epochs_for(shape: Shape, batch: int, size: int) -> tuple[int, int]:
    """Of two fits, of which one takes so many steps more that they can be timed."""
    seconds = 6 * shape.n_parameters * batch / size / FLOPS * STEPS
    return 1, 1 + max(2, min(200, round(SECONDS / seconds)))


def difference(shape: Shape, batch: int, size: int, shards: int, made: Callable[[], Collective | None], clock: Callable[[], float]) -> Step:
    """A step: what a longer fit takes more than a shorter one, the least of several."""
    few, many = epochs_for(shape, batch, size)
    times, counted = {few: math.inf, many: math.inf}, {}
    for n_epochs in (few, many) * REPEATS:
        collective = made()
        began = clock()
        fit(shape, batch, n_epochs, collective, shards)
        times[n_epochs] = min(times[n_epochs], clock() - began - getattr(collective, "seconds", 0.0))
        counted[n_epochs] = collective
    n_steps = (many - few) * STEPS
    calls, sent = (
        {kind: (getattr(counted[many], name)[kind] - getattr(counted[few], name)[kind]) / n_steps if collective else 0.0 for kind in KINDS}
        for name in ("calls", "sent")
    )
    return Step(str(shape), batch, size, shards, (times[many] - times[few]) / n_steps, calls, sent)


def pretended(shape: Shape, batch: int, size: int, shards: int = 1) -> Step:
    """Of the first of `size` processes that are not there, in seconds of the processor."""
    return difference(shape, batch, size, shards, lambda: Pretended(size) if size > 1 else None, time.process_time)
