"""Evaluate a network on held-out rows: scores, and the importance of each column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nncore.cli.answers import as_probabilities, decoded_numbers, true_values
from nncore.cli.experiment import Fitted, Parts, targets
from nncore.cli.scores import class_scores, regression_scores
from nncore.cli.task import Task
from nncore.cli.terminal import significant
from nncore.contract import class_indices
from nncore.errors import ParameterError
from nncore.tabular import ClassTarget, RealTarget

#: Largest number of rows for importances.
IMPORTANCE_ROWS = 10_000

#: Number of shuffles of a column, in total.
IMPORTANCE_REPEATS = 10


#: Largest number of columns to shuffle: those whose inputs correlate most with the outputs. Time for all would grow quadratically.
IMPORTANCE_COLUMNS = 200


@dataclass(frozen=True)
class Evaluation:
    """Results of a network on its held-out rows.

    Attributes
    ----------
    scores : dict of str to float
        Scores. The first is the main one: ``accuracy`` or ``r2``.
    baseline : dict of str to float
        Scores of always predicting the most frequent class, or the mean, of the training rows.
    naive : str
        That class or mean.
    true, predicted : ndarray of shape (n_rows,)
        Class indices, or numbers in the unit of the file.
    rows : ndarray of shape (n_rows,), int64
        Row numbers in the table.
    """

    scores: dict[str, float]
    baseline: dict[str, float]
    naive: str
    true: np.ndarray
    predicted: np.ndarray
    rows: np.ndarray


def evaluate(fitted: Fitted, task: Task) -> Evaluation:
    """Score a network on its held-out rows, of which there must be at least one."""
    rows, target = fitted.parts.test, fitted.encoder.target
    X, _ = fitted.model.inputs(task.table.select_rows(rows))
    outputs = fitted.model.outputs(X)
    if isinstance(target, ClassTarget):
        has_probabilities = fitted.model.gives_probabilities
        predicted = class_indices(fitted.model.decided(outputs))
        probabilities = as_probabilities(fitted.model.probabilities(outputs)) if has_probabilities else None
        scores = scores_of_classes(task, rows, probabilities, predicted)
        scores |= _asked_of_network(fitted, task, outputs, scores)
        return Evaluation(scores, *naive_classes(task, target, fitted.parts, has_probabilities), true_values(task)[rows], predicted, rows)
    predicted = decoded_numbers(task, target, fitted.model.decided(outputs), rows)
    scores = scores_of_numbers(task, rows, predicted)
    scores |= _asked_of_network(fitted, task, outputs, scores)
    return Evaluation(scores, *naive_number(task, fitted.parts), true_values(task)[rows], predicted, rows)


def scores_of_classes(task: Task, rows: np.ndarray, probabilities: np.ndarray | None, predicted: np.ndarray) -> dict[str, float]:
    """Scores of a model's predictions for `rows`, with the requested metric if it can be computed."""
    true, weight = true_values(task)[rows], task.row_values.weight_of(rows)
    return _with_asked(task, class_scores(true, probabilities, predicted, weight), true, probabilities, predicted, weight)


def scores_of_numbers(task: Task, rows: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Scores of predicted numbers in the unit of the file."""
    true, weight = true_values(task)[rows], task.row_values.weight_of(rows)
    return _with_asked(task, regression_scores(true, predicted, weight), true, None, predicted, weight)


def _with_asked(
    task: Task,
    scores: dict[str, float],
    true: np.ndarray,
    probabilities: np.ndarray | None,
    predicted: np.ndarray,
    weight: np.ndarray | None,
) -> dict[str, float]:
    asked = task.metric
    return scores if asked is None or asked.name in scores else scores | asked.of_answers(true, probabilities, predicted, weight)


def _asked_of_network(fitted: Fitted, task: Task, outputs: np.ndarray, scores: dict[str, float]) -> dict[str, float]:
    """The requested registered metric, if it is not among the scores yet, on the held-out rows, as computed after epochs.

    For counts with exposures, it is the metric of the rates."""
    asked, rows, target = task.metric, fitted.parts.test, fitted.encoder.target
    if asked is None or asked.judge is None or asked.name in scores:
        return {}
    true = targets(fitted.encoder, task, rows)
    if isinstance(target, RealTarget):
        outputs, true = target.decode(outputs)[:, None], target.inverse(true)[:, None]
    return {asked.name: asked.judge.score(outputs, true, task.row_values.scale(rows))}


def naive_classes(task: Task, target: ClassTarget, parts: Parts, has_probabilities: bool = True) -> tuple[dict[str, float], str]:
    """Scores of always predicting the most frequent class of the training rows, and that class."""
    sums = np.bincount(true_values(task)[parts.training], task.row_values.weight_of(parts.training), len(target.classes))
    always, n = int(sums.argmax()), len(parts.test)
    shares = np.tile(sums / sums.sum(), (n, 1)) if has_probabilities else None
    return scores_of_classes(task, parts.test, shares, np.full(n, always)), target.classes[always]


def naive_number(task: Task, parts: Parts) -> tuple[dict[str, float], str]:
    """Scores of always predicting the mean (or mean rate) of the training rows, and that number."""
    true, values = true_values(task), task.row_values
    weight = np.ones(len(parts.training)) if values.weight is None else values.weight[parts.training]
    exposure = np.ones(len(true)) if values.exposure is None else values.exposure
    mean = float(weight @ true[parts.training]) / float(weight @ exposure[parts.training])
    return scores_of_numbers(task, parts.test, mean * exposure[parts.test]), significant(mean)


def check_metric(task: Task, divided: Sequence[Parts]) -> None:
    """Raise `ParameterError` before training if the requested metric cannot be computed for such rows."""
    if task.metric is None or task.metric.judge is not None:
        return
    for parts in divided:
        if not len(parts.test):  # only validation rows are scored
            parts = replace(parts, test=parts.training)
        if task.classes is None:
            scores, _ = naive_number(task, parts)
        else:
            scores, _ = naive_classes(task, ClassTarget.fit(task.target, task.table.column(task.target)), parts)
        if task.metric.name not in scores:
            what = f"is for {'numbers' if task.classes is not None else 'classes'}, or for two classes: it does not fit {task.target!r}"
            raise ParameterError(f"--metric {task.metric.name} {what}; choose another metric")


@dataclass(frozen=True)
class Importance:
    """Decrease of the main score when a column is shuffled, over repeats."""

    column: str
    mean: float
    std: float


def importances(fitted: Sequence[Fitted], task: Task, seed: int) -> list[Importance]:
    """Permutation importance of every feature column on the held-out rows of each network, the largest first.

    With many columns, only the `IMPORTANCE_COLUMNS` whose inputs correlate most with the outputs of the first network.

    References
    ----------
    Breiman, "Random forests", 2001; Fisher, Rudin & Dominici, "All models are wrong, but many are useful", 2019.
    """
    rng = np.random.default_rng([seed, 1])
    drops: dict[str, list[float]] = {}
    repeats = max(1, IMPORTANCE_REPEATS // len(fitted))
    examined: set[str] = set()
    for one in fitted:
        rows = one.parts.test
        if len(rows) > IMPORTANCE_ROWS:
            rows = np.sort(rng.choice(rows, IMPORTANCE_ROWS, replace=False))
        table = task.table.select_rows(rows)
        X, _ = one.model.inputs(table)
        true = task.classes[rows] if task.classes is not None else targets(one.encoder, task, rows)
        scale = task.row_values.scale(rows)
        before = _main_score(one, X, true, scale)
        spans = one.model.spans()
        examined = examined or _moving(spans, X, one.model.outputs(X))
        for name in filter(examined.__contains__, spans):
            inputs = spans[name]
            kept = X[:, inputs].copy()
            for _ in range(repeats):
                X[:, inputs] = kept[rng.permutation(len(rows))]
                drops.setdefault(name, []).append(before - _main_score(one, X, true, scale))
            X[:, inputs] = kept
    found = [Importance(name, float(np.mean(values)), float(np.std(values))) for name, values in drops.items()]
    return sorted(found, key=lambda importance: -importance.mean)


def _moving(spans: Mapping[str, slice], X: np.ndarray, outputs: np.ndarray) -> set[str]:
    """The columns whose inputs correlate most with an output."""
    if len(spans) <= IMPORTANCE_COLUMNS:
        return set(spans)
    X = np.nan_to_num(X)
    spread = X.std(axis=0, dtype=np.float64)
    covariance = np.abs((outputs - outputs.mean(axis=0, dtype=np.float64)).T.astype(np.float64) @ X).max(axis=0)
    strength = np.divide(covariance, spread, out=np.zeros_like(covariance), where=spread > 0)
    return set(sorted(spans, key=lambda name: -float(strength[spans[name]].max()))[:IMPORTANCE_COLUMNS])


def _main_score(fitted: Fitted, X: np.ndarray, true: np.ndarray, weight: np.ndarray | None) -> float:
    """Accuracy, or R² of the scaled target (R² does not depend on the unit); for counts with exposures, R² of the rates."""
    outputs = fitted.model.outputs(X)
    if isinstance(fitted.encoder.target, ClassTarget):
        return class_scores(true, None, class_indices(fitted.model.decided(outputs)), weight)["accuracy"]
    return regression_scores(true, fitted.model.decided(outputs)[:, 0], weight).get("r2", 0.0)
