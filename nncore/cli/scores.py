"""Scores of predictions, as numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from nncore.cli.terminal import percent, significant
from nncore.metrics.balanced_accuracy import BalancedAccuracy
from nncore.metrics.log_loss import LogLoss
from nncore.metrics.roc_auc import ROCAUC

#: Scores that are shown in percent.
_SHARES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy"}
_NAMES = {"roc_auc": "ROC AUC", "log_loss": "log loss", "r2": "R²", "rmse": "RMSE", "mae": "MAE"}


def class_scores(
    true: np.ndarray, probabilities: np.ndarray | None, predicted: np.ndarray, weight: np.ndarray | None = None
) -> dict[str, float]:
    """Accuracy and balanced accuracy; with probabilities also log loss, and ROC AUC for two classes.

    Parameters
    ----------
    true, predicted : ndarray of shape (n_rows,), int
        Class indices.
    probabilities : ndarray of shape (n_rows, n_classes) or None
    weight : ndarray of shape (n_rows,), optional
        Weight of each row.
    """
    if weight is None:
        weight = np.ones(len(true))
    counted = np.bincount(true, weight)
    right = np.bincount(true, weight * (predicted == true))
    balanced = BalancedAccuracy().from_means(np.concatenate([right, counted]))
    scores = {"accuracy": float(right.sum() / counted.sum()), "balanced_accuracy": balanced}
    if probabilities is None:
        return scores
    probabilities = probabilities.astype(np.float32, copy=False)  # so that a probability of 0 has the same cost for all models
    scores["log_loss"] = LogLoss().score(probabilities, true, weight)
    if probabilities.shape[1] == 2 and np.count_nonzero(counted) == 2:
        scores["roc_auc"] = ROCAUC().score(probabilities, true, weight)
    return scores


def regression_scores(true: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> dict[str, float]:
    """R² (if the true values differ), and RMSE and MAE in the unit of the target. Arguments have shape ``(n_rows,)``."""
    errors = RunningErrors()
    errors.add(true, predicted, weight)
    return errors.scores()


@dataclass
class RunningErrors:
    """Accumulates errors of numbers block by block."""

    n_rows: int = 0
    _weight: float = 0.0
    _squares: float = 0.0
    _absolute: float = 0.0
    _mean: float = 0.0
    _spread: float = 0.0  # Σ(y − mean)²

    def add(self, true: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> None:
        """Add a block of shape ``(n_rows,)``; without weights, all rows have weight 1."""
        self.n_rows += len(true)
        if weight is None:
            weight = np.ones(len(true))
        if not (n := float(weight.sum())):
            return
        mean = float(weight @ true) / n
        # Chan, Golub & LeVeque 1983: the sum of squares about the common mean.
        self._spread += float(weight @ (true - mean) ** 2) + (mean - self._mean) ** 2 * self._weight * n / (self._weight + n)
        self._mean += (mean - self._mean) * n / (self._weight + n)
        self._squares += float(weight @ (predicted - true) ** 2)
        self._absolute += float(weight @ np.abs(predicted - true))
        self._weight += n

    def scores(self) -> dict[str, float]:
        """None if no row counts."""
        if not self._weight:
            return {}
        r2 = {"r2": 1 - self._squares / self._spread} if self._spread > 0 else {}
        return {**r2, "rmse": float(np.sqrt(self._squares / self._weight)), "mae": self._absolute / self._weight}


@dataclass
class RunningAccuracy:
    """Accumulates the accuracy block by block, and labels that are unknown from training."""

    n_rows: int = 0
    _weight: float = 0.0
    _right: float = 0.0
    strangers: set[str] = field(default_factory=set)

    def add(self, true: Sequence[str], predicted: Sequence[str], known: frozenset[str], weight: np.ndarray | None = None) -> None:
        self.n_rows += len(true)
        is_right = np.fromiter((p == t for p, t in zip(predicted, true, strict=True)), dtype=bool, count=len(true))
        self._right += float(is_right.sum() if weight is None else weight @ is_right)
        self._weight += float(len(true) if weight is None else weight.sum())
        if len(self.strangers) <= 5:  # more are not shown
            self.strangers |= set(true) - known

    def scores(self) -> dict[str, float]:
        """None if no row counts."""
        return {"accuracy": self._right / self._weight} if self._weight else {}


@dataclass(frozen=True)
class ClassReport:
    """Number of rows, precision and recall of one class."""

    label: str
    n_rows: int
    precision: float
    recall: float
    f1: float


def class_reports(true: np.ndarray, predicted: np.ndarray, labels: Sequence[str]) -> list[ClassReport]:
    """Report of each class. `true` and `predicted` are indices into `labels`. Precision or recall without rows is 0."""
    found = []
    for k, label in enumerate(labels):
        n_both, n_true, n_predicted = int(np.sum((true == k) & (predicted == k))), int(np.sum(true == k)), int(np.sum(predicted == k))
        f1 = 2 * n_both / max(n_true + n_predicted, 1)
        found.append(ClassReport(label, n_true, n_both / max(n_predicted, 1), n_both / max(n_true, 1), f1))
    return found


def score_name(name: str) -> str:
    """Name of a score for text: ``"ROC AUC"`` for ``"roc_auc"``."""
    return _SHARES.get(name) or _NAMES.get(name) or name


def score_value(name: str, value: float) -> str:
    if name in _SHARES:
        return percent(value)
    return f"{value:z.3f}" if name in ("r2", "log_loss", "roc_auc") else significant(value)


def in_words(scores: Mapping[str, float]) -> str:
    """``accuracy 97.1 %, log loss 0.104``."""
    return ", ".join(f"{score_name(name)} {score_value(name, value)}" for name, value in scores.items())


def spread_in_words(name: str, values: Sequence[float]) -> str:
    """``accuracy 97.1 % ± 0.4 %``: mean and standard deviation."""
    return f"{score_name(name)} {score_value(name, float(np.mean(values)))} ± {score_value(name, float(np.std(values)))}"
