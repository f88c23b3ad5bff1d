"""Early stopping: end a fit when nothing improves."""

from __future__ import annotations

import math
from typing import Any

from nncore.arguments import text
from nncore.errors import ParameterError
from nncore.plugin import Callback, Monitor, Snapshot


class EarlyStopping(Callback):
    """Early stopping: stop when `monitor` has not improved for `patience` epochs, and restore the best epoch's weights.

    Parameters
    ----------
    monitor : str, default "val_loss"
        A column of the history: ``"val_loss"``, ``"loss"``, ``"val_accuracy"``, ...
    patience : int, default 10
        Stop after this many epochs without improvement; at least 1.
    min_delta : float, default 0.0
        Smallest change of `monitor` that counts as an improvement.
    mode : {"auto", "min", "max"}, default "auto"
        Whether smaller or larger values are better. ``"auto"`` minimises losses, and asks the metric or its name; if neither says, the fit
        raises an error before it begins.
    restore_best : bool, default True
        Restore the parameters and buffers of the best epoch at the end of the fit, however it ends. The optimizer's state and the step
        count stay those of the last step. After an interrupted fit the network has both: it predicts with the best parameters, and a fit
        that resumes continues from the last ones.
    ties : {"first", "last"}, default "first"
        Which of several epochs with the same best value is the best one. ``"last"`` suits coarse scores, such as the accuracy on a few
        hundred samples. `patience` always counts from the first of them.
    baseline : float, optional
        Value to beat: only an epoch that is better than this resets the count of `patience`. Other epochs can still be the best one, which
        `restore_best` restores.
    start_from_epoch : int, default 0
        Ignore this many epochs at the start of the fit: they do not count, and cannot be the best.

    Attributes
    ----------
    best_epoch : int
        Best epoch of the last fit, counted over all fits of the network; 0 before there is one.
    best_value : float
        Its value; NaN before there is one. A NaN in the history is never an improvement.

    Notes
    -----
    `baseline` and `start_from_epoch` are those of Keras' ``EarlyStopping``.

    References
    ----------
    Prechelt, "Early stopping - but when?", 1998.
    """

    ranges = {"patience": "[1, inf)", "min_delta": "[0, inf)", "baseline": "(-inf, inf)", "start_from_epoch": "[0, inf)"}
    whole = ("patience", "start_from_epoch")
    flags = ("restore_best",)
    choices = {"mode": ("auto", "min", "max"), "ties": ("first", "last")}

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 10,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best: bool = True,
        ties: str = "first",
        baseline: float | None = None,
        start_from_epoch: int = 0,
    ) -> None:
        self.monitor: str = text("EarlyStopping: monitor", monitor)
        self.patience = patience
        self.min_delta = min_delta
        self.mode: str = mode
        self.restore_best = restore_best
        self.ties = ties
        self.baseline = baseline
        self.start_from_epoch = start_from_epoch
        self._forget()

    def _forget(self) -> None:
        self.best_epoch = 0
        self._last = 0  # patience counts from this epoch: the last that improved and beat the baseline, or the last ignored one
        self._improved = 0  # the last that improved
        self._first = 0  # the last ignored epoch
        self._monitor = Monitor("EarlyStopping", self.monitor, self.mode, self.min_delta)
        self._best: Snapshot | None = None

    @property
    def best_value(self) -> float:
        return self._monitor.best

    def on_fit_begin(self, training: Any) -> None:
        self._forget()
        self._first = self._last = self._improved = training.network.n_epochs + self.start_from_epoch

    def state(self) -> dict[str, Any]:
        numbers = {"best_epoch": self.best_epoch, "last": self._last}
        if self.baseline is not None:
            numbers["improved"] = self._improved
        if self.start_from_epoch:
            numbers["first"] = self._first
        best = {} if math.isnan(self.best_value) else {"best": self.best_value}
        return {**numbers, **best, **({} if self._best is None else self._best.arrays())}

    def restore(self, state: dict[str, Any], training: Any) -> None:
        numbers = {name: state[name] for name in ("best_epoch", "last", "best", "improved", "first") if name in state}
        arrays = {name: array for name, array in state.items() if name not in numbers}
        are_numbers = all(isinstance(number, (int, float)) for number in numbers.values())
        needed = {"best_epoch", "last", *["improved"] * (self.baseline is not None), *["first"] * (self.start_from_epoch > 0)}
        if not are_numbers or numbers.keys() - {"best"} != needed or bool(arrays) != (self.restore_best and "best" in numbers):
            raise ParameterError(f"EarlyStopping: this is not a state of an EarlyStopping: {sorted(state)}")
        if arrays:
            self._best = Snapshot(training.network)
            self._best.take(arrays)
        self.best_epoch, self._last = int(numbers["best_epoch"]), int(numbers["last"])
        self._improved, self._first = int(numbers.get("improved", self._last)), int(numbers.get("first", 0))
        self._monitor.best = numbers.get("best", math.nan)
        self._stop_if_it_is_time(training)

    def epochs_ahead(self, training: Any) -> int:
        return max(self.patience - (training.network.n_epochs - self._last), 1)

    def on_epoch_end(self, training: Any) -> None:
        if training.network.n_epochs <= self._first:
            return
        has_improved = self._monitor.improved(training.history)
        if has_improved or (self._monitor.is_tied and self.ties == "last"):
            self.best_epoch = training.network.n_epochs
            if self.restore_best and self._best is None:
                self._best = Snapshot(training.network)
            elif self._best is not None:
                self._best.update(training.network)
        if has_improved:
            self._improved = training.network.n_epochs
            if self.baseline is None or self._monitor.beats(self.baseline):
                self._last = self._improved
        self._stop_if_it_is_time(training)

    def _stop_if_it_is_time(self, training: Any) -> None:
        n_epochs = training.network.n_epochs
        if n_epochs - self._last >= self.patience and n_epochs != self._improved:
            best = f"best {self.best_value:.6g} in epoch {self.best_epoch}" if self.best_epoch else "it never was a number"
            over = "" if self.baseline is None else f" over {self.baseline:.6g}"
            training.stop(f"{self.monitor} did not improve{over} for {self.patience} epoch{'s' * (self.patience > 1)} ({best})")

    def on_fit_end(self, training: Any) -> None:
        if self._best is not None:
            self._best.restore(training.network)
            self._best = None
