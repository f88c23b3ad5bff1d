"""Keep a network on disk while it trains."""

from __future__ import annotations

import errno
import math
import os
from pathlib import Path
from typing import Any

from nncore.arguments import path_text, shown, text
from nncore.errors import ParameterError
from nncore.plugin import Callback, Monitor


class Checkpoint(Callback):
    """Save the network at the end of epochs.

    A file appears whole or not at all. It holds all that decides how training goes on (the optimizer's state, the schedule, the
    order of samples to come, what callbacks remember), so that ``nn.load(path).fit(...)`` for the remaining epochs, with the same
    callbacks, ends with the same bits as a fit that was never interrupted. It is called after all other callbacks.

    Parameters
    ----------
    path : str or path
        Where to; ``{epoch}`` in it is the number of epochs that the network has been trained for: ``"run/{epoch:03}.nncore"``. Without
        it, the newer file takes the place of the older. The folder must exist.
    every : int, default 1
        Epochs from one file to the next: those whose number is a multiple of it.
    monitor : str or None, default None
        A column of the history: save only if it is better than at all files before it, in this fit or the one that it goes on with.
    mode : {"auto", "min", "max"}, default "auto"
        What is better. ``"auto"`` is a smaller loss and, for a metric, what the metric says.
    min_delta : float, default 0.0
        By more than this.

    Attributes
    ----------
    saved : Path or None
        The last file of this fit.

    Raises
    ------
    OSError, UnknownComponentError
        Before the first epoch, if a network like this one cannot be saved there: a file of another name is written beside it and
        removed again.

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

    ranges = {"every": "[1, inf)", "min_delta": "[0, inf)"}
    whole = ("every",)
    choices = {"mode": ("auto", "min", "max")}
    saves = True
    examples = ({"path": "epoch-{epoch:03}.nncore"}, {"path": "best.nncore", "monitor": "val_loss", "every": 2})

    def __init__(
        self, path: str | os.PathLike[str], every: int = 1, monitor: str | None = None, mode: str = "auto", min_delta: float = 0.0
    ) -> None:
        self.path = path_text("Checkpoint: path", path)
        self.every = every
        self.monitor = None if monitor is None else text("Checkpoint: monitor", monitor)
        self.mode = mode
        self.min_delta = min_delta
        self._forget()

    def validate(self) -> None:
        try:
            self.path.format(epoch=1)
        except (LookupError, ValueError, AttributeError, TypeError):
            raise ParameterError(
                f"Checkpoint: path may contain {{epoch}} or {{epoch:03}}, and {{{{ for a brace of its own, got {shown(self.path)}"
            ) from None

    def _forget(self) -> None:
        self.saved: Path | None = None
        self._monitor = Monitor("Checkpoint", self.monitor or "loss", self.mode, self.min_delta)

    def _file(self, training: Any) -> Path:
        return Path(self.path.format(epoch=training.network.n_epochs))

    def on_fit_begin(self, training: Any) -> None:
        self._forget()
        file = self._file(training)
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, "Checkpoint wants the name of a file, and this is a folder", str(file))
        trial = file.with_name(f".{os.getpid()}.{file.name}")  # the same suffix, hence the same format
        training.network.save(trial)
        trial.unlink()

    def state(self) -> dict[str, Any]:
        return {} if math.isnan(self._monitor.best) else {"best": self._monitor.best}

    def restore(self, state: dict[str, Any], training: Any) -> None:
        if state.keys() != {"best"} or not isinstance(state["best"], (int, float)):
            raise ParameterError(f"Checkpoint: this is no state of it: {sorted(state)}")
        self._monitor.best = state["best"]

    def on_epoch_end(self, training: Any) -> None:
        if training.network.n_epochs % self.every == 0 and (self.monitor is None or self._monitor.improved(training.history)):
            file = self._file(training)
            training.network.save(file)
            self.saved = file
