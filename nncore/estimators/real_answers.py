"""Predictions and scores of regressors."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from nncore.arguments import flag
from nncore.contract import Metric
from nncore.data import as_numbers, as_weights, check_finite
from nncore.estimators.network_estimator import NetworkEstimator
from nncore.estimators.real_targets import RealTargets
from nncore.registry import resolve
from nncore.words import explains_calls


@explains_calls(but=("predict_one",))
class RealAnswers(RegressorMixin, NetworkEstimator):
    """Predictions of a regressor, as a mixin. Another class trains the network."""

    _targets: RealTargets
    _target_checks: ClassVar[dict[str, Any]] = {"y_numeric": True}

    def predict(self, X: Any, return_std: bool = False) -> NDArray[np.floating] | tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Predict the targets of samples.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, as in `fit`.
        return_std : bool, default False
            Also return the standard deviations; needs ``loss="gaussian_nll"``.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets), or two of them
            Predictions. If a loss has several outputs for each target, such as quantiles, they are along a last axis.
        """
        with_std = flag("return_std", return_std)
        if not with_std:
            predictions: NDArray[np.floating] = self._answers(X, lambda outputs: self._targets.decode(outputs, self._fitted_loss))
            return predictions
        outputs, loss = self._outputs(X), self._fitted_loss
        return self._targets.decode(outputs, loss), self._targets.deviations(outputs, self._loss_of_outputs)

    def predict_one(self, x: Any) -> Any:
        """Predict the target of a single sample, faster than `predict`, which checks a whole array.

        Parameters
        ----------
        x : array-like of shape (n_features,)
            Features of the sample, in the order of the training data. Fastest for an ndarray of ``network_.dtype``, if no column is
            categorical or had missing values.

        Returns
        -------
        float, or ndarray of shape (n_targets,)
            The prediction that `predict` returns for it.
        """
        outputs = self._outputs_of_one(x)
        return self._targets.decode(outputs[np.newaxis], self._fitted_loss)[0]

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return R² of the predictions for squared errors, and the D² of the loss for other losses.

        D² is the fraction of the loss of the best constant prediction that the network avoids. It exists for absolute errors, the pinball
        loss, Huber's loss, and the deviance of ``"poisson"``. For several quantiles it uses their mean pinball loss, before quantiles are
        sorted, which never makes them worse. A loss without such a score, such as ``"gaussian_nll"`` or a function, returns the negative
        mean loss.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, as in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each sample.

        Returns
        -------
        float
            At most 1, or the negative loss. Higher is better.
        """
        self._check_is_fitted()
        if (found := self._score_of_stream(X, y, sample_weight)) is not None:
            return found
        y = np.atleast_1d(as_numbers(y, "y"))
        check_finite(y, "y", np.dtype(np.float64))
        weights = as_weights(sample_weight, len(y))
        loss = self._fitted_loss
        if loss.judge is None:
            return -self._mean_loss(X, y, sample_weight)
        if loss.judge == "r2":
            r2: float = super().score(X, y, weights)
            return r2
        judge: Metric = resolve("metrics", loss.judge)
        return judge.score(*self._as_judged(self._outputs(X), self._targets.encode(y.reshape(len(y), -1))), weights)

    def _as_judged(self, outputs: NDArray[np.floating], targets: np.ndarray) -> tuple[NDArray[np.floating], np.ndarray]:
        """Outputs and targets in the units of the loss's hyperparameters."""
        return outputs, targets
