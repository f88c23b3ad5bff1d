"""Stochastic weight averaging."""

from __future__ import annotations

from typing import Any

from nncore.plugin import Callback


class SWA(Callback):
    """Take as the network's parameters their plain mean over the ends of epochs, from some epoch on.

    Validation, other callbacks at the end of epochs, and everything after the fit see the mean; steps go on from the parameters
    themselves, also in a later fit with an average. Goes well with a learning rate that stays high or is restarted.

    Parameters
    ----------
    start : int, default 0
        Epochs, in the life of the network, that are left out at first.

    Notes
    -----
    Running statistics of batch normalisation stay those of the parameters under way.

    References
    ----------
    Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018.
    """

    ranges = {"start": "[0, inf)"}
    whole = ("start",)
    averages = True

    def __init__(self, start: int = 0) -> None:
        self.start = start

    def on_fit_begin(self, training: Any) -> None:
        training.average_parameters(over="epochs", begin=self.start)
