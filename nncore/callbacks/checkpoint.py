"""Save a network to disk while it trains."""

from __future__ import annotations

import contextlib
import math
import os
import re
from pathlib import Path
from string import Formatter
from time import monotonic
from typing import Any

import numpy as np

from nncore.arguments import number, path_text, shown, text, whole_number
from nncore.errors import ParameterError
from nncore.plugin import Callback, Monitor

#: Allowed formats of a number: `{epoch:03}`, `{val_loss:.4f}`. No fill, which could be a slash, and no width that takes all memory.
_WRITTEN = re.compile(r"[-+ ]?0?[0-9]{0,2}(\.[0-9]{1,2})?[deEfFgG]?")

#: Fields of a path that are whole numbers; all others are columns of the history.
_COUNTS = ("epoch", "step")


class Checkpoint(Callback):
    """Save the network every few epochs, steps or minutes.

    A file holds everything that training needs: the optimizer's state, the schedule, the order of samples, the position within the epoch,
    and the state of callbacks. To resume, call ``nn.load(path).fit(...)`` for the remaining epochs with the same data, arguments and
    callbacks. The result has the same bits as a fit without interruption. A file appears whole or not at all. This callback is called after
    all others.

    Parameters
    ----------
    path : str or path
        File to write. ``{epoch}`` in it is the number of epochs that the network has been trained for, ``{step}`` the number of steps, and
        ``{val_loss}`` or any other column of the history its last value: ``"run/{epoch:03}-{val_loss:.4f}.nncore"``. Without such fields, a
        new file replaces the old one. The folder must exist.
    every : int, optional
        Save after each epoch whose number is a multiple of this. 1 if neither `every_steps` nor `every_minutes` is given.
    monitor : str or None, default None
        A column of the history: save only if it is better than in all files before, in this fit or the one that it resumes.
    mode : {"auto", "min", "max"}, default "auto"
        Whether smaller or larger values are better. ``"auto"`` minimises losses, and asks the metric or its name; if neither says, the fit
        raises an error before it begins.
    min_delta : float, default 0.0
        Smallest change of `monitor` that counts as better.
    every_steps : int, optional
        Save after each step whose number is a multiple of this, also within an epoch. Steps are those of ``net.n_steps``, over all fits.
    every_minutes : float, optional
        Save between two steps once this many minutes have passed since the last file of this fit, or since its start.
    ties : {"first", "last"}, default "first"
        With `monitor`: ``"last"`` also saves an epoch that is as good as the best one, as in `nncore.EarlyStopping`.
    keep : int, optional
        Keep only the last this many files of this fit and the one that it resumes, or the best ones with `monitor`; `path` needs fields.
        None keeps all.

    Attributes
    ----------
    saved : Path or None
        The last file of this fit.

    Raises
    ------
    ParameterError
        If more than one of `every`, `every_steps` and `every_minutes` is given, or arguments contradict each other. Before the first epoch,
        if the fit does not record the column `monitor` or one in `path`.
    OSError, UnknownComponentError
        Before the first epoch, if the network cannot be saved to `path`.

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
        {"path": "{epoch}-{loss:.4f}.nncore", "keep": 2},
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
        keep: int | None = None,
    ) -> None:
        self.path = path_text("Checkpoint: path", path)
        self.every = every
        self.monitor = None if monitor is None else text("Checkpoint: monitor", monitor)
        self.mode: str = mode
        self.min_delta = min_delta
        self.every_steps = every_steps
        self.every_minutes = every_minutes
        self.ties = ties
        self.keep = keep
        self._forget()

    def validate(self) -> None:
        given = [name for name in ("every", "every_steps", "every_minutes") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ParameterError(f"Checkpoint takes one of {' and '.join(given)}: pass one of them, or use two checkpoints")
        for name in given:
            if name == "every_minutes":
                self.every_minutes = number(f"Checkpoint: {name}", self.every_minutes, 0)
            else:
                setattr(self, name, whole_number(f"Checkpoint: {name}", getattr(self, name), 1))
        fields = self._fields()
        self.reads = tuple(field for field in fields if field not in _COUNTS)
        compared = [self.monitor] if self.monitor is not None else list(self.reads)
        if compared and given not in ([], ["every"]):
            raise ParameterError(f"Checkpoint: {given[0]} saves within epochs, when {compared[0]!r} is not known yet: use every= instead")
        if self.ties != "first" and self.monitor is None:
            raise ParameterError(f"Checkpoint: ties={self.ties!r} needs a column to compare: pass monitor=")
        if self.keep is not None:
            self.keep = whole_number("Checkpoint: keep", self.keep, 1)
            if not fields:
                raise ParameterError(f"Checkpoint: keep={self.keep} needs files of different names: put {{epoch}} into path")

    def _fields(self) -> tuple[str, ...]:
        """The names between braces of the path. Only plain names: a format string can reach attributes of a number."""
        try:
            parts = [(name, written, conversion) for _, name, written, conversion in Formatter().parse(self.path) if name is not None]
            if all(name.isidentifier() and not conversion and _WRITTEN.fullmatch(written or "") for name, written, conversion in parts):
                fields = tuple(dict.fromkeys(name for name, _, _ in parts))
                self.path.format(**{field: 1 if field in _COUNTS else 1.0 for field in fields})
                return fields
        except ValueError:
            pass
        raise ParameterError(
            f"Checkpoint: path may contain fields like {{epoch}}, {{epoch:03}}, {{step}} or {{val_loss:.4f}}, and {{{{ for a brace, got "
            f"{shown(self.path)}"
        )

    def _forget(self) -> None:
        self.saved: Path | None = None
        self._files: list[list[float]] = []  # of each file that may be there, the values of the fields in its name; only with `keep`
        self.pause_every = self.every_steps
        self._began = monotonic()
        self._monitor = Monitor("Checkpoint", self.monitor or "loss", self.mode, self.min_delta)

    def _values(self, training: Any) -> list[float]:
        """Values of the fields for a file that is saved now; 0 for columns that have no value yet."""
        counts = [training.network.n_epochs, training.network.n_steps]
        return counts + [float(training.history[name][-1]) if len(training.history) else 0.0 for name in self.reads]

    def _file(self, values: list[float]) -> Path:
        epoch, step, *columns = values
        return Path(self.path.format(epoch=int(epoch), step=int(step), **dict(zip(self.reads, columns, strict=True))))

    def on_fit_begin(self, training: Any) -> None:
        self._forget()
        training.network.check_save(self._file(self._values(training)))

    def state(self) -> dict[str, Any]:
        best = {} if math.isnan(self._monitor.best) else {"best": self._monitor.best}
        return best | ({"files": np.array(self._files, np.float64)} if self._files else {})

    def restore(self, state: dict[str, Any], training: Any) -> None:
        files = state.get("files", np.empty((0, len(_COUNTS) + len(self.reads))))
        is_one = isinstance(state.get("best", 0.0), (int, float)) and isinstance(files, np.ndarray) and bool(state)
        if not is_one or not state.keys() <= {"best", "files"} or files.shape[1:] != (len(_COUNTS) + len(self.reads),):
            raise ParameterError(f"Checkpoint: this is not a state of a Checkpoint: {sorted(state)}")
        self._monitor.best, self._files = state.get("best", math.nan), files.tolist()

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
        values = self._values(training)
        file = self._file(values)
        if self.keep is not None:
            self._files.append(values)  # before saving, so that a fit that resumes from the file knows it
        training.network.save(file)
        self.saved, self._began = file, monotonic()
        if self.keep is not None:
            self._remove_older(self.keep)

    def _remove_older(self, keep: int) -> None:
        older, self._files = self._files[:-keep], self._files[-keep:]
        kept = set(map(self._file, self._files))  # names may be alike, where a value is written with few digits
        for values in older:
            if (file := self._file(values)) not in kept:
                with contextlib.suppress(OSError):  # another process may have removed it or be reading it; training continues
                    file.unlink()
