"""Parameters averaged while they are trained: two sets of them, where training stands and the mean of where it has been."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nncore.contract import Optimizer
from nncore.errors import ParameterError
from nncore.network.network import Network
from nncore.network.parameter_sets import check_finite


def check_averages(n_averages: int, optimizers: Sequence[Optimizer]) -> None:
    """Raise `ParameterError` if a fit is asked for more than one other set of parameters."""
    if n_averages > 1:
        raise ParameterError("this fit averages the parameters already: give it one of EMA and SWA")
    own = next((optimizer for optimizer in optimizers if optimizer.has_evaluation), None)
    if n_averages and own is not None:
        raise ParameterError(
            f"{own!r} predicts with parameters of its own, which EMA and SWA would replace: leave out the callback, or take another "
            "optimizer"
        )


@dataclass(frozen=True)
class Average:
    """The mean of a network's parameters over steps (decay < 1: exponential) or epochs.

    While a fit takes steps, ``network.parameters`` are those under way. Between epochs (validation, callbacks, after the fit) they are the
    mean, and ``network.trajectory`` keeps the others, so that a later fit with an average goes on as if it had never stopped.

    Attributes
    ----------
    network : Network
    over : {"steps", "epochs"}
    decay : float
        For steps: weight of the mean so far. As long as the plain mean of all steps gives the newest more weight, that counts.
    begin : int
        For epochs: how many, in the life of the network, are left out at first.
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
        """After the steps of an epoch, which ``network.n_epochs`` does not count yet. What undoes it, unless nothing is done."""
        network, n_before = self.network, self.network.n_epochs
        if self.over == "steps" or n_before < self.begin:
            return None
        if network.trajectory is None:
            network.begin_average(n_before)
            return network.end_average
        before = network.parameters.copy()
        with np.errstate(over="ignore", invalid="ignore"):  # it is looked at
            mean = before + (network.trajectory - before) / (n_before + 1 - network.average_begin)
        check_finite(mean, before, "the mean of the parameters over epochs", network.n_steps)
        network.parameters[...] = mean
        return lambda: np.copyto(network.parameters, before)
