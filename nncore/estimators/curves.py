"""Record every epoch, or iteration of L-BFGS, in the attributes of an estimator."""

from __future__ import annotations

from typing import Any


def record_loss(estimator: Any, loss: float, *, verbose: bool) -> None:
    """Count an epoch, and record and print its training loss."""
    estimator.n_iter_ += 1
    estimator.loss_ = float(loss)
    estimator.loss_curve_.append(estimator.loss_)
    if verbose:
        print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")


def record_score(estimator: Any, score: float) -> bool:
    """Record a score on validation data. Returns whether it is the best so far."""
    estimator.validation_scores_.append(score)
    is_best: bool = score > estimator.best_validation_score_
    if is_best:
        estimator.best_validation_score_ = score
    return is_best
