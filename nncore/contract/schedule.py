"""Schedules: how a number moves during a fit."""

from __future__ import annotations

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.contract.history import History
from nncore.errors import ParameterError


class Schedule(Configurable):
    """How a number moves during a fit: the learning rate, or any other that `fit` is given a schedule for.

    Most are a formula and have nothing but `factor`. One that reacts to how training goes looks at the history in `observe`, and says
    in `state` what it must not forget, so that a run resumed from a file goes on as if it had never stopped. A network keeps a copy of
    the schedule that `fit` is given (`net.schedule`).

    Attributes
    ----------
    monitor : str or None
        A column of the history without which it can do nothing: `fit` refuses to begin if it does not record that.
    mode : str or None
        What is better of `monitor`: ``"min"``, ``"max"``, or ``"auto"`` for what its metric or its name says; `fit` refuses to begin if
        neither does. None if it does not compare.
    """

    monitor: str | None = None
    mode: str | None = None

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        """Factors of the number.

        Parameters
        ----------
        step : ndarray of shape (n,), int64
            Steps of the schedule, the first is 0.
        n_steps : int
            Steps that the schedule spans.

        Returns
        -------
        ndarray of shape (n,)
            None of them negative. They depend on nothing but the arguments, the hyperparameters and `state`.
        """
        raise NotImplementedError(f"{type(self).__name__}.factor")

    @property
    def observes(self) -> bool:
        """Whether `observe` does anything, so that the factors of an epoch are known only once the one before is over."""
        return type(self).observe is not Schedule.observe

    def observe(self, history: History) -> None:
        """Take notice of an epoch, before callbacks do; the factors of the next epoch are asked for afterwards.

        Parameters
        ----------
        history : History
            ``history[name][-1]`` is the epoch's value of a column, ``history.mode(name)`` which ones are better.
        """

    def state(self) -> dict[str, float]:
        """What `observe` has learned, as finite numbers by name; saved with the network."""
        return {}

    def restore(self, state: dict[str, float]) -> None:
        """Take back what `state` returned, or, if it is empty, forget everything: a fit begins with that.

        Raises
        ------
        ParameterError
            If it is nothing that `state` returns.
        """
        if state:
            raise ParameterError(f"{type(self).__name__} keeps no state, got {sorted(state)}")
