"""Predictions of networks and estimators in one form, for displays that compare them with true values."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.arguments import shown
from nncore.contract import class_indices
from nncore.data import as_numbers
from nncore.errors import DataError, DtypeError, ParameterError, ShapeError
from nncore.network import Sequential


def probabilities(model: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Predicted classes and probabilities of samples.

    Parameters
    ----------
    model : network or estimator
        Classifier with `predict_proba`, or only with `predict`: then the predicted class has probability 1.
    X : array-like of shape (n_samples, n_features)

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        0, 1, ... for a network; a single output is the probability of 1.
    probability : ndarray of shape (n_samples, n_classes)
    """
    _check_predicts(model)
    if isinstance(model, Sequential):
        output = np.asarray(model.predict_proba(X), np.float64)
        if output.ndim != 2:
            raise ShapeError(f"classes need one vector of outputs for each sample, but this network returns shape {output.shape[1:]}")
        if output.shape[1] == 1:
            output = np.concatenate([1 - output, output], axis=1)
        return np.arange(output.shape[1]), output
    if hasattr(model, "predict_proba"):
        return np.asarray(model.classes_), np.asarray(model.predict_proba(X), np.float64)
    predicted = np.asarray(model.predict(X))
    classes = np.asarray(getattr(model, "classes_", np.unique(predicted)))
    return classes, (predicted[:, None] == classes).astype(np.float64)


def predicted_classes(model: Any, X: Any) -> np.ndarray:
    """Class of every sample, shape (n_samples,): indices for a network, else what the estimator predicts."""
    _check_predicts(model)
    if not isinstance(model, Sequential):
        return np.asarray(model.predict(X))
    classes, probability = probabilities(model, X)
    if model.loss is not None and model.loss.has_own_decision:
        return class_indices(model.loss.decide(model.predict_proba(X)))
    predicted: np.ndarray = classes[probability.argmax(axis=1)]
    return predicted


def predicted_values(model: Any, X: Any) -> np.ndarray:
    """Value of every sample for a regression with a single output, shape (n_samples,)."""
    _check_predicts(model)
    return as_vector(as_reals(model.predict(X), "predictions"))


def _check_predicts(model: Any) -> None:
    if isinstance(model, type) or not callable(getattr(model, "predict", None)):
        raise ParameterError(f"estimator must be a network or an estimator, which has predict; got {shown(model)}")


def as_vector(values: np.ndarray) -> np.ndarray:
    """Convert a single column to a vector. Other arrays are unchanged."""
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def as_reals(values: Any, name: str) -> np.ndarray:
    """`values` as float64; `name` is that of the argument."""
    try:
        return as_numbers(values, name).astype(np.float64)
    except DtypeError as error:
        raise DataError(f"residuals need numbers: {error}; ConfusionDisplay compares classes") from None
