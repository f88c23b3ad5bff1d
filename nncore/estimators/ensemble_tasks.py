"""scikit-learn's callbacks (1.9 and later) during the fit of an ensemble: each network is a task of the fit, and each epoch a task of its
network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nncore.estimators.fit_tasks import FitTasks

if TYPE_CHECKING:
    from nncore.network import Training


class EnsembleTasks:
    """Calls the callbacks of ``estimator.set_callbacks`` for the fit, its networks and their epochs.

    A callback that returns True at the end of an epoch ends the training of all networks, each after the epoch it is in.

    Parameters
    ----------
    estimator : estimator
        With a `fit` that is decorated by `with_callbacks`.
    X, y : array-like
        The user's data in ``fit``.
    sample_weight : array-like or None
    n_networks : int
        Number of networks to train.
    max_iter : int
        Largest number of epochs.
    """

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Any, *, n_networks: int, max_iter: int) -> None:
        self._given = estimator, X, y, sample_weight
        self._max_iter, self._n_begun, self.is_ended = max_iter, 0, False
        self._fit = FitTasks(*self._given, max_iter=n_networks, fitted=dict, are_sequential=False)

    def of_network(self, fitted: Callable[[], dict[str, Any]]) -> list[NetworkTasks]:
        """Callbacks for the fit of the next network, if there are any. `fitted` makes the estimator one with only this network."""
        if not self._fit.is_heard:
            return []
        number, self._n_begun = self._n_begun, self._n_begun + 1
        task = self._fit.subtask("network", number, self._max_iter)
        return [NetworkTasks(*self._given, max_iter=self._max_iter, fitted=fitted, task=task, ensemble=self)]

    def finish(self) -> None:
        """End the fit, after the estimator has all its attributes."""
        self._fit.finish()


class NetworkTasks(FitTasks):
    """Reports the epochs of one network to `EnsembleTasks`.

    Parameters
    ----------
    ensemble : EnsembleTasks
    *args, **kwargs
        Arguments of `FitTasks`.
    """

    def __init__(self, *args: Any, ensemble: EnsembleTasks, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ensemble = ensemble

    def end(self) -> bool:
        self._ensemble.is_ended |= super().end()
        return self._ensemble.is_ended

    def on_fit_end(self, training: Training) -> None:
        self.finish(self.fitted)
