"""How good a network is on rows it has not seen: scores, and what each column contributes to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nncore.cli.experiment import Fitted
from nncore.cli.scores import class_scores, regression_scores
from nncore.cli.task import Task
from nncore.cli.terminal import significant
from nncore.contract import class_indices
from nncore.tabular import ClassTarget, RealTarget, parse_numbers

if TYPE_CHECKING:
    from nncore.network import Sequential

#: More rows than these are not needed to see which columns matter.
IMPORTANCE_ROWS = 10_000

#: How often a column is shuffled, in all.
IMPORTANCE_REPEATS = 10


#: Of more columns than these, those are shuffled whose inputs move most with the outputs: shuffling all would take time with their square.
IMPORTANCE_COLUMNS = 200


@dataclass(frozen=True)
class Evaluation:
    """A network against the rows held out from it.

    Attributes
    ----------
    scores : dict of str to float
        The first is the one to look at: ``accuracy`` or ``r2``.
    baseline : dict of str to float
        Those of always giving the commonest class, or the mean, of the rows learnt from.
    naive : str
        That class or mean.
    true, predicted : ndarray of shape (n_rows,)
        Class indices, or numbers in the unit of the file.
    rows : ndarray of shape (n_rows,), int64
        Their rows in the table.
    """

    scores: dict[str, float]
    baseline: dict[str, float]
    naive: str
    true: np.ndarray
    predicted: np.ndarray
    rows: np.ndarray


def evaluate(fitted: Fitted, task: Task) -> Evaluation:
    """Score a network on the rows held out from it, of which there is at least one."""
    held_out = task.table.select_rows(fitted.parts.test.tolist())
    X, _ = fitted.encoder.transform(held_out)
    outputs = predictions(fitted.network, X)
    target = fitted.encoder.target
    learnt = task.table.select_rows(fitted.parts.training.tolist())
    if isinstance(target, ClassTarget):
        true = target.encode(held_out.column(target.name))
        naive = Counter(learnt.column(target.name)).most_common(1)[0][0]
        shares = np.bincount(target.encode(learnt.column(target.name)), minlength=len(target.classes)) / learnt.n_rows
        predicted = class_indices(decided(fitted.network, outputs))
        always = np.tile(shares, (len(true), 1))
        has_probabilities = gives_probabilities(fitted.network)
        return Evaluation(
            class_scores(true, as_probabilities(outputs) if has_probabilities else None, predicted),
            class_scores(true, always if has_probabilities else None, shares.argmax() + 0 * true),
            str(naive),
            true,
            predicted,
            fitted.parts.test,
        )
    true = _numbers(target, held_out.column(target.name))
    mean = float(_numbers(target, learnt.column(target.name)).mean())
    predicted, always_the_mean = target.decode(decided(fitted.network, outputs)), np.full_like(true, mean)
    return Evaluation(
        regression_scores(true, predicted),
        regression_scores(true, always_the_mean),
        significant(mean),
        true,
        predicted,
        fitted.parts.test,
    )


def predictions(network: Sequential, X: np.ndarray) -> np.ndarray:
    """What the outputs mean: probabilities, rates or numbers; shape ``(n_rows, n_outputs)``."""
    return network.predict_proba(X)


def decided(network: Sequential, outputs: np.ndarray) -> np.ndarray:
    """What the network's loss decides for `predictions`."""
    return outputs if network.loss is None else network.loss.decide(outputs)


def gives_probabilities(network: Sequential) -> bool:
    """Whether `predictions` are probabilities of classes."""
    if network.loss is None:  # its plugin is missing
        return network.link in ("softmax", "sigmoid")
    return network.loss.has_probabilities


def as_probabilities(outputs: np.ndarray) -> np.ndarray:
    """Rows that sum to 1, also where each class has a sigmoid of its own."""
    return outputs / np.maximum(outputs.sum(axis=1, keepdims=True), np.finfo(outputs.dtype).tiny)


def _numbers(target: RealTarget, values: Sequence[str | None]) -> np.ndarray:
    return parse_numbers(target.name, values, str)


@dataclass(frozen=True)
class Importance:
    """How much worse the main score becomes when the cells of one column are exchanged among the rows; over repeats."""

    column: str
    mean: float
    std: float


def importances(fitted: Sequence[Fitted], task: Task, seed: int) -> list[Importance]:
    """Permutation importance of every column the networks see, on the rows held out from each; the greatest first.

    Of many columns the `IMPORTANCE_COLUMNS` whose inputs move most with the outputs of the first network.

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
        table = task.table.select_rows(rows.tolist())
        X, _ = one.encoder.transform(table)
        true = one.encoder.transform_target(table)
        before = _main_score(one, X, true)
        spans = one.encoder.spans()
        examined = examined or _moving(spans, X, predictions(one.network, X))
        for name in filter(examined.__contains__, spans):
            inputs = spans[name]
            kept = X[:, inputs].copy()
            for _ in range(repeats):
                X[:, inputs] = kept[rng.permutation(len(rows))]
                drops.setdefault(name, []).append(before - _main_score(one, X, true))
            X[:, inputs] = kept
    found = [Importance(name, float(np.mean(values)), float(np.std(values))) for name, values in drops.items()]
    return sorted(found, key=lambda importance: -importance.mean)


def _moving(spans: Mapping[str, slice], X: np.ndarray, outputs: np.ndarray) -> set[str]:
    """The columns whose inputs are most correlated with an output."""
    if len(spans) <= IMPORTANCE_COLUMNS:
        return set(spans)
    spread = X.std(axis=0, dtype=np.float64)
    covariance = np.abs((outputs - outputs.mean(axis=0, dtype=np.float64)).T.astype(np.float64) @ X).max(axis=0)
    strength = np.divide(covariance, spread, out=np.zeros_like(covariance), where=spread > 0)
    return set(sorted(spans, key=lambda name: -float(strength[spans[name]].max()))[:IMPORTANCE_COLUMNS])


def _main_score(fitted: Fitted, X: np.ndarray, true: np.ndarray) -> float:
    """Accuracy, or R² of the target as it is scaled for training (the same in any unit)."""
    outputs = predictions(fitted.network, X)
    if isinstance(fitted.encoder.target, ClassTarget):
        return float(np.mean(class_indices(decided(fitted.network, outputs)) == true))
    return regression_scores(true, decided(fitted.network, outputs)[:, 0]).get("r2", 0.0)
