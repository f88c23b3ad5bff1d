"""Instructions of a training step.

``PYTHONPATH=tests python -m bench.instructions`` compares them with ``instructions.json``; with ``--record`` it writes that file. It takes
a minute. Drawing the order of the samples is counted, too.
"""

from __future__ import annotations

import functools
import sys

import numpy as np
from bench.counting import Guard, Run

import nncore.network.training
from nncore.bench.grid import Case
from nncore.layers.dense import Dense
from nncore.network import Sequential

#: Small ones: valgrind emulates each fused multiply-add, slowly.
CASES = (Case((4, 16, 16, 3), 1), Case((4, 16, 16, 3), 32), Case((16, 64, 64, 10), 8), Case((784, 128, 10), 1))


def steps(case: Case) -> Run:
    """Steps of `fit`, in one epoch."""
    nncore.network.training.SLICE_SECONDS = 1e9  # a step is slow under valgrind: control would return to Python after a few
    rng, widths = np.random.default_rng(0), case.widths
    X, y = rng.standard_normal((GUARD.more * case.batch, widths[0]), np.float32), rng.integers(widths[-1], size=GUARD.more * case.batch)
    network = Sequential(*(Dense(width, activation="relu") for width in widths[1:-1]), Dense(widths[-1]))

    def run(n: int) -> None:
        data = X[: n * case.batch], y[: n * case.batch]
        settings = {"loss": "softmax_cross_entropy", "optimizer": "adam", "batch_size": case.batch, "rng": 0}
        network.fit(*data, epochs=1, n_threads=1, progress=False, **settings)

    return run


# Two runs of one build have equal counts; other versions of Python, NumPy and the C library differ by a few instructions.
GUARD = Guard(
    "bench.instructions",
    {case.label: functools.partial(steps, case) for case in CASES},
    fewer=100,
    more=600,
    tolerance=0.01,
    of_python=False,
)

if __name__ == "__main__":
    sys.exit(GUARD.main())
