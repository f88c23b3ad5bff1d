"""Callbacks: what is called while a network is fitted."""

from __future__ import annotations

from typing import Any, ClassVar

from nncore.contract.configurable import Configurable


class Callback(Configurable):
    """Called by ``fit``. Override what you need; `training` is the running `nncore.training.Training`.

    ``training`` has ``network``, ``history``, ``epoch`` (from 1), ``n_epochs``, ``n_steps``, ``fraction`` of the fit done,
    ``loss`` so far in this epoch, and ``stop(reason)``, which ends the fit after the current callback round.

    `Monitor` tells whether an epoch is the best so far, and `Snapshot` keeps its network.

    Attributes
    ----------
    monitor : str or None
        A column of the history without which it can do nothing: `fit` refuses to begin if it does not record that.
    averages : bool
        Whether it calls ``training.average_parameters``, which one callback of a fit may do.
    """

    monitor: str | None = None
    averages: ClassVar[bool] = False

    def on_fit_begin(self, training: Any) -> None:
        """Before the first epoch."""

    def on_progress(self, training: Any) -> None:
        """Some twenty times a second, between two steps."""

    def on_epoch_end(self, training: Any) -> None:
        """After the validation of an epoch."""

    def on_fit_end(self, training: Any) -> None:
        """At the end, also after an interruption or an error."""
