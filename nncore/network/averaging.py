"""Averages of parameters during training: the trained parameters, and their mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nncore.contract import Optimizer
from nncore.errors import ParameterError
from nncore.network.network import Network
from nncore.network.parameter_sets import check_finite


def check_averages(n_averages: int, optimizers: Sequence[Optimizer]) -> None:
    """Raise `ParameterError` if a fit would need more than one other set of parameters."""
    if n_averages > 1:
        raise ParameterError("callbacks has two averages of the parameters: keep one of EMA and SWA")
    own = next((optimizer for optimizer in optimizers if optimizer.has_evaluation), None)
    if n_averages and own is not None:
        raise ParameterError(
            f"{own!r} predicts with parameters of its own, which EMA and SWA would replace: leave out the callback, or choose another "
            "optimizer"
        )


@dataclass(frozen=True)
class Average:
    """The mean of a network's parameters over steps (decay < 1: exponential) or epochs.

    During steps, ``network.parameters`` are those that are trained. Between epochs (validation, callbacks, after the fit) they are the
    mean, and ``network.trajectory`` has the trained ones, with which a later fit with an average continues.

    Attributes
    ----------
    network : Network
    over : {"steps", "epochs"}
    decay : float
        For steps: weight of the mean so far. The plain mean of all steps is used as long as it gives the newest step more weight.
    begin : int
        For epochs: number of epochs to leave out, over all fits of the network.
    """

    network: Network
    over: str = "steps"
    decay: float = 0.0
    begin: int = 0

    def start(self) -> None:
        """Before the first epoch of a fit."""
        network = self.network
        if self.over == "steps" and network.trajectory is None:
            network.begin_average(network.n_steps)
        network.keep_rest(self.over == "steps")

    def end_epoch(self) -> Callable[[], None] | None:
        """After the steps of an epoch, before ``network.n_epochs`` counts it. Returns a function that undoes it, or None."""
        network, n_before = self.network, self.network.n_epochs
        if self.over == "steps" or n_before < self.begin:
            return None
        if network.trajectory is None:
            network.begin_average(n_before)
            return network.end_average
        before = network.parameters.copy()
        with np.errstate(over="ignore", invalid="ignore"):  # checked afterwards
            mean = before + (network.trajectory - before) / (n_before + 1 - network.average_begin)
        check_finite(mean, before, "the mean of the parameters over epochs", network.n_steps)
        network.parameters[...] = mean
        return lambda: np.copyto(network.parameters, before)
