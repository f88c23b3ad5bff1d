"""Validation data of a fit, and the score of epochs on them."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer, get_scorer_names

from nncore.arguments import rescaled, shown
from nncore.contract import History, Metric, decided_mode, direction
from nncore.data import SparseSamples, Stream
from nncore.errors import ParameterError
from nncore.network import metric_name
from nncore.registry import names, resolve

#: Name of the negative validation loss as a score.
LOSS = "loss"


def check_validation(X_val: Any, y_val: Any, sample_weight_val: Any) -> None:
    """Raise `ParameterError` for incomplete validation data."""
    if (X_val is None) != (y_val is None):
        raise ParameterError("only one of X_val and y_val is given: pass both, or neither")
    if X_val is None and sample_weight_val is not None:
        raise ParameterError("sample_weight_val needs X_val and y_val: pass them too, or leave it out")


@dataclass
class HeldOut:
    """Validation samples in memory.

    Attributes
    ----------
    X : array-like, sparse matrix or frame of shape (n_samples, n_features)
        Features in the user's form, for scorers.
    matrix : ndarray or SparseSamples of shape (n_samples, n_columns)
        Encoded for the network.
    y : array of shape (n_samples,) or (n_samples, n_outputs)
        Targets in the user's form, for scorers.
    target : ndarray
        Encoded for the network's loss.
    sample_weight : ndarray of shape (n_samples,) or None
    judge : Judge
    """

    X: Any
    matrix: np.ndarray | SparseSamples
    y: Any
    target: np.ndarray
    sample_weight: np.ndarray | None
    judge: Judge

    @property
    def for_network(self) -> tuple[Any, ...]:
        """The ``validation`` argument of `Sequential.fit`."""
        return self.matrix, self.target, self.sample_weight

    def score_of_network(self, estimator: Any) -> float:
        """Score of the estimator with the network that it has."""
        X, target, weights = self.for_network
        scores = estimator.network_.evaluate(X, target, sample_weight=weights, metrics=self.judge.metrics)
        return self.score(estimator, {f"val_{name}": value for name, value in scores.items()})

    def score(self, estimator: Any, recorded: Mapping[str, float]) -> float:
        """Score of the estimator as it is now, higher being better; `recorded` has loss and metrics of `for_network`."""
        return self.judge(estimator, self, recorded)


@dataclass
class HeldOutStream:
    """Streamed validation samples.

    Attributes
    ----------
    stream : Stream
    judge : Judge
        A judge that needs no scorer.
    """

    stream: Stream
    judge: Judge

    @property
    def for_network(self) -> tuple[Any, ...]:
        """The ``validation`` argument of `Sequential.fit`."""
        return self.stream, None, None

    def score_of_network(self, estimator: Any) -> float:
        """Score of the estimator with the network that it has."""
        limit = estimator.memory_limit
        scores = estimator.network_.evaluate(self.stream, metrics=self.judge.metrics, memory_limit=limit)
        return self.score(estimator, {f"val_{name}": value for name, value in scores.items()})

    def score(self, estimator: Any, recorded: Mapping[str, float]) -> float:
        """Score of the estimator as it is now, higher being better; `recorded` has loss and metrics of `for_network`."""
        return self.judge(estimator, self, recorded)


class Judge:
    """The score of a fit on validation data.

    Parameters
    ----------
    scoring : str, callable, Metric or None
        ``"loss"``, a metric of the registry (by name or instance), one of scikit-learn's scorers, or ``scorer(estimator, X, y)``.
    default : str, Metric or dict
        Meaning of None. A dict also replaces a `scoring` with its name, adapted to the target.

    Attributes
    ----------
    spec : str, callable, Metric or dict
        The resolved `scoring`.
    metrics : list of Metric
        Metrics that the network itself computes, which is faster than a scorer.
    """

    def __init__(self, scoring: Any, default: Any) -> None:
        if scoring is None or (isinstance(default, Mapping) and scoring == default["name"]):
            scoring = default
        self.spec = scoring
        self.metrics: list[Metric] = []
        self._scorer: Callable[..., float] | None = None
        self._takes_weights = False
        if isinstance(scoring, str) and scoring == LOSS:
            return
        if isinstance(scoring, (Metric, Mapping)) or (isinstance(scoring, str) and scoring in names("metrics")):
            self.metrics = [resolve("metrics", scoring)]
        elif callable(scoring):
            self._scorer = scoring
        elif isinstance(scoring, str) and scoring in get_scorer_names():
            self._scorer = get_scorer(scoring)
        else:
            wanted = f"'loss', a metric ({', '.join(names('metrics'))}), the name of one of scikit-learn's scorers, or a scorer"
            raise ParameterError(f"scoring must be {wanted}, got {shown(scoring)}")
        self._check_direction()
        self._takes_weights = self._scorer is not None and "sample_weight" in inspect.signature(self._scorer).parameters

    def _check_direction(self) -> None:
        """Raise `ParameterError` for a score of unknown direction, or one declared as an error."""
        for metric in self.metrics:
            decided_mode("scoring", metric_name(metric), "auto", _mode(metric))
        name = getattr(self._scorer, "__name__", "")
        if name and getattr(self._scorer, "__module__", "").startswith("sklearn.metrics"):
            raise ParameterError(f"scoring={name} takes predictions: pass sklearn.metrics.make_scorer({name}), or the name of a scorer")
        if direction(name) == "min":
            raise ParameterError(
                f"scoring={name}: a scorer must return higher values for better predictions, but its name says that lower is better: "
                f"return the negative, and call it neg_{name}"
            )

    def __call__(self, estimator: Any, held_out: HeldOut | HeldOutStream, recorded: Mapping[str, float]) -> float:
        if self._scorer is not None:
            assert isinstance(held_out, HeldOut), "scorers are refused where samples go by"
            return self.by_scorer(estimator, held_out)
        if not self.metrics:
            return -float(recorded["val_loss"])
        value = float(recorded[f"val_{metric_name(self.metrics[0])}"])
        return -value if self.is_error else value

    def by_scorer(self, estimator: Any, held_out: HeldOut) -> float:
        """Score of the estimator by scikit-learn's or the user's scorer."""
        assert self._scorer is not None, "asked for only where there is one"
        given = held_out.sample_weight if self._takes_weights else None
        weights = {} if given is None else {"sample_weight": rescaled(given)}
        return float(self._scorer(estimator, held_out.X, held_out.y, **weights))

    @property
    def is_error(self) -> bool:
        """Whether a lower loss or metric is better, so that the score is its negative."""
        return self._scorer is None and (not self.metrics or _mode(self.metrics[0]) != "max")

    @property
    def needs_estimator(self) -> bool:
        """Whether it is a scorer, which runs in Python."""
        return self._scorer is not None

    @property
    def is_of_scikit_learn(self) -> bool:
        """Whether it is a scorer that only uses predictions, so that it works with any estimator."""
        return self._scorer is not None and hasattr(self._scorer, "_score_func")


def _mode(metric: Metric) -> str | None:
    return History({metric_name(metric): metric.higher_is_better}).mode(metric_name(metric))
