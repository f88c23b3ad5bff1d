"""Exponential moving average of the parameters."""

from __future__ import annotations

from typing import Any

from nncore.plugin import Callback


class EMA(Callback):
    """Take as the network's parameters their moving average over steps, m ← m + (1 − decay)·(w − m), which varies less than they do.

    Validation, other callbacks at the end of epochs, and everything after the fit see the averages m; steps go on from the parameters w
    themselves, also in a later fit with an average. As long as the plain mean of all steps so far would give the newest parameters more
    weight than 1 − decay, it is taken instead, so that first values are soon forgotten.

    Parameters
    ----------
    decay : float, default 0.999
        In (0, 1): about 1 / (1 − decay) steps are remembered.

    Notes
    -----
    Running statistics of batch normalisation are not averaged: they are moving averages already.

    References
    ----------
    Polyak & Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control and Optimization 30(4), 1992.
    """

    ranges = {"decay": "(0, 1)"}
    averages = True

    def __init__(self, decay: float = 0.999) -> None:
        self.decay = decay

    def on_fit_begin(self, training: Any) -> None:
        training.average_parameters(over="steps", decay=self.decay)
