"""Logistic regression: one neuron with a sigmoid, trained by nncore."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nncore.activations.sigmoid import Sigmoid
from nncore.arguments import as_number, shown
from nncore.contract import Callback, History, Optimizer
from nncore.errors import ParameterError, warn_user
from nncore.estimators.convergence_warning import ConvergenceWarning
from nncore.estimators.linear_binary import LinearBinaryClassifier, generator
from nncore.estimators.parameters import is_count
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.optimizers.nesterov import Nesterov
from nncore.optimizers.sgd import SGD
from nncore.registry import resolve
from nncore.typing import OptimizerLike
from nncore.words import explains_calls

#: Largest second derivative of log(1 + exp(z)).
LOGISTIC_CURVATURE = 0.25


@explains_calls
class LogisticNeuron(LinearBinaryClassifier):
    """Logistic regression without penalty: P(second class) = σ(w·x + b).

    A network of one unit minimises the mean of -Y log p - (1 - Y) log(1 - p), where Y = 1 for the second class. It predicts the second
    class where σ(w·x + b) > 0.5. The features are standardised and decorrelated first, and the weights are folded back afterwards. Neither
    their scales nor their correlations slow training: the loss then curves by at most ¼ in any direction. So a learning rate of 4 is safe
    for every data set.

    Parameters
    ----------
    max_epochs : int, default 1000
        Maximum number of passes over the samples.
    batch_size : int or None, default None
        Number of samples of each step. None takes all of them: gradient descent. With smaller batches, the weights stay at a distance from
        the optimum that falls with the learning rate.
    optimizer : Optimizer, str, dict or None, default None
        Optimizer of the weights for the decorrelated features. None is Nesterov's momentum 0.9 with a learning rate of 4 for full batches.
        For smaller ones it is SGD with a tenth of the learning rate that is safe for them on average [2]_.
    tol : float, default 1e-7
        With full batches, training has converged when no entry of the gradient (for the decorrelated features) exceeds this in two
        consecutive epochs.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default None
        Seed that decides which samples share a batch. Full batches need none: training starts from zero.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features), float64
        Weights for the original features. If features are linear combinations of others, these are the smallest weights (of the
        standardised features) that reach the optimum. A constant feature has weight 0.
    intercept_ : ndarray of shape (1,), float64
    classes_ : ndarray of shape (2,)
        The labels in sorted order; the second has Y = 1.
    n_iter_ : int
        Number of epochs.
    loss_curve_ : ndarray of shape (n_iter_,), float64
        Mean loss during each epoch.
    converged_ : bool
        Whether `tol` was reached at an optimum. Always False for smaller batches. Also False if a hyperplane separates the classes, since
        the loss then has no minimum.
    n_features_in_, feature_names_in_
        As in every scikit-learn estimator.

    References
    ----------
    .. [1] Cox, "The regression analysis of binary sequences", Journal of the Royal Statistical Society B 20(2), 1958.
    .. [2] Gower et al., "SGD: general analysis and improved rates", ICML 2019, proposition 3.8.

    Examples
    --------
    >>> from nncore.estimators import LogisticNeuron
    >>> neuron = LogisticNeuron().fit([[0], [1], [2], [3]], [0, 1, 0, 1])
    >>> neuron.predict_proba([[1.5]]).round(6)
    array([[0.5, 0.5]])
    """

    _components: ClassVar[Mapping[str, str]] = {"optimizer": "optimizers"}

    def __init__(
        self,
        max_epochs: int = 1000,
        *,
        batch_size: int | None = None,
        optimizer: OptimizerLike | None = None,
        tol: float = 1e-7,
        random_state: int | np.random.Generator | np.random.RandomState | None = None,
    ) -> None:
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on samples of two classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            Labels: numbers, text or booleans, with exactly two different values. None is a missing label. Labels of different types are not
            allowed.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            A parameter is outside its range.
        DataError
            `X` has NaN or infinite numbers, or `y` has missing or mixed labels, or not exactly two classes.

        Warns
        -----
        ConvergenceWarning
            With full batches: `tol` was not reached, or a hyperplane separates the classes.
        """
        self._validate_parameters()
        X, is_second, classes = self._validate_training_data(X, y)
        coordinates = Coordinates.of(X)
        Z, n_samples = coordinates.samples, len(X)
        batch_size = n_samples if self.batch_size is None else min(self.batch_size, n_samples)
        full_batch = batch_size == n_samples

        network = Sequential(Dense(1, weight_initializer="zeros", bias_initializer="zeros"))
        history: History = network.fit(
            Z,
            is_second[:, np.newaxis].astype(np.float64),
            loss="binary_cross_entropy",
            optimizer=_default_optimizer(Z, batch_size) if self.optimizer is None else resolve("optimizers", self.optimizer),
            epochs=self.max_epochs,
            batch_size=batch_size,
            shuffle=not full_batch,
            drop_last=True,  # a last batch of a few samples would need a smaller learning rate; they come in other batches later
            callbacks=[StopAtSmallGradient(self.tol)] if full_batch else [],
            clip_value=sys.float_info.max if full_batch else None,  # changes none, and keeps all of them for the callback to look at
            rng=int(generator(self.random_state).integers(2**31)),
            progress=False,
            dtype="float64",
        ).whole()

        self.classes_ = classes
        weight, bias = network.named_parameters().values()
        self.coef_, self.intercept_ = coordinates.fold_back(weight[:, 0], bias)
        self.loss_curve_ = history["loss"]
        self.n_iter_ = len(history)
        separated = bool(((X @ self.coef_[0] + self.intercept_[0] > 0) == is_second).all())
        self.converged_ = history.stop_reason == StopAtSmallGradient.reason and not separated
        if full_batch and not self.converged_:
            message = (
                "a hyperplane separates the classes, so the loss has no minimum: larger weights are always better. The weights "
                f"of epoch {self.n_iter_} are used; for an optimum, use more samples or fewer features"
                if separated
                else f"the gradient is still above tol={self.tol:g} after {self.n_iter_} epochs: raise max_epochs or tol"
            )
            warn_user(message, ConvergenceWarning)
        return self

    def decision(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return w·x + b of each sample: `decision_function` under the name it has in `MPNeuron`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,)
            Above 0 for the second class.
        """
        return self.decision_function(X)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict the probabilities of both classes, 1 - σ(w·x + b) and σ(w·x + b).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, 2), float64
            In the order of `classes_`.
        """
        return _probabilities(self.decision_function(X))

    def predict_proba_one(self, x: ArrayLike) -> NDArray[np.float64]:
        """Predict the probabilities of both classes for a single sample, faster than `predict_proba`.

        Parameters
        ----------
        x : array-like of shape (n_features,)
            Features of the sample, in the order of the training data.

        Returns
        -------
        ndarray of shape (2,), float64
            The probabilities that `predict_proba` returns for it.
        """
        return _probabilities(np.array([self._score_of_one(x)]))[0]

    def _validate_parameters(self) -> None:
        counts = {"max_epochs": self.max_epochs} | ({} if self.batch_size is None else {"batch_size": self.batch_size})
        for name, value in counts.items():
            if not is_count(value):
                raise ParameterError(f"LogisticNeuron: {name} must be an integer of at least 1, got {shown(value)}")
        if (tol := as_number(self.tol)) is None or not tol >= 0:
            raise ParameterError(f"LogisticNeuron: tol must be a number of at least 0, got {shown(self.tol)}")


@dataclass(frozen=True)
class Coordinates:
    """Features standardised and turned so that their covariance is the identity.

    Attributes
    ----------
    samples : ndarray of shape (n_samples, n_directions)
        Z = (X - mean) · directions.
    mean : ndarray of shape (n_features,)
    directions : ndarray of shape (n_features, n_directions)
    """

    samples: NDArray[np.float64]
    mean: NDArray[np.float64]
    directions: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray[np.float64]) -> Coordinates:
        n_samples, n_features = X.shape
        low, high = X.min(axis=0), X.max(axis=0)
        mean = low + (X - low).mean(axis=0)  # exact for a constant feature
        # A constant feature becomes 0 and gets weight 0. Dividing by the range first keeps squares from over- and underflowing.
        span = np.where(high > low, high - low, np.inf)
        deviation = (X - mean) / span
        scale = np.where(high > low, np.sqrt((deviation**2).mean(axis=0)), 1.0)
        deviation /= scale
        _, singular, turned = np.linalg.svd(deviation, full_matrices=False)
        kept = singular > singular[0] * max(n_samples, n_features) * np.finfo(np.float64).eps
        kept[0] = True  # a network needs an input, if only one that is always 0
        stretch = np.sqrt(n_samples) / np.where(singular[kept] > 0, singular[kept], 1.0)
        turn = turned[kept].T * stretch
        return cls(deviation @ turn, mean, turn / (scale * span)[:, np.newaxis])

    def fold_back(self, weight: NDArray[np.float64], bias: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights ``(1, n_features)`` and bias ``(1,)`` that do with X what the given ones do with Z."""
        coef = self.directions @ weight
        return coef[np.newaxis], bias - self.mean @ coef


class StopAtSmallGradient(Callback):
    """Stops when no entry of the gradient of a full batch exceeded `tol` in two epochs running.

    In one epoch alone, momentum may be carrying the weights right past the optimum.
    """

    reason = "the gradient is small"

    def __init__(self, tol: float) -> None:
        self.tol = tol
        self.was_small = False

    def on_epoch_end(self, training: Any) -> None:
        is_small = bool(np.abs(training.network.gradients).max() <= self.tol)
        if is_small and self.was_small:
            training.stop(self.reason)
        self.was_small = is_small


def _probabilities(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    # σ(-z) is 1 - σ(z) with all its digits where σ(z) is near 1.
    return Sigmoid().forward(np.column_stack([-scores, scores]))


def _default_optimizer(Z: NDArray[np.float64], batch_size: int) -> Optimizer:
    n_samples = len(Z)
    if batch_size == n_samples:
        return Nesterov(1 / LOGISTIC_CURVATURE, momentum=0.9)
    # Of the curvature of the mean loss (1 for the covariance of [z, 1]) and that of the steepest single sample, batches drawn
    # without replacement see a mixture.
    steepest = 1 + (Z**2).sum(axis=1).max()
    part = (n_samples - batch_size) / (batch_size * (n_samples - 1))
    return SGD(0.1 / (LOGISTIC_CURVATURE * ((1 - part) + part * steepest)))
