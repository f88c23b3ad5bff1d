"""The metric of ``--metric``: a registered metric, or a scorer of scikit-learn."""

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

#: Warning filters are global to the process, and several threads score networks.
_QUIET = threading.Lock()


@dataclass(frozen=True)
class AskedMetric:
    """The metric that the user requested.

    Attributes
    ----------
    name : str
        Name in reports.
    judge : Metric or None
        Metric that the network computes to select the best epoch; None if `of_epoch` computes it in Python.
    scorer : callable or None
        ``scorer(estimator, X, y, sample_weight=...)`` of scikit-learn; None for a metric.
    """

    name: str
    judge: Metric | None = None
    scorer: Callable[..., float] | None = None

    def of_answers(
        self, true: np.ndarray, probabilities: np.ndarray | None, predicted: np.ndarray, weight: np.ndarray | None
    ) -> dict[str, float]:
        """Score a model's predictions by the scorer, or by a metric for classes.

        Parameters
        ----------
        true, predicted : ndarray of shape (n_rows,)
            Class indices, or numbers.
        probabilities : ndarray of shape (n_rows, n_classes) or None
        weight : ndarray of shape (n_rows,) or None

        Raises
        ------
        ParameterError
            If it cannot be computed for such predictions.
        """
        if self.scorer is None:
            assert self.judge is not None, "one of the two is asked"
            if probabilities is None:
                return {}
            try:
                value = self.judge.score(probabilities, true, weight)
            except (ShapeError, DataError):  # such as a metric of numbers, which the network itself refuses with a clear message
                return {}
            return {self.name: value} if np.isfinite(value) else {}
        value = self._asked(self.scorer, true, probabilities, predicted, weight)
        if not np.isfinite(value):
            raise ParameterError(f"--metric {self.name} cannot be computed on the {len(true)} rows held out; choose another metric")
        return {self.name: value}

    def of_epoch(self, true: np.ndarray, probabilities: np.ndarray | None, predicted: np.ndarray, weight: np.ndarray | None) -> float:
        """Score predictions for validation rows, with the shapes of `of_answers`. Higher is better; NaN means no score.

        Raises
        ------
        ParameterError
            If it cannot be computed for such predictions.
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
                warnings.simplefilter("ignore")  # such as about classes that were never predicted; the score shows that
                return float(scorer(_estimator(true, probabilities, predicted), np.zeros((len(true), 1)), true, **weights))
        except (ValueError, TypeError, AttributeError) as error:
            raise ParameterError(f"--metric {self.name}: {str(error).splitlines()[0]}; choose another metric") from None


def find_metric(text: str) -> AskedMetric:
    """Find a metric by name.

    Raises
    ------
    UnknownComponentError
        If there is none. The message lists the valid names.
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
    """An estimator for scikit-learn's scorers that returns these predictions for any input."""
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
