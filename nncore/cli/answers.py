"""Convert outputs of networks to predictions in the unit of the file, and score them after each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from nncore.cli.task import Task
from nncore.contract import Loss, class_indices
from nncore.tabular import ClassTarget, RealTarget, parse_numbers

#: Scores outputs for rows with these numbers. Higher is better.
EpochScore: TypeAlias = Callable[[np.ndarray, np.ndarray], float]


def true_values(task: Task) -> np.ndarray:
    """Values of the target column: class indices or numbers, shape ``(n_rows,)``."""
    return parse_numbers(task.target, task.table.column(task.target), task.table.place) if task.classes is None else task.classes


def counts(rates: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Expected counts, from rates of shape ``(n_rows, 1)`` and exposures of shape ``(n_rows,)``, in the dtype of the rates."""
    expected: np.ndarray = (rates * exposure[:, None]).astype(rates.dtype)
    return expected


def as_probabilities(outputs: np.ndarray) -> np.ndarray:
    """Normalise rows to sum 1, also if each class has its own sigmoid."""
    return outputs / np.maximum(outputs.sum(axis=1, keepdims=True), np.finfo(outputs.dtype).tiny)


def decoded_numbers(task: Task, target: RealTarget, decided: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Predictions in the unit of the file, shape ``(n_rows,)``; expected counts if rows have exposures."""
    exposure = task.row_values.exposure_of(rows)
    return target.decode(decided if exposure is None else counts(decided, exposure))


def epoch_score(task: Task, target: ClassTarget | RealTarget, loss: Loss) -> EpochScore | None:
    """The score that selects the best epoch, if the user's metric is one that networks cannot compute; else None.

    It scores predictions as in the final report: in the unit of the file, with the weights of rows.
    """
    metric = task.metric
    if metric is None or metric.judge is not None:
        return None
    true = true_values(task)

    def score(outputs: np.ndarray, rows: np.ndarray) -> float:
        decided, weight = loss.decide(outputs), task.row_values.weight_of(rows)
        if isinstance(target, ClassTarget):
            probabilities = as_probabilities(loss.probabilities(outputs)) if loss.has_probabilities else None
            return metric.of_epoch(true[rows], probabilities, class_indices(decided), weight)
        return metric.of_epoch(true[rows], None, decoded_numbers(task, target, decided, rows), weight)

    return score
