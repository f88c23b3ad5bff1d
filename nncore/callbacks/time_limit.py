"""Stop a fit when its time is over."""

from __future__ import annotations

import sys
from time import monotonic
from typing import Any

from nncore.plugin import Callback


class TimeLimit(Callback):
    """End the fit after so many seconds, between two steps.

    Parameters
    ----------
    seconds : float
        Counted from the beginning of the fit, validation and callbacks included. The fit looks at the clock about every 50 ms, so that
        it ends later by at most that and the one step, validation or callback under way.

    Notes
    -----
    An epoch that is cut short has no row in the history. A fit that goes on later, in the same way (data, batch size, sampler), goes on in
    the middle of that epoch. It gets as many seconds again.
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
