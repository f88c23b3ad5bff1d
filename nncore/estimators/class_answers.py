"""Predictions and scores of classifiers."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin

from nncore.arguments import is_list, rescaled
from nncore.contract import Loss
from nncore.data import as_labels, as_weights
from nncore.estimators.available import available_if
from nncore.estimators.class_targets import HEADS, LOG_LOSS, ClassTargets
from nncore.estimators.class_weights import ClassWeights
from nncore.estimators.columns import TableColumns
from nncore.estimators.given import Given
from nncore.estimators.network_estimator import NetworkEstimator, Weigher
from nncore.registry import resolve
from nncore.words import explains_calls


def has_probabilities(estimator: Any) -> bool:
    """Whether the loss gives probabilities. For a fitted estimator, the loss of its training counts."""
    if "_targets" in vars(estimator):
        return bool(estimator._targets.kind == HEADS or estimator._fitted_loss.has_probabilities)
    if isinstance(estimator.loss, str) and estimator.loss == LOG_LOSS:
        return True
    loss: Loss = resolve("losses", estimator.loss)
    return loss.has_probabilities


@explains_calls(but=("predict_one",))
class ClassAnswers(ClassifierMixin, NetworkEstimator):
    """Predictions of a classifier, as a mixin. Another class trains the network."""

    _targets: ClassTargets
    loss: Any

    def _checked_samples(self, X: Any, y: Any, *, learns: TableColumns | None = None, **how: Any) -> tuple[Any, Any]:
        matrix, y = super()._checked_samples(X, as_labels(y), learns=learns, **how)
        return matrix, y if learns is not None else self._targets.recognised(y)

    def _checked_target(self, y: Any) -> Any:
        return super()._checked_target(as_labels(y))

    def _weigher(self, given: Given, y: Any, n_each: NDArray[np.float64] | None = None) -> Weigher:
        if given.class_weight is None:
            return super()._weigher(given, y, n_each)
        weights = ClassWeights(given.class_weight, self._targets, y, n_each)
        return lambda y, sample_weight: weights.of(y) if sample_weight is None else _products(weights.of(y), sample_weight)

    def _counts(self, given: Given, y: Any, sample_weight: NDArray[np.floating] | None) -> NDArray[np.bool_] | None:
        asked = list(given.class_weight) if is_list(given.class_weight) else [given.class_weight]
        columns = [y] if y.ndim == 1 else list(y.T)
        counts = np.ones(len(y), bool)
        for column, weights in zip(columns, asked, strict=False):
            for name, weight in weights.items() if isinstance(weights, Mapping) else ():
                if weight == 0:
                    counts &= column != name
        of_samples = super()._counts(given, y, sample_weight)
        counts = counts if of_samples is None else counts & of_samples
        return None if counts.all() else counts

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the most probable class of each sample.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._answers(X, lambda outputs: self._targets.decode(outputs, self._fitted_loss))

    def predict_one(self, x: Any) -> Any:
        """Predict the class of a single sample, faster than `predict`, which checks a whole array.

        Parameters
        ----------
        x : array-like of shape (n_features,)
            Features of the sample, in the order of the training data. Fastest for an ndarray of ``network_.dtype``, if no column is
            categorical or had missing values.

        Returns
        -------
        label, or ndarray of shape (n_outputs,)
            The prediction that `predict` returns for it.
        """
        output = self._outputs_of_one(x)
        return self._targets.decode_one(output, self._fitted_loss)

    @available_if(has_probabilities)
    def predict_proba(self, X: Any) -> NDArray[np.floating] | list[NDArray[np.floating]]:
        """Predict the probability of each class.

        Only for losses that have probabilities, such as ``"log_loss"``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`. For several classification targets, a list with an array for each.
        """
        outputs = self._outputs(X)
        return self._targets.probabilities(outputs, self._fitted_loss)

    @available_if(has_probabilities)
    def predict_proba_one(self, x: Any) -> NDArray[np.floating] | list[NDArray[np.floating]]:
        """Predict the class probabilities of a single sample, as fast as `predict_one`.

        Parameters
        ----------
        x : array-like of shape (n_features,)
            The sample, as in `predict_one`.

        Returns
        -------
        ndarray of shape (n_classes,), or a list of them
            The probabilities that `predict_proba` returns for it.
        """
        outputs = self._outputs_of_one(x)
        probabilities = self._targets.probabilities(outputs[np.newaxis], self._fitted_loss)
        return [part[0] for part in probabilities] if isinstance(probabilities, list) else probabilities[0]

    @available_if(has_probabilities)
    def predict_log_proba(self, X: Any) -> NDArray[np.floating] | list[NDArray[np.floating]]:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or a list of them
        """
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):  # the logarithm of probability 0 is −∞
            return [np.log(part) for part in probabilities] if isinstance(probabilities, list) else np.log(probabilities)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the accuracy. For several targets, the fraction of samples with all of them right.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, as in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each sample.

        Returns
        -------
        float
        """
        self._check_is_fitted()
        if (found := self._score_of_stream(X, y, sample_weight)) is not None:
            return found
        y = self._targets.recognised(as_labels(y))
        weights = as_weights(sample_weight, y.shape[0] if issparse(y) else len(np.atleast_1d(y)))
        if weights is None and self._targets.is_plain(y):
            predicted = self.predict(X)
            if len(predicted) == len(y):  # otherwise scikit-learn raises the error
                return float(np.average(predicted == y))
        if self._targets.kind != HEADS:
            accuracy: float = super().score(X, y, weights)
            return accuracy
        return float(np.average((self.predict(X) == np.asarray(y)).all(axis=1), weights=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _products(weights: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.floating]:
    """Products of class weights and sample weights; of their ratios if a product would leave the range of float64."""
    with np.errstate(over="ignore", under="ignore"):
        products: NDArray[np.floating] = weights * others
    fits = np.isfinite(products).all() and ((products > 0) == ((weights > 0) & (others > 0))).all()
    return products if fits else rescaled(weights) * rescaled(others)
