"""Linear warm-up before another schedule."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.plugin import History, Schedule, resolve


class Warmup(Schedule):
    """Linear warm-up from almost 0, followed by another schedule for the rest of the fit.

    Parameters
    ----------
    then : str, Schedule or dict, default "cosine"
        The schedule after the warm-up: a name, or an instance such as ``nn.Cosine(cycles=3)``. Schedules that start with a small factor
        (``one_cycle``, ``coslog4``) need no warm-up.
    fraction : float, default 0.05
        Fraction of the fit for the warm-up.

    References
    ----------
    Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017, section 2.2.
    """

    ranges = {"fraction": "[0, 1)"}

    def __init__(self, then: str | Schedule | type[Schedule] | dict[str, Any] = "cosine", fraction: float = 0.05) -> None:
        self.then: Schedule = resolve("schedules", then, "Warmup: then")
        self.monitor = self.then.monitor
        self.fraction = fraction

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        n_warm = min(round(self.fraction * n_steps), n_steps - 1)
        first = self.then.factor(np.zeros(1, np.int64), n_steps - n_warm)  # (1,)
        rest = self.then.factor(np.maximum(step - n_warm, 0), n_steps - n_warm)
        return np.where(step < n_warm, first * (step + 1) / (n_warm + 1), rest)

    @property
    def observes(self) -> bool:
        return self.then.observes

    def observe(self, history: History) -> None:
        self.then.observe(history)

    def state(self) -> dict[str, float]:
        return self.then.state()

    def restore(self, state: dict[str, float]) -> None:
        self.then.restore(state)
