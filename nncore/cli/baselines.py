"""Scores of other models on the same rows, to compare the network with."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nncore import registry
from nncore.cli.answers import true_values
from nncore.cli.evaluation import evaluate, scores_of_classes, scores_of_numbers
from nncore.cli.experiment import Fitted, Parts, batch_size, fit, row_weights
from nncore.cli.settings import Settings
from nncore.cli.task import Task
from nncore.cli.terminal import notice
from nncore.errors import NNCoreError
from nncore.tabular import ClassTarget

#: Names of the baselines in text.
NAMES = {"linear": "a linear model", "boosting": "HistGradientBoosting"}

#: Approximate number of steps of a linear model at `LINEAR_RATE`, and bounds of its epochs.
LINEAR_STEPS = 3_000
LINEAR_RATE = 0.02
FEWEST_EPOCHS, MOST_EPOCHS = 20, 400

#: Boosting grows trees for each class. With more classes, or more numbers times classes, it would take minutes, longer than the network.
MOST_CLASSES = 30
MOST_NUMBERS = 30_000_000

#: Trees of smaller tables are grown by one thread. Several threads would mostly wait for each other, for seconds on a busy machine.
FEWEST_NUMBERS_TO_SHARE = 1_000_000

#: Largest number of codes of a category in scikit-learn. A column with more is treated as numeric.
MOST_CODES = 255

#: The boosting loss for each of nncore's losses; the squared error for all others.
BOOSTING_LOSSES = {"poisson": "poisson", "mae": "absolute_error", "quantile": "quantile"}


def baselines(settings: Settings, task: Task, scored: Sequence[Fitted]) -> dict[str, list[dict[str, float]]]:
    """Scores of each baseline for each of the networks `scored`, on the same rows. Baselines are trained on all rows that are not held out.

    Some baselines are left out: the linear one if the network itself is linear, and boosting without scikit-learn or if `why_no_boosting`
    gives a reason.
    """
    found: dict[str, list[dict[str, float]]] = {}
    if not _is_linear(settings):
        with _left_out_where_it_fails("linear"):
            found["linear"] = [_linear(settings, task, one) for one in scored]
    with contextlib.suppress(ImportError):
        import sklearn.ensemble as ensemble

        if not any(why_no_boosting(task, one) for one in scored):
            with _left_out_where_it_fails("boosting"):
                found["boosting"] = [_boosting(ensemble, settings, task, one) for one in scored]
    return found


@contextlib.contextmanager
def _left_out_where_it_fails(key: str) -> Iterator[None]:
    """Leave out a baseline that fails. The network is already trained, and must still be saved."""
    try:
        yield
    except (NNCoreError, ValueError, MemoryError) as error:
        notice(f"{NAMES[key]} is left out of the baselines: {str(error).splitlines()[0] if str(error) else type(error).__name__}")


def _is_linear(settings: Settings) -> bool:
    return settings.model == "mlp" and not settings.mlp.hidden


def why_no_boosting(task: Task, fitted: Fitted) -> str:
    """Why boosting is not used as a baseline, or ""."""
    rows = _learnt(fitted.parts)
    n_classes = 2 if task.classes is None else len(np.unique(task.classes[rows]))
    if n_classes < 2:
        return "there is one class"
    if n_classes > MOST_CLASSES:
        return f"it grows trees for each of {n_classes} classes"
    n_numbers = len(rows) * fitted.encoder.n_inputs * (1 if n_classes == 2 else n_classes)
    return f"{len(rows)} rows of {fitted.encoder.n_inputs} inputs would take minutes" if n_numbers > MOST_NUMBERS else ""


def _linear(settings: Settings, task: Task, fitted: Fitted) -> dict[str, float]:
    """Train a network without hidden layers, that is a linear or logistic regression, until it converges."""
    rows = _learnt(fitted.parts)
    epochs = -(-LINEAR_STEPS * batch_size(len(rows)) // len(rows))
    plain = replace(
        settings,
        model="mlp", hidden=(), optimizer="adam", lr=LINEAR_RATE, schedule={"lr": "cosine"}, group=None, sampler=None, transform=(),
        weight_decay=1e-4, clip_norm=None, batch_size=None, epochs=min(max(epochs, FEWEST_EPOCHS), MOST_EPOCHS), patience=0,
        precision=None,
    )  # fmt: skip
    # The rows may be a sample, without some of the classes and categories.
    linear = fit(plain, task, Parts(rows, rows[:0], fitted.parts.test), encoder=fitted.encoder if fitted.n_streamed else None)
    if linear.interrupted:
        raise KeyboardInterrupt
    return evaluate(linear, task).scores


def _boosting(ensemble: Any, settings: Settings, task: Task, fitted: Fitted) -> dict[str, float]:
    """Train gradient-boosted trees with default settings, on the inputs of the network."""
    rows, test, encoder, values = _learnt(fitted.parts), fitted.parts.test, fitted.encoder, task.row_values
    X, _ = encoder.transform(task.table)
    categories = [column for column, n_codes in encoder.coded().items() if n_codes <= MOST_CODES]
    options: dict[str, Any] = {"categorical_features": categories or None, "random_state": settings.seed}
    true, weight = true_values(task), row_weights(settings, encoder, task, rows)
    with _threads(1 if X.size < FEWEST_NUMBERS_TO_SHARE else settings.threads):
        if isinstance(encoder.target, ClassTarget):
            counts = np.bincount(true[rows])
            if counts[counts > 0].min() < 2:
                options["early_stopping"] = False  # it would split the rows of each class
            classifier = ensemble.HistGradientBoostingClassifier(**options).fit(X[rows], true[rows], sample_weight=weight)
            probabilities = np.zeros((len(test), len(encoder.target.classes)))
            probabilities[:, classifier.classes_] = classifier.predict_proba(X[test])
            return scores_of_classes(task, test, probabilities, probabilities.argmax(axis=1))
        exposure = np.ones(len(true)) if values.exposure is None else values.exposure
        regressor = ensemble.HistGradientBoostingRegressor(**options, **_loss(task, true[rows]))
        regressor.fit(X[rows], true[rows] / exposure[rows], sample_weight=weight)
        return scores_of_numbers(task, test, regressor.predict(X[test]) * exposure[test])


def _loss(task: Task, true: np.ndarray) -> Mapping[str, Any]:
    name = BOOSTING_LOSSES.get(registry.qualified_name("losses", type(task.loss)), "squared_error")
    if name == "poisson" and not true.any():  # not supported by scikit-learn
        return {}
    level = {"quantile": float(np.atleast_1d(task.loss.config()["quantiles"])[0])} if name == "quantile" else {}
    return {"loss": name, **level}


def _learnt(parts: Parts) -> np.ndarray:
    """All rows except those held out. Baselines are also trained on the validation rows of early stopping."""
    return np.sort(np.concatenate([parts.training, parts.validation]))


@contextlib.contextmanager
def _threads(limit: int | None) -> Iterator[None]:
    """Limit the threads of scikit-learn's trees to those of the network."""
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    with threadpool_limits(limit):
        yield
