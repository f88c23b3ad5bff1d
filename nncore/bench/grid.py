"""The grid of the benchmark: networks and batch sizes."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

from nncore.errors import ParameterError

#: Units of each layer, from the inputs to the outputs: from a toy to what fills a second-level cache many times.
NETS = (
    (4, 16, 16, 3),
    (16, 64, 64, 10),
    (54, 256, 256, 7),
    (784, 128, 10),
    (784, 512, 512, 10),
    (1024, 2048, 2048, 10),
)
TRAINING_BATCHES = (1, 8, 32, 128, 512, 2048)

PREDICTION_NETS = NETS[:5]
PREDICTION_BATCHES = (1, 32, 1024)

#: An epoch is made about so long, so that its beginning counts for nothing and the best of several can be taken.
EPOCH_SECONDS = 0.05
#: Largest size of the training data in bytes.
DATA_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Case:
    """A network and a batch size, on some threads.

    Parameters
    ----------
    widths : tuple of int
        Inputs, units of each hidden layer, outputs.
    batch : int
    threads : int, default 1
    activation : {"relu", "tanh"}, default "relu"
        Of the hidden layers.
    loss : {"softmax_cross_entropy", "mse"}, default "softmax_cross_entropy"
    """

    widths: tuple[int, ...]
    batch: int
    threads: int = 1
    activation: str = "relu"
    loss: str = "softmax_cross_entropy"

    @property
    def net(self) -> str:
        """``"784-128-10"``"""
        return "-".join(map(str, self.widths))

    @property
    def label(self) -> str:
        """Name in a sentence."""
        return f"{self.net} at {self.batch}, {self.threads} thread{'' if self.threads == 1 else 's'}"

    @property
    def n_weights(self) -> int:
        """Parameters without the biases."""
        return sum(math.prod(pair) for pair in itertools.pairwise(self.widths))

    @property
    def forward_flops(self) -> int:
        """Floating-point operations of the products of one forward pass."""
        return 2 * self.batch * self.n_weights

    @property
    def step_flops(self) -> int:
        """Multiply-adds of a training step: outputs, gradients of weights, and gradients of the inputs of all layers except the first."""
        return 2 * self.batch * (3 * self.n_weights - self.widths[0] * self.widths[1])


#: SimpleChains.jl's published example: one step is a pass over all of its 10,000 samples.
SIMPLECHAINS = Case((4, 32, 16, 4), 10_000, activation="tanh", loss="mse")


def n_steps(case: Case, limit: float) -> int:
    """Steps of an epoch of about `EPOCH_SECONDS`, at least 2, for a case whose step takes at least `limit` seconds."""
    wanted = EPOCH_SECONDS / max(1.5 * limit, 1e-6)
    fitting = DATA_BYTES / (4 * case.widths[0] * case.batch)
    return max(2, round(min(wanted, fitting)))


def task(kind: str, case: Case, n_rows: int) -> dict[str, Any]:
    """The task of a case for a side; `kind` is the name of the side's method."""
    return {
        "kind": kind,
        "widths": list(case.widths),
        "batch": case.batch,
        "rows": n_rows,
        "activation": case.activation,
        "loss": case.loss,
    }


def parse_nets(text: str) -> tuple[tuple[int, ...], ...]:
    """``"784-128-10,4-16-16-3"``: widths of each network.

    Raises
    ------
    ParameterError
        If a network has fewer than two widths, or a width is not a whole number of at least 1.
    """
    nets = tuple(parse_numbers(net, "-") for net in text.split(","))
    if any(len(net) < 2 for net in nets):
        raise ParameterError(f"{text!r}: a network is inputs-units-...-outputs, like 784-128-10")
    return nets


def parse_numbers(text: str, separator: str = ",") -> tuple[int, ...]:
    """``"1,32"``: whole numbers of at least 1; `ParameterError` if one is not."""
    parts = [part.strip() for part in text.split(separator)]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ParameterError(f"{text!r}: expected whole numbers of at least 1, separated by {separator!r}")
    return tuple(map(int, parts))
