"""Keep a network on disk while it trains."""

from __future__ import annotations

import math
import os
from pathlib import Path
from time import monotonic
from typing import Any

from nncore.arguments import number, path_text, shown, text, whole_number
from nncore.errors import ParameterError
from nncore.plugin import Callback, Monitor


class Checkpoint(Callback):
    """Save the network every few epochs, steps or minutes.

    A file appears whole or not at all. It holds all that decides how training goes on (the optimizer's state, the schedule, the
    order of samples to come, the place in the epoch, what callbacks remember), so that ``nn.load(path).fit(...)`` for the remaining
    epochs, with the same data, arguments and callbacks, ends with the same bits as a fit that was never interrupted. It is called after
    all other callbacks.

    Parameters
    ----------
    path : str or path
        Where to; ``{epoch}`` in it is the number of epochs that the network has been trained for, ``{step}`` that of steps:
        ``"run/{epoch:03}.nncore"``. Without them, the newer file takes the place of the older. The folder must exist.
    every : int, optional
        Epochs from one file to the next: those whose number is a multiple of it. 1 if neither `every_steps` nor `every_minutes` is given.
    monitor : str or None, default None
        A column of the history: save only if it is better than at all files before it, in this fit or the one that it goes on with.
    mode : {"auto", "min", "max"}, default "auto"
        What is better. ``"auto"`` is a smaller loss and, for a metric, what the metric or its name says; where neither does, the fit does
        not begin.
    min_delta : float, default 0.0
        By more than this.
    every_steps : int, optional
        Save after each step whose number is a multiple of it, also in the middle of an epoch. Steps are counted over the life of the
        network (``net.n_steps``).
    every_minutes : float, optional
        Save between two steps once so many minutes have passed since the last file of this fit, or since its begin.
    ties : {"first", "last"}, default "first"
        With `monitor`, whether an epoch as good as the best one is saved too: ``"last"``, as in `nncore.EarlyStopping`, does so.

    Attributes
    ----------
    saved : Path or None
        The last file of this fit.

    Raises
    ------
    ParameterError
        If more than one of `every`, `every_steps` and `every_minutes` is given, `monitor` without epochs to compare, or
        ``ties="last"`` without `monitor`.
    OSError, UnknownComponentError
        Before the first epoch, if a network like this one cannot be saved there.

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> X, y = np.eye(4), np.arange(4)
    >>> net = nn.Sequential(nn.Dense(4))
    >>> keep = nn.Checkpoint("run.nncore", every=5)
    >>> history = net.fit(X, y, loss="softmax_cross_entropy", optimizer="adam", epochs=10, callbacks=[keep], progress=False)
    >>> net = nn.load("run.nncore")  # after a power cut, say
    >>> history = net.fit(X, y, epochs=100 - net.n_epochs, progress=False)
    >>> net.n_epochs
    100
    """

    ranges = {"min_delta": "[0, inf)"}
    choices = {"mode": ("auto", "min", "max"), "ties": ("first", "last")}
    saves = True
    examples = (
        {"path": "epoch-{epoch:03}.nncore"},
        {"path": "best.nncore", "monitor": "val_loss", "every": 2, "ties": "last"},
        {"path": "run.nncore", "every_steps": 1000},
        {"path": "run.nncore", "every_minutes": 10.0},
    )

    def __init__(
        self,
        path: str | os.PathLike[str],
        every: int | None = None,
        monitor: str | None = None,
        mode: str = "auto",
        min_delta: float = 0.0,
        every_steps: int | None = None,
        every_minutes: float | None = None,
        ties: str = "first",
    ) -> None:
        self.path = path_text("Checkpoint: path", path)
        self.every = every
        self.monitor = None if monitor is None else text("Checkpoint: monitor", monitor)
        self.mode: str = mode
        self.min_delta = min_delta
        self.every_steps = every_steps
        self.every_minutes = every_minutes
        self.ties = ties
        self._forget()

    def validate(self) -> None:
        given = [name for name in ("every", "every_steps", "every_minutes") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ParameterError(f"Checkpoint: {' and '.join(given)} are given; keep one of them, or use two checkpoints")
        for name in given:
            if name == "every_minutes":
                self.every_minutes = number(f"Checkpoint: {name}", self.every_minutes, 0)
            else:
                setattr(self, name, whole_number(f"Checkpoint: {name}", getattr(self, name), 1))
        if self.monitor is not None and given not in ([], ["every"]):
            raise ParameterError(
                f"Checkpoint: {given[0]} saves between epochs, where {self.monitor!r} is not known; use every with monitor"
            )
        if self.ties != "first" and self.monitor is None:
            raise ParameterError(f"Checkpoint: ties={self.ties!r} would be ignored without a score to compare: pass monitor=")
        try:
            self.path.format(epoch=1, step=1)
        except (LookupError, ValueError, AttributeError, TypeError):
            raise ParameterError(
                f"Checkpoint: path may contain {{epoch}}, {{epoch:03}} or {{step}}, and {{{{ for a brace of its own, got {shown(self.path)}"
            ) from None

    def _forget(self) -> None:
        self.saved: Path | None = None
        self.pause_every = self.every_steps
        self._began = monotonic()
        self._monitor = Monitor("Checkpoint", self.monitor or "loss", self.mode, self.min_delta)

    def _file(self, training: Any) -> Path:
        return Path(self.path.format(epoch=training.network.n_epochs, step=training.network.n_steps))

    def on_fit_begin(self, training: Any) -> None:
        self._forget()
        training.network.check_save(self._file(training))

    def state(self) -> dict[str, Any]:
        return {} if math.isnan(self._monitor.best) else {"best": self._monitor.best}

    def restore(self, state: dict[str, Any], training: Any) -> None:
        if state.keys() != {"best"} or not isinstance(state["best"], (int, float)):
            raise ParameterError(f"Checkpoint: this is no state of it: {sorted(state)}")
        self._monitor.best = state["best"]

    def on_progress(self, training: Any) -> None:
        if self.every_steps is not None and training.network.n_steps % self.every_steps == 0:
            self._save(training)
        self._save_if_it_is_time(training)

    def epochs_ahead(self, training: Any) -> int:
        every = self.every or 1
        return 1 if self.every_minutes is not None else every - training.network.n_epochs % every

    def on_epoch_end(self, training: Any) -> None:
        self._save_if_it_is_time(training)
        by_epochs = self.every_steps is None and self.every_minutes is None
        if by_epochs and training.network.n_epochs % (self.every or 1) == 0 and (self.monitor is None or self._is_best(training)):
            self._save(training)

    def _is_best(self, training: Any) -> bool:
        return self._monitor.improved(training.history) or (self._monitor.is_tied and self.ties == "last")

    def _save_if_it_is_time(self, training: Any) -> None:
        if self.every_minutes is not None and monotonic() - self._began >= 60 * self.every_minutes:
            self._save(training)

    def _save(self, training: Any) -> None:
        file = self._file(training)
        training.network.save(file)
        self.saved, self._began = file, monotonic()
