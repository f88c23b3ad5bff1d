"""A plain function as a schedule: ``schedule=function``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from nncore.arguments import as_number, shown
from nncore.errors import ParameterError, PluginError
from nncore.plugin import History, Schedule


class FunctionSchedule(Schedule):
    """Custom schedule from a function; ``schedule=function`` in `fit` makes one.

    Parameters
    ----------
    function : callable
        ``function(number) -> factor`` of the learning rate, a finite number of at least 0. `number` is that of the epoch or step, from 0.
        The same number must give the same factor.
    per : {"epoch", "step"}, default "epoch"
        What `number` counts. Epochs count from the start of the fit that was given the schedule. Steps count from the start of the
        schedule, which is after the warm-up with ``Warmup(then=...)``.

    Notes
    -----
    PyTorch's ``LambdaLR(optimizer, function)``, stepped once an epoch, is ``schedule=function``. Functions for Keras'
    ``LearningRateScheduler``, and schedules of optax, return the rate itself: divide it by the optimizer's ``lr``.

    A file cannot name a function. So set ``net.schedule = None`` after the fit before you save the network; `nncore.Checkpoint` cannot save
    it during the fit. A schedule class can be saved: register it (`nncore.register`), or make a plugin of it (``nncore new-plugin``).
    Pickles store the function by its name in its module.

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> net = nn.Sequential(nn.Dense(1))
    >>> history = net.fit(X, X, loss="mse", optimizer=nn.SGD(lr=0.1), schedule=lambda epoch: 0.5**epoch, epochs=3, rng=0, progress=False)
    >>> history["lr"]
    array([0.1  , 0.05 , 0.025])
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {"per": ("epoch", "step")}

    def __init__(self, function: Callable[[int], float], per: str = "epoch") -> None:
        self.function = function
        self.per = per
        self._epoch = 0

    def validate(self) -> None:
        super().validate()
        if not callable(self.function):
            raise ParameterError(
                f"FunctionSchedule: function must be a function of the number of an epoch or step, got {shown(self.function)}"
            )

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        if self.per == "epoch":
            return np.full(len(step), self._asked(self._epoch))
        return np.array([self._asked(number) for number in step.tolist()], np.float64)

    def _asked(self, number: int) -> float:
        returned = self.function(number)
        factor = as_number(returned)
        if factor is None or not math.isfinite(factor) or factor < 0:
            name = getattr(self.function, "__name__", repr(self.function))
            wanted = "a finite number that is not negative, the factor of the learning rate"
            raise PluginError(f"the schedule {name} must return {wanted}; for {self.per} {number} it returned {shown(returned)}")
        return factor

    @property
    def observes(self) -> bool:
        return self.per == "epoch"

    def observe(self, history: History) -> None:
        self._epoch += 1

    def state(self) -> dict[str, float]:
        return {"epoch": float(self._epoch)} if self.per == "epoch" else {}

    def restore(self, state: dict[str, float]) -> None:
        if state and (state.keys() != {"epoch"} or not 0 <= state["epoch"] < 2**53 or state["epoch"] % 1):
            raise ParameterError(f"FunctionSchedule: its state must be the number of epochs, got {shown(state)}")
        self._epoch = int(state.get("epoch", 0))
