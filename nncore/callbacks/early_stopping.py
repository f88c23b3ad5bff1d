"""Stop a fit when nothing improves."""

from __future__ import annotations

from typing import Any

from nncore.plugin import Callback, Monitor, Snapshot


class EarlyStopping(Callback):
    """Stop when `monitor` has not improved for `patience` epochs, and put the best epoch's network back.

    Parameters
    ----------
    monitor : str, default "val_loss"
        A column of the history: ``"val_loss"``, ``"loss"``, ``"val_accuracy"``, ...
    patience : int, default 10
        Epochs without improvement after which the fit stops; at least 1.
    min_delta : float, default 0.0
        An epoch improves if it is better than the best one by more than this.
    mode : {"auto", "min", "max"}, default "auto"
        What is better. ``"auto"`` is a smaller loss and, for a metric, what the metric says.
    restore_best : bool, default True
        At the end of the fit, however it ends, put back the parameters and buffers of the best epoch. The optimizer's state
        and the step count stay those of the last step.

    Attributes
    ----------
    best_epoch : int
        Epoch (from 1) of the best value so far in the last fit; 0 before there is one.
    best_value : float
        That value; NaN before there is one. A NaN in the history never counts as an improvement.

    References
    ----------
    Prechelt, "Early stopping - but when?", 1998.
    """

    ranges = {"patience": "[1, inf)", "min_delta": "[0, inf)"}
    whole = ("patience",)

    def __init__(
        self, monitor: str = "val_loss", patience: int = 10, min_delta: float = 0.0, mode: str = "auto", restore_best: bool = True
    ) -> None:
        self.monitor: str = monitor
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.restore_best = restore_best
        self._forget()

    def _forget(self) -> None:
        self.best_epoch = 0
        self._monitor = Monitor("EarlyStopping", self.monitor, self.mode, self.min_delta)
        self._best: Snapshot | None = None

    @property
    def best_value(self) -> float:
        return self._monitor.best

    def on_fit_begin(self, training: Any) -> None:
        self._forget()

    def on_epoch_end(self, training: Any) -> None:
        if self._monitor.improved(training.history):
            self.best_epoch = training.epoch
            if self.restore_best and self._best is None:
                self._best = Snapshot(training.network)
            elif self._best is not None:
                self._best.update(training.network)
        elif training.epoch - self.best_epoch >= self.patience:
            best = f"best {self.best_value:.6g} in epoch {self.best_epoch}" if self.best_epoch else "it never was a number"
            training.stop(f"{self.monitor} did not improve for {self.patience} epoch{'s' * (self.patience > 1)} ({best})")

    def on_fit_end(self, training: Any) -> None:
        if self._best is not None:
            self._best.restore(training.network)
            self._best = None
