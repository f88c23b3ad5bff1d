"""Convergence of fits by stochastic solvers, by the rules of scikit-learn, and the attributes of the estimator."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.contract import Callback, History, Snapshot
from nncore.estimators.curves import record_loss, record_score
from nncore.estimators.held_out import HeldOut, HeldOutStream


class Convergence(Callback):
    """Records every epoch in the attributes of the estimator, and stops the fit once nothing improves.

    An epoch improves if its training loss is lower than the best one by `tol` (or, with `early_stopping`, its validation score higher).
    More than `n_iter_no_change` epochs in a row without improvement end the fit, or lower an adaptive learning rate. With validation data,
    the parameters of the best epoch are restored at the end.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    given : Given
        Arguments `early_stopping`, `tol`, `n_iter_no_change` and `verbose`.
    held_out : HeldOut or None

    Attributes
    ----------
    history : History
        History of the fit, also after an error.
    was_stopped : bool
        Whether the fit ended before all its epochs, by this callback or another reason.
    """

    def __init__(self, estimator: Any, given: Any, held_out: HeldOut | HeldOutStream | None) -> None:
        self.estimator = estimator
        self._by_score, self._verbose = bool(given.early_stopping), bool(given.verbose)
        self._tol, self._patience = given.tol, given.n_iter_no_change
        self.held_out = held_out
        self.history = History()
        self.was_stopped = False
        self._best: Snapshot | None = None

    def on_fit_begin(self, training: Any) -> None:
        self.history = training.history
        if self.held_out is not None and self.estimator.best_validation_score_ > -np.inf:
            self._best = Snapshot(training.network)  # of the fit that this one continues

    def epochs_ahead(self, training: Any) -> int:
        estimator = self.estimator
        return 1 if estimator._optimizer.rule == "invscaling" else self._patience - estimator._no_improvement_count + 1

    def on_epoch_end(self, training: Any) -> None:
        estimator = self.estimator
        estimator.t_ += training.data.n_samples
        record_loss(estimator, estimator._shown_loss(training.loss, training.network), verbose=self._verbose)
        if self.held_out is not None:
            recorded = {name: training.history[name][-1] for name in training.history if name.startswith("val_")}
            estimator.validation_loss_curve_.append(float(recorded["val_loss"]))
            self._judge(training, self.held_out.score(estimator, recorded))
        if not self._by_score:
            self._count(estimator.loss_ > estimator.best_loss_ - self._tol)
            estimator.best_loss_ = min(estimator.best_loss_, estimator.loss_)
        estimator._optimizer.end_epoch(estimator.t_, training.network)
        if estimator._no_improvement_count > self._patience:
            self._end_or_slow_down(training)

    def on_fit_end(self, training: Any) -> None:
        self.was_stopped = training.stop_reason is not None
        if self.estimator.n_iter_ == 0:  # the first epoch was interrupted
            self.estimator.loss_ = training.loss
        if self._best is not None:
            self._best.restore(training.network)

    def record_divergence(self) -> bool:
        """Record an epoch that ended because numbers became infinite or NaN. True if the best network so far was restored."""
        record_loss(self.estimator, np.nan, verbose=self._verbose)
        if self._best is None:
            return False
        self.estimator.validation_loss_curve_.append(np.nan)
        self.estimator.validation_scores_.append(np.nan)
        return True

    def _judge(self, training: Any, score: float) -> None:
        estimator = self.estimator
        if self._verbose:
            print(f"Validation score: {score:f}")
        if self._by_score:
            self._count(score < estimator.best_validation_score_ + self._tol)
        if record_score(estimator, score):
            if self._best is None:
                self._best = Snapshot(training.network)
            else:
                self._best.update(training.network)

    def _count(self, is_stuck: bool) -> None:
        self.estimator._no_improvement_count = self.estimator._no_improvement_count + 1 if is_stuck else 0

    def _end_or_slow_down(self, training: Any) -> None:
        estimator, solver = self.estimator, self.estimator._optimizer
        what = "Validation score" if self._by_score else "Training loss"
        reason = f"{what} did not improve more than tol={self._tol:f} for {self._patience} consecutive epochs."
        if solver.lower_rate(training.network):
            estimator._no_improvement_count = 0
            outcome = f"Setting learning rate to {solver.learning_rate:f}"
        else:
            training.stop(reason)
            outcome = "Learning rate too small. Stopping." if solver.rule == "adaptive" else "Stopping."
        if self._verbose:
            print(reason, outcome)
