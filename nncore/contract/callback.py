"""Callbacks: what is called while a network is fitted."""

from __future__ import annotations

from typing import Any, ClassVar

from nncore.contract.configurable import Configurable
from nncore.errors import ParameterError


class Callback(Configurable):
    """Called by ``fit``. Override what you need; `training` is the running `nncore.training.Training`.

    ``training`` has ``network``, ``history``, ``epoch`` (from 1), ``n_epochs``, ``n_steps``, ``fraction`` of the fit done,
    ``loss`` so far in this epoch, and ``stop(reason)``, which ends the fit after the current callback round.

    What a callback learns during a fit, and must not forget if that is cut short, it says in `state`. The network keeps it, and files that
    are saved during the fit hold it. A fit that goes on hands it to `restore` of the callback with the same class and arguments.
    ``training.network.n_epochs`` counts epochs over interruptions.

    `Monitor` tells whether an epoch is the best so far, and `Snapshot` keeps its network.

    Attributes
    ----------
    monitor : str or None
        A column of the history without which it can do nothing: `fit` refuses to begin if it does not record that.
    mode : str or None
        What is better of `monitor`: ``"min"``, ``"max"``, or ``"auto"`` for what its metric or its name says; `fit` refuses to begin if
        neither does. None if it does not compare.
    reads : tuple of str
        Other columns of the history that it cannot do without; `fit` refuses to begin without them, too.
    averages : bool
        Whether it calls ``training.average_parameters``, which one callback of a fit may do.
    saves : bool
        Whether it saves the network. Then it is called after all others, so that the file holds what they made of the epoch.
    reports : bool
        Whether it writes or shows something outside of the network. Of several processes that fit a network together (`collective`), only
        the first one calls it; so it is with those that save.
    pause_every : int or None
        Call `on_progress` after each step, too, whose number (``training.network.n_steps``) is a multiple of it.
    """

    monitor: str | None = None
    mode: str | None = None
    reads: tuple[str, ...] = ()
    averages: ClassVar[bool] = False
    saves: ClassVar[bool] = False
    reports: ClassVar[bool] = False
    pause_every: int | None = None

    def on_fit_begin(self, training: Any) -> None:
        """Before the first epoch: forget the fit before."""

    def state(self) -> dict[str, Any]:
        """What it has learned since `on_fit_begin` and must not forget.

        Returns
        -------
        dict of str to float or ndarray
            Finite numbers, and arrays of float32, float64 or int64. Arrays may be its own: the caller copies them.
        """
        return {}

    def restore(self, state: dict[str, Any], training: Any) -> None:
        """Take back what `state` returned, in a fit that goes on where another one was cut short; called after `on_fit_begin`.

        Parameters
        ----------
        state : dict of str to float or ndarray
            Its own from now on.
        training : Training

        Raises
        ------
        ParameterError
            If it is nothing that `state` returns, or does not fit the network.
        """
        if state:
            raise ParameterError(f"{type(self).__name__} keeps no state, got {sorted(state)}")

    def on_progress(self, training: Any) -> None:
        """Some twenty times a second, between two steps."""

    def on_epoch_end(self, training: Any) -> None:
        """After the validation of an epoch, or later: see `epochs_ahead`."""

    def epochs_ahead(self, training: Any) -> int:
        """How many epochs may end before `on_epoch_end` wants to change anything or end the fit.

        Fits of small data are faster if Python need not look after every epoch. The host may train so many epochs in one go, the one under
        way included, and then call `on_epoch_end` for one after the other. ``training.history``, ``epoch``, ``loss`` and ``n_steps``,
        ``training.network.n_epochs`` and ``n_steps``, and the network's parameters and buffers are as they were at the end of each epoch.
        The rest, such as the optimizer's state, is already that of a later epoch, but for the last of these epochs: so whatever is saved
        there is sound. Other threads that use the network wait meanwhile.

        Parameters
        ----------
        training : Training

        Returns
        -------
        int
            1 unless overridden: it is called after each epoch, with the network as it is then. ``sys.maxsize`` if it never does any of
            these. One that goes by the clock alone may end the fit anyway, behind the epochs that are done.
        """
        return 1

    def on_fit_end(self, training: Any) -> None:
        """At the end, also after an interruption or an error."""
