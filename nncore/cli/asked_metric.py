"""What ``--metric`` names: a metric of the registry, or a scorer of scikit-learn."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nncore import registry
from nncore.cli.arguments import component
from nncore.configuration import require
from nncore.errors import DataError, ParameterError, ShapeError, UnknownComponentError
from nncore.network import metric_name

if TYPE_CHECKING:
    from nncore.contract import Metric

#: Filters of warnings are those of the process, and networks are scored in several threads.
_QUIET = threading.Lock()


@dataclass(frozen=True)
class AskedMetric:
    """A score that was asked for.

    Attributes
    ----------
    name : str
        Under which it is shown.
    judge : Metric or None
        What chooses the best epoch, computed by the network itself; None for what is asked in Python, by `of_epoch`.
    scorer : callable or None
        ``scorer(estimator, X, y, sample_weight=...)`` of scikit-learn; None for a metric.
    """

    name: str
    judge: Metric | None = None
    scorer: Callable[..., float] | None = None

    def of_answers(
        self, true: np.ndarray, probabilities: np.ndarray | None, predicted: np.ndarray, weight: np.ndarray | None
    ) -> dict[str, float]:
        """What the scorer, or a metric of classes, makes of the answers of some model.

        Parameters
        ----------
        true, predicted : ndarray of shape (n_rows,)
            Class indices, or numbers.
        probabilities : ndarray of shape (n_rows, n_classes) or None
        weight : ndarray of shape (n_rows,) or None

        Raises
        ------
        ParameterError
            If it cannot be computed of such answers.
        """
        if self.scorer is None:
            assert self.judge is not None, "one of the two is asked"
            if probabilities is None:
                return {}
            try:
                value = self.judge.score(probabilities, true, weight)
            except (ShapeError, DataError):  # as of a metric of numbers, which its own network refuses by name
                return {}
            return {self.name: value} if np.isfinite(value) else {}
        value = self._asked(self.scorer, true, probabilities, predicted, weight)
        if not np.isfinite(value):
            raise ParameterError(f"--metric {self.name} cannot be computed on the {len(true)} rows held out; choose another metric")
        return {self.name: value}

    def of_epoch(self, true: np.ndarray, probabilities: np.ndarray | None, predicted: np.ndarray, weight: np.ndarray | None) -> float:
        """How good answers for validation rows are, of the shapes of `of_answers`; more is better, and NaN is no score.

        Raises
        ------
        ParameterError
            If it cannot be computed of such answers.
        """
        assert self.scorer is not None, "a metric is computed by the network"
        return self._asked(self.scorer, true, probabilities, predicted, weight)

    def _asked(
        self,
        scorer: Callable[..., float],
        true: np.ndarray,
        probabilities: np.ndarray | None,
        predicted: np.ndarray,
        weight: np.ndarray | None,
    ) -> float:
        weights = {} if weight is None else {"sample_weight": weight}
        try:
            with _QUIET, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # as of classes that were never predicted, where the score says enough
                return float(scorer(_estimator(true, probabilities, predicted), np.zeros((len(true), 1)), true, **weights))
        except (ValueError, TypeError, AttributeError) as error:
            raise ParameterError(f"--metric {self.name}: {str(error).splitlines()[0]}; choose another metric") from None


def find_metric(text: str) -> AskedMetric:
    """The metric of that name.

    Raises
    ------
    UnknownComponentError
        If there is none, with the names that there are.
    """
    described = component(text)
    name = described["name"]
    try:
        metric = registry.resolve("metrics", described)
    except UnknownComponentError as unknown:
        try:
            metrics: Any = require("sklearn.metrics", extra="sklearn", purpose=f"--metric {name}, which is not a metric of nncore,")
        except ImportError as missing:
            raise UnknownComponentError(f"{unknown}; {missing}") from None
        if len(described) > 1 or name not in metrics.get_scorer_names():
            raise UnknownComponentError(f"{unknown}; scikit-learn's scorers are {', '.join(metrics.get_scorer_names())}") from None
        return AskedMetric(name, scorer=metrics.get_scorer(name))
    return AskedMetric(metric_name(metric), judge=metric)


def _estimator(true: np.ndarray, probabilities: np.ndarray | None, predicted: np.ndarray) -> Any:
    """What scikit-learn's scorers ask for answers, with these answers whatever is asked."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    def predict(self: Any, X: np.ndarray) -> np.ndarray:
        return predicted

    def predict_proba(self: Any, X: np.ndarray) -> np.ndarray | None:
        return probabilities

    members: dict[str, Any] = {"predict": predict}
    if not np.issubdtype(true.dtype, np.integer):
        return type("Answers", (RegressorMixin, BaseEstimator), members)()
    n_classes = max(int(true.max()), int(predicted.max())) + 1 if probabilities is None else probabilities.shape[1]
    members["classes_"] = np.arange(n_classes)
    if probabilities is not None:
        members["predict_proba"] = predict_proba
    return type("Answers", (ClassifierMixin, BaseEstimator), members)()
