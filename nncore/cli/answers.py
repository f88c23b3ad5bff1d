"""From outputs of networks to answers in the unit of the file, and how good those of validation rows are while a network is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from nncore.cli.task import Task
from nncore.contract import Loss, class_indices
from nncore.tabular import ClassTarget, RealTarget, parse_numbers

#: The score of outputs for some rows, by their numbers; more is better.
EpochScore: TypeAlias = Callable[[np.ndarray, np.ndarray], float]


def true_values(task: Task) -> np.ndarray:
    """What stands in the column to predict: class indices or numbers, shape ``(n_rows,)``."""
    return parse_numbers(task.target, task.table.column(task.target), task.table.place) if task.classes is None else task.classes


def counts(rates: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """What is expected of rates ``(n_rows, 1)`` in exposures ``(n_rows,)``, in the rates' own precision."""
    expected: np.ndarray = (rates * exposure[:, None]).astype(rates.dtype)
    return expected


def as_probabilities(outputs: np.ndarray) -> np.ndarray:
    """Rows that sum to 1, also where each class has a sigmoid of its own."""
    return outputs / np.maximum(outputs.sum(axis=1, keepdims=True), np.finfo(outputs.dtype).tiny)


def decoded_numbers(task: Task, target: RealTarget, decided: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Numbers in the unit of the file, of counts with exposures those that are expected; shape ``(n_rows,)``."""
    exposure = task.row_values.exposure_of(rows)
    return target.decode(decided if exposure is None else counts(decided, exposure))


def epoch_score(task: Task, target: ClassTarget | RealTarget, loss: Loss) -> EpochScore | None:
    """What chooses the best epoch where a score was asked for that no network computes itself; None elsewhere.

    The answers are scored as they are shown in the end: in the unit of the file, by the weights of rows.
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
