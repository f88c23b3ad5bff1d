"""Schedules: change the learning rate or other numbers during a fit."""

from __future__ import annotations

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.contract.history import History
from nncore.errors import ParameterError


class Schedule(Configurable):
    """Base class of schedules: factors of the learning rate, or of another number, at each step.

    Most schedules are a formula and override only `factor`. A schedule that reacts to training looks at the history in `observe`. It
    returns from `state` what it needs to resume, so that a resumed run has the same result. A network keeps a copy of its schedule
    (`net.schedule`).

    Attributes
    ----------
    monitor : str or None
        A column of the history that the schedule needs. `fit` raises an error before it begins if it does not record the column.
    mode : str or None
        Whether smaller or larger values of `monitor` are better: ``"min"``, ``"max"``, or ``"auto"`` to ask the metric or its name. If
        neither says, `fit` raises an error before it begins. None if the schedule does not compare.
    """

    monitor: str | None = None
    mode: str | None = None

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        """Return the factors that the number is multiplied by.

        Parameters
        ----------
        step : ndarray of shape (n,), int64
            Steps of the schedule, from 0.
        n_steps : int
            Number of steps that the schedule spans.

        Returns
        -------
        ndarray of shape (n,)
            Factors of at least 0. They must depend only on the arguments, the hyperparameters and `state`.
        """
        raise NotImplementedError(f"{type(self).__name__}.factor")

    @property
    def observes(self) -> bool:
        """Whether the class overrides `observe`, so that the factors of an epoch are known only after the epoch before."""
        return type(self).observe is not Schedule.observe

    def observe(self, history: History) -> None:
        """Look at an epoch, before callbacks do. `factor` is called for the next epoch afterwards.

        Parameters
        ----------
        history : History
            ``history[name][-1]`` is the epoch's value of a column, ``history.mode(name)`` its direction.
        """

    def state(self) -> dict[str, float]:
        """Return what `observe` has learned, as finite numbers by name; it is saved with the network."""
        return {}

    def restore(self, state: dict[str, float]) -> None:
        """Restore what `state` returned. A fit begins with an empty dict, which resets the schedule.

        Raises
        ------
        ParameterError
            If `state` returns no such dict.
        """
        if state:
            raise ParameterError(f"{type(self).__name__} keeps no state, got {sorted(state)}")
