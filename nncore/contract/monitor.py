"""Find out whether an epoch is the best so far: for early stopping, checkpoints and reactive schedules."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

from nncore.arguments import shown
from nncore.contract.direction import decided_mode
from nncore.contract.history import History
from nncore.errors import ParameterError


class Monitor:
    """Tracks the best value of a column of the history.

    Parameters
    ----------
    owner : str
        Name of the callback or schedule, for error messages.
    column : str
        ``"val_loss"``, ``"loss"``, ``"val_accuracy"``, ...
    mode : {"auto", "min", "max"}, default "auto"
        Whether smaller or larger values are better. ``"auto"`` minimises losses, and asks the metric or its name.
    min_delta : float, default 0.0
        Smallest change that counts as better.

    Attributes
    ----------
    best : float
        The best value; NaN before there is one. A NaN in the history is never best. Infinity is stored as the largest number, for files.
    is_tied : bool
        Whether the last epoch passed to `improved` has the same value as the best one before it.
    """

    def __init__(self, owner: str, column: str, mode: str = "auto", min_delta: float = 0.0) -> None:
        if not isinstance(column, str):
            raise ParameterError(f"{owner}: monitor must be the name of a column of the history, got {shown(column)}")
        decided_mode(owner, column, mode, "min")
        self._owner, self._column, self._mode, self._min_delta = owner, column, mode, min_delta
        self.best = math.nan
        self.is_tied = False
        self._value, self._is_lower_better = math.nan, True

    def improved(self, history: History) -> bool:
        """Return whether the last epoch is the best so far, and store its value in `best`.

        Raises
        ------
        ParameterError
            If the fit does not record the column, or it is not known whether smaller or larger values are better.
        """
        check_recorded(self._owner, self._column, history)
        largest = sys.float_info.max
        value = min(max(float(history[self._column][-1]), -largest), largest)  # NaN stays NaN
        mode = decided_mode(self._owner, self._column, self._mode, history.mode(self._column))
        self._value, self._is_lower_better = value, mode == "min"
        self.is_tied = value == self.best
        better = self.beats(self.best) or (math.isnan(self.best) and not math.isnan(value))
        if better:
            self.best = value
        return better

    def beats(self, reference: float) -> bool:
        """Whether the last epoch passed to `improved` is better than a number."""
        gain = reference - self._value if self._is_lower_better else self._value - reference
        return gain > self._min_delta


def check_monitored(watcher: Any, history: History, recorded: Sequence[str]) -> None:
    """Raise `ParameterError` unless the fit records the columns that a callback or schedule needs, with a direction if it compares.

    Parameters
    ----------
    watcher : Callback or Schedule
    history : History
        Of the fit that is about to begin.
    recorded : sequence of str
        Its columns.
    """
    owner = type(watcher).__name__
    for column in getattr(watcher, "reads", ()):
        check_recorded(owner, column, recorded, does="reads", instead="read")
    if watcher.monitor is None:
        return
    check_recorded(owner, watcher.monitor, recorded)
    if watcher.mode is not None:
        decided_mode(owner, watcher.monitor, watcher.mode, history.mode(watcher.monitor))


def check_recorded(owner: str, column: str, recorded: Sequence[str] | History, *, does: str = "monitors", instead: str = "monitor") -> None:
    """Raise `ParameterError` unless `column`, which `owner` monitors or reads, is among those that the fit records."""
    if column not in recorded:
        remedies = {"val": "pass validation=(X, y) to fit, or ", "train": "pass train_metrics=True to fit, or "}
        hint = remedies.get(column.partition("_")[0], "")
        names = ", ".join(map(repr, recorded))
        raise ParameterError(f"{owner} {does} {column!r}, which this fit does not record: {hint}{instead} one of {names}")
