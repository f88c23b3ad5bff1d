"""Reduce the learning rate on a plateau."""

from __future__ import annotations

import math

import numpy as np

from nncore.arguments import text
from nncore.errors import ParameterError
from nncore.plugin import History, Monitor, Schedule


class Plateau(Schedule):
    """Reduce the learning rate on a plateau: multiply it by `multiplier` when `monitor` has not improved for `patience` epochs.

    Parameters
    ----------
    monitor : str, default "val_loss"
        A column of the history. A fit without validation data has no ``"val_loss"``: monitor ``"loss"`` there.
    multiplier : float, default 0.1
        Factor of each drop.
    patience : int, default 10
        Drop the rate after this many epochs without improvement; at least 1. As in Keras and in `nncore.EarlyStopping`; PyTorch's
        `patience` waits for one more epoch.
    min_delta : float, default 0.0
        Smallest change of `monitor` that counts as an improvement.
    min_factor : float, default 0.0
        Lowest factor.
    mode : {"auto", "min", "max"}, default "auto"
        Whether smaller or larger values are better. ``"auto"`` minimises losses, and asks the metric or its name; if neither says, the fit
        raises an error before it begins.
    cooldown : int, default 0
        Number of epochs after each drop that `patience` does not count, so that the new rate has time to take effect. As in PyTorch; Keras
        counts the last of them.
    """

    ranges = {"multiplier": "(0, 1)", "patience": "[1, inf)", "min_delta": "[0, inf)", "min_factor": "[0, 1]", "cooldown": "[0, inf)"}
    whole = ("patience", "cooldown")
    choices = {"mode": ("auto", "min", "max")}

    def __init__(
        self,
        monitor: str = "val_loss",
        multiplier: float = 0.1,
        patience: int = 10,
        min_delta: float = 0.0,
        min_factor: float = 0.0,
        mode: str = "auto",
        cooldown: int = 0,
    ) -> None:
        self.monitor: str = text("Plateau: monitor", monitor)
        self.multiplier = multiplier
        self.patience = patience
        self.min_delta = min_delta
        self.min_factor = min_factor
        self.mode: str = mode
        self.cooldown = cooldown
        self._forget()

    def _forget(self) -> None:
        self._factor, self._n_waited, self._n_cooling = 1.0, 0, 0
        self._monitor = Monitor("Plateau", self.monitor, self.mode, self.min_delta)

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        return np.full(len(step), self._factor)

    def observe(self, history: History) -> None:
        self._n_waited = 0 if self._monitor.improved(history) or self._n_cooling else self._n_waited + 1
        self._n_cooling = max(self._n_cooling - 1, 0)
        if self._n_waited == self.patience:
            self._factor = max(self._factor * self.multiplier, self.min_factor)
            self._n_waited, self._n_cooling = 0, self.cooldown

    def state(self) -> dict[str, float]:
        state = {"factor": self._factor, "n_waited": float(self._n_waited)}
        if self._n_cooling:
            state["n_cooling"] = float(self._n_cooling)
        return state if math.isnan(self._monitor.best) else state | {"best": self._monitor.best}

    def restore(self, state: dict[str, float]) -> None:
        if not state:
            self._forget()
            return
        if not {"factor", "n_waited"} <= state.keys() <= {"factor", "n_waited", "n_cooling", "best"}:
            raise ParameterError(f"Plateau: its state is factor, n_waited, n_cooling and best, got {sorted(state)}")
        factor, n_waited, n_cooling = float(state["factor"]), state["n_waited"], state.get("n_cooling", 0.0)
        if not 0 <= factor <= 1 or n_waited not in range(self.patience) or n_cooling not in range(self.cooldown + 1):
            raise ParameterError(
                f"Plateau: its state cannot have a factor of {factor}, {n_waited} epochs of waiting and {n_cooling} of cooling down"
            )
        self._forget()
        self._factor, self._n_waited, self._n_cooling = factor, int(n_waited), int(n_cooling)
        self._monitor.best = float(state.get("best", math.nan))
