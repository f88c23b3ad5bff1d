"""Stochastic weight averaging."""

from __future__ import annotations

from typing import Any

from nncore.plugin import Callback


class SWA(Callback):
    """Stochastic weight averaging: predict with the mean of the parameters at the ends of epochs.

    Validation, other callbacks at the end of epochs, and everything after the fit use the mean. Steps continue from the parameters
    themselves, also in a later fit with an average. Use it with a learning rate that stays high or is restarted.

    Parameters
    ----------
    start : int, default 0
        Leave out this many epochs, counted over all fits of the network.

    Notes
    -----
    Running statistics of batch normalisation are those of the trained parameters, not of their mean.

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
