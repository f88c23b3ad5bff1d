"""Callbacks: called during a fit."""

from __future__ import annotations

from typing import Any, ClassVar

from nncore.contract.configurable import Configurable
from nncore.errors import ParameterError


class Callback(Configurable):
    """Base class of callbacks, which `fit` calls. Override what you need.

    `training` is the running `nncore.training.Training`. It has ``network``, ``history``, ``epoch`` (from 1), ``n_epochs``, ``n_steps``,
    the ``fraction`` of the fit that is done and the ``loss`` so far in this epoch. ``stop(reason)`` ends the fit after this round of
    callbacks.

    Return from `state` what a callback needs to resume after an interruption. The network stores it, and so do files that are saved during
    the fit. A fit that resumes passes it to `restore` of the callback with the same class and arguments. ``training.network.n_epochs``
    counts epochs over all fits.

    `Monitor` finds out whether an epoch is the best so far, and `Snapshot` keeps its network.

    Attributes
    ----------
    monitor : str or None
        A column of the history that the callback needs. `fit` raises an error before it begins if it does not record the column.
    mode : str or None
        Whether smaller or larger values of `monitor` are better: ``"min"``, ``"max"``, or ``"auto"`` to ask the metric or its name. If
        neither says, `fit` raises an error before it begins. None if the callback does not compare.
    reads : tuple of str
        Other columns of the history that the callback needs; `fit` checks them too.
    averages : bool
        Whether it calls ``training.average_parameters``. A fit can have one such callback.
    saves : bool
        Whether it saves the network. Then it is called after all others, so that the file holds their results.
    reports : bool
        Whether it writes or shows something outside of the network. If several processes fit a network together (`collective`), only the
        first one calls it, as it does with callbacks that save.
    pause_every : int or None
        Also call `on_progress` after each step whose number (``training.network.n_steps``) is a multiple of this.
    """

    monitor: str | None = None
    mode: str | None = None
    reads: tuple[str, ...] = ()
    averages: ClassVar[bool] = False
    saves: ClassVar[bool] = False
    reports: ClassVar[bool] = False
    pause_every: int | None = None

    def on_fit_begin(self, training: Any) -> None:
        """Called before the first epoch: reset what was learned in an earlier fit."""

    def state(self) -> dict[str, Any]:
        """Return what the callback needs to resume: what it has learned since `on_fit_begin`.

        Returns
        -------
        dict of str to float or ndarray
            Finite numbers, and arrays of float32, float64 or int64. The caller copies arrays.
        """
        return {}

    def restore(self, state: dict[str, Any], training: Any) -> None:
        """Restore what `state` returned, in a fit that resumes an interrupted one; called after `on_fit_begin`.

        Parameters
        ----------
        state : dict of str to float or ndarray
            The callback may keep and change it.
        training : Training
            The running fit.

        Raises
        ------
        ParameterError
            If `state` returns no such dict, or it does not fit the network.
        """
        if state:
            raise ParameterError(f"{type(self).__name__} keeps no state, got {sorted(state)}")

    def on_progress(self, training: Any) -> None:
        """Called about twenty times a second, between two steps."""

    def on_epoch_end(self, training: Any) -> None:
        """Called after the validation of an epoch, or later: see `epochs_ahead`."""

    def epochs_ahead(self, training: Any) -> int:
        """Return how many epochs may end before `on_epoch_end` has to change something or end the fit.

        Fits of small data are faster without a call of Python after every epoch. The host may train this many epochs at once, including the
        current one, and then call `on_epoch_end` for each of them. For each call, ``training.history``, ``epoch``, ``loss`` and
        ``n_steps``, ``training.network.n_epochs`` and ``n_steps``, and the network's parameters and buffers are those at the end of that
        epoch. The rest, such as the optimizer's state, is that of the last of these epochs: save files only there. Other threads that use
        the network wait meanwhile.

        Parameters
        ----------
        training : Training
            The running fit.

        Returns
        -------
        int
            1 by default: called after each epoch. ``sys.maxsize`` if it never changes anything or ends the fit. A callback that depends
            only on the clock may still end the fit, after the epochs that are done.
        """
        return 1

    def on_fit_end(self, training: Any) -> None:
        """Called at the end, also after an interruption or an error."""
