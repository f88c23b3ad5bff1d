"""Compare fits with recorded runs of other libraries step by step: the same batches, and the loss of every step."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.data.visits import NEXT_SEED
from nncore.plugin import Callback, SampleInfo, Sampler


class RecordedOrder(Sampler):
    """The order of samples in each epoch of a recorded run, or one for each member of an ensemble.

    Parameters
    ----------
    orders : list of list
        By epoch, and by member if each has an order of its own.
    seed : int, default 0
        Of the network, which is that of the first member.
    """

    def __init__(self, orders: Any, seed: int = 0) -> None:
        self.orders = orders
        self.seed = seed

    def length(self, samples: SampleInfo) -> int:
        return np.shape(self.orders)[-1]

    def order(self, samples: SampleInfo, seed: int, epoch: int) -> np.ndarray:
        order = np.asarray(self.orders[epoch], np.int64)
        if order.ndim == 1:
            return order
        return order[[(self.seed + member * NEXT_SEED) % 2**64 for member in range(len(order))].index(seed)]


class StepLosses(Callback):
    """The loss of every step, from the means that a fit keeps of its epoch."""

    pause_every = 1

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes  # samples of each batch of an epoch
        self.found: list[float] = []
        self._total = 0.0

    def on_progress(self, training: Any) -> None:
        number = len(self.found) % len(self.sizes)
        before, self._total = self._total if number else 0.0, sum(self.sizes[: number + 1]) * training.loss
        self.found.append((self._total - before) / self.sizes[number])
