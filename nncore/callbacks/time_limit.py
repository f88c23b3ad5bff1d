"""Stop a fit after a number of seconds."""

from __future__ import annotations

import sys
from time import monotonic
from typing import Any

from nncore.plugin import Callback


class TimeLimit(Callback):
    """Stop the fit after a number of seconds, between two steps.

    Parameters
    ----------
    seconds : float
        Time from the start of the fit, including validation and callbacks. The fit checks the clock about every 50 ms. It ends late by at
        most that and the running step, validation or callback.

    Notes
    -----
    An interrupted epoch has no row in the history. A later fit with the same data, batch size and sampler resumes within that epoch, and
    has the same number of seconds again.
    """

    ranges = {"seconds": "(0, inf)"}
    examples = ({"seconds": 60.0},)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = float("inf")

    def on_fit_begin(self, training: Any) -> None:
        self._end = monotonic() + self.seconds

    def on_progress(self, training: Any) -> None:
        if monotonic() >= self._end:
            training.stop(f"the time limit of {self.seconds:g} s was reached", cut_short=True)

    def epochs_ahead(self, training: Any) -> int:
        return sys.maxsize

    def on_epoch_end(self, training: Any) -> None:
        self.on_progress(training)
