"""Step decay of the learning rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncore.arguments import as_number, numbers, shown
from nncore.errors import ParameterError
from nncore.plugin import Schedule


class StepDecay(Schedule):
    """Step decay: multiply the learning rate by `multiplier` at milestones or at regular intervals.

    Parameters
    ----------
    multiplier : float, default 0.1
        Factor of each drop.
    milestones : sequence of float, optional
        When to drop: ascending fractions of the fit between 0 and 1. ``(0.5, 0.75)`` if `every` is not given either.
    every : float, optional
        Fraction of the fit between two drops, more than 0 and at most 1; instead of `milestones`.

    Notes
    -----
    Times are fractions of the fit, so that one schedule suits long and short fits. A drop happens at the step nearest to its time. In a fit
    of 90 epochs, PyTorch's ``MultiStepLR(optimizer, milestones=[30, 80])``, stepped once an epoch, is ``StepDecay(milestones=(30 / 90, 80 /
    90))``, and its ``StepLR(optimizer, step_size=30)`` is ``StepDecay(every=30 / 90)``; their `gamma` is `multiplier`.
    """

    ranges = {"multiplier": "(0, 1]"}

    def __init__(self, multiplier: float = 0.1, milestones: Sequence[float] | None = None, every: float | None = None) -> None:
        self.multiplier = multiplier
        self.milestones = (0.5, 0.75) if milestones is None and every is None else milestones
        self.every = every

    def validate(self) -> None:
        super().validate()
        if self.every is not None and self.milestones is not None:
            raise ParameterError("StepDecay takes milestones or every, not both: leave one of them out")
        if self.every is not None:
            if (every := as_number(self.every)) is None or not 0 < every <= 1:
                wanted = "a number in (0, 1], the fraction of the fit between drops"
                raise ParameterError(f"StepDecay: every must be {wanted}, got {shown(self.every)}")
            self.every = every
        if self.milestones is not None:
            times = numbers(self.milestones)
            if times is None or times != sorted(times) or not all(0 <= time <= 1 for time in times):
                raise ParameterError(
                    f"StepDecay: milestones must be ascending fractions of the fit from 0 to 1, got {shown(self.milestones)}"
                )
            self.milestones = tuple(times)  # a list from a file is the same schedule

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        # Half a step later is past all times that round to this step.
        if self.every is not None:
            n_drops = np.floor((step + 0.5) / (self.every * n_steps))
        else:
            n_drops = np.searchsorted(np.multiply(self.milestones or (), n_steps), step + 0.5, side="right")
        return np.power(self.multiplier, n_drops, dtype=np.float64)
