"""Exponential moving average of the parameters."""

from __future__ import annotations

from typing import Any

from nncore.plugin import Callback


class EMA(Callback):
    """Predict with an exponential moving average of the parameters over steps, m ← m + (1 − decay)·(w − m).

    The average varies less than the parameters, and often generalizes better. Validation, other callbacks at the end of epochs, and
    everything after the fit use the average m. Steps continue from the parameters w, also in a later fit with an average. At first, m is
    the plain mean of all steps, so that initial values are soon forgotten.

    Parameters
    ----------
    decay : float, default 0.999
        In (0, 1): the average covers about 1 / (1 − decay) steps.

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
