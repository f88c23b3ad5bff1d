"""Check that a score can be computed on the validation samples, by good predictions, before training."""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any

import numpy as np

from nncore.contract import Metric
from nncore.errors import DataError
from nncore.estimators.class_targets import HEADS, MULTILABEL, ClassTargets
from nncore.estimators.held_out import HeldOut


def check_judge(estimator: Any, held_out: HeldOut) -> None:
    """Raise `DataError` if the score on `held_out` is not a number, or is the same for all predictions.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Estimator with the network to be trained.
    held_out : HeldOut
    """
    judge, is_regression = held_out.judge, not isinstance(estimator._targets, ClassTargets)
    try:
        if judge.is_of_scikit_learn:
            scores = _by_scorer(estimator, held_out)
        elif is_regression and judge.metrics:
            scores = [_rating(judge.metrics[0], held_out, estimator.n_outputs_, distance) for distance in (1, 2)]
        else:
            scores = [held_out.score_of_network(estimator)]
    except Exception as error:  # a scorer may raise anything
        _refuse(held_out, f"{type(error).__name__}: {error}", error)
    if any(math.isnan(score) for score in scores):
        _refuse(held_out, "it is NaN")
    if is_regression and len(scores) == 2 and scores[0] == scores[1]:
        _refuse(held_out, f"it is {scores[0]:g} for different predictions, because all targets are equal")


def _by_scorer(estimator: Any, held_out: HeldOut) -> list[float]:
    """Scores of perfect or nearly perfect predictions. scikit-learn's warning about an undefined score is an error here."""
    stand_ins = [StandIn(estimator, held_out.y, distance) for distance in (1, 2)]
    with warnings.catch_warnings():  # global to all threads: used only where needed, and not for warnings of fits in other threads
        warnings.filterwarnings("error", category=UserWarning, module=r"sklearn\.(metrics|utils)\b")
        return [held_out.judge.by_scorer(stand_in.estimator, held_out) for stand_in in stand_ins]


def _refuse(held_out: HeldOut, why: str, error: Exception | None = None) -> None:
    n_samples = len(held_out.matrix)
    raise DataError(
        f"scoring={held_out.judge.spec!r} cannot score the {n_samples} validation sample{'s' * (n_samples > 1)} ({why}): hold out other or "
        "more samples (X_val and y_val, validation_fraction), or use another scoring"
    ) from error


def shifted(y: np.ndarray, distance: float) -> np.ndarray:
    """Predictions above the targets, in proportion to their spread; never 0 if the targets are at least 0."""
    values = np.asarray(y, np.float64)
    spread = float(values.std()) or max(1.0, float(np.abs(values).max()))
    return values + distance * spread * np.linspace(0.1, 0.2, len(values)).reshape(-1, *[1] * (values.ndim - 1))


def _rating(metric: Metric, held_out: HeldOut, n_outputs: int, distance: float) -> float:
    target = np.asarray(held_out.target, np.float64).reshape(len(held_out.target), -1)
    output = np.repeat(shifted(target, distance), max(1, n_outputs // target.shape[1]), axis=1)
    return metric.score(output, target, held_out.sample_weight)


class StandIn:
    """A copy of an estimator that predicts the correct classes, or nearly correct numbers.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    y : array-like
        Correct targets.
    distance : float
        Distance of predicted numbers from them.

    Attributes
    ----------
    estimator : MLPClassifier or MLPRegressor
        A copy.
    """

    def __init__(self, estimator: Any, y: Any, distance: float) -> None:
        self.estimator = copy.copy(estimator)
        targets = estimator._targets
        if not isinstance(targets, ClassTargets):
            self._answer(predict=shifted(y, distance))
            return
        self._answer(predict=y)
        if not hasattr(estimator, "predict_proba"):
            return
        sure = [np.eye(len(classes))[codes] * 0.9 + 0.1 / len(classes) for classes, codes in targets.columns(y)]
        found: Any = sure if targets.kind == HEADS else np.column_stack([p[:, 1] for p in sure]) if targets.kind == MULTILABEL else sure[0]
        self._answer(predict_proba=found, predict_log_proba=[np.log(p) for p in found] if isinstance(found, list) else np.log(found))

    def _answer(self, **answers: Any) -> None:
        """Replace methods of the copy by ones that return fixed results."""
        for name, answer in answers.items():

            def method(X: Any, answer: Any = answer) -> Any:
                return answer

            method.__name__ = name  # the name that scorers look up
            setattr(self.estimator, name, method)
