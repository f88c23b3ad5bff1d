"""Rosenblatt's perceptron."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nncore._core import PerceptronTrainer, as_c_array
from nncore.arguments import choice, flag, shown
from nncore.errors import ParameterError, warn_user
from nncore.estimators.convergence_warning import ConvergenceWarning
from nncore.estimators.linear_binary import LinearBinaryClassifier, generator
from nncore.estimators.parameters import is_count
from nncore.words import explains_calls

UPDATE = np.dtype([("epoch", np.int64), ("sample", np.int64), ("margin", np.float64)])


@explains_calls
class Perceptron(LinearBinaryClassifier):
    """Rosenblatt's perceptron algorithm for two classes, with a pocket that holds the best weights.

    The classes become y = -1 and y = +1. Every epoch visits all samples. A sample whose margin y (w·x + b) is not positive is a mistake and
    moves the weights: ``w += y x`` and ``b += y``. A margin of exactly 0 is a mistake too, since otherwise w = 0 would never move. The
    algorithm stops after an epoch without mistakes.

    If a hyperplane separates the samples, this happens after at most (R / γ)² + 2‖w₀‖ / γ updates [2]_. R is the largest norm of an
    augmented sample [x, 1]. The margin γ is the maximum over unit vectors u of min y u·[x, 1]. The first weights with their bias are w₀. If
    no hyperplane does, the weights never settle, and the best ones found are returned.

    Parameters
    ----------
    max_epochs : int, default 1000
        Stop after this many epochs, with a `ConvergenceWarning`.
    shuffle : bool, default True
        Visit the samples in a new random order in each epoch, instead of the given order.
    init : {"random", "zeros"}, default "random"
        Initial weights. ``"random"`` draws weights and bias from U(-1/√n, 1/√n), n = n_features. ``"zeros"`` lowers the bound to (R / γ)².
        But from zero, the weights are always sums of samples. If the samples are whole numbers (0 and 1, say), many margins are exactly 0,
        and the weights found are worse. On XOR, two of four samples are then wrong instead of one.
    fit_intercept : bool, default True
        Learn a bias. False fixes b = 0; the bounds then hold for x instead of [x, 1].
    record_updates : bool, default False
        Record every update in `updates_`.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default None
        Seed of the order of visits and of the random initial weights.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features), float64
        Weights: the last ones if `converged_`, else the best ones examined. Examined are the weights at the end of every epoch, and those
        that classified more samples in a row correctly than the best ones so far (Gallant's ratchet [3]_). Counting the errors of all of
        them would cost a pass over the data for each update.
    intercept_ : ndarray of shape (1,), float64
    classes_ : ndarray of shape (2,)
        The labels in sorted order; the second is y = +1.
    n_iter_ : int
        Number of epochs, including the last one without a mistake.
    n_updates_ : int
    n_errors_ : int
        Number of training samples whose margin is not positive under `coef_` and `intercept_`.
    converged_ : bool
        Whether `n_errors_` is 0.
    updates_ : ndarray of shape (n_updates_,), fields "epoch", "sample" (int64) and "margin" (float64)
        With `record_updates`: the epoch (from 1), the row of X, and the margin of each mistake.
    n_features_in_, feature_names_in_
        As in every scikit-learn estimator.

    References
    ----------
    .. [1] Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the brain",
       Psychological Review 65(6), 1958.
    .. [2] Novikoff, "On convergence proofs on perceptrons", Symposium on the Mathematical Theory of Automata, 1962.
    .. [3] Gallant, "Perceptron-based learning algorithms", IEEE Transactions on Neural Networks 1(2), 1990.

    Examples
    --------
    >>> from nncore.estimators import Perceptron
    >>> X = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> gate = Perceptron(random_state=0).fit(X, ["no", "no", "no", "yes"])
    >>> gate.predict([[1, 1], [1, 0]])
    array(['yes', 'no'], dtype='<U3')
    """

    def __init__(
        self,
        max_epochs: int = 1000,
        *,
        shuffle: bool = True,
        init: str = "random",
        fit_intercept: bool = True,
        record_updates: bool = False,
        random_state: int | np.random.Generator | np.random.RandomState | None = None,
    ) -> None:
        self.max_epochs = max_epochs
        self.shuffle = shuffle
        self.init = init
        self.fit_intercept = fit_intercept
        self.record_updates = record_updates
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Find weights that separate two classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Used without a copy if it is a C-contiguous float64 array.
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
            `max_epochs` were not enough to classify every sample correctly.
        """
        self._validate_parameters()
        X, is_second, classes = self._validate_training_data(X, y)
        rng = generator(self.random_state)
        n_samples, n_features = X.shape
        X = as_c_array(X, np.dtype(np.float64))
        trainer = PerceptronTrainer(X, np.where(is_second, 1.0, -1.0), self._first_weights(n_features, rng), self.fit_intercept)
        order = np.arange(n_samples, dtype=np.int64)
        mistakes, margins = np.empty(n_samples, np.int64), np.empty(n_samples, np.float64)
        updates: list[NDArray[Any]] = []
        n_updates = 0
        for epoch in range(1, self.max_epochs + 1):
            n_mistakes = trainer.epoch(rng.permutation(n_samples) if self.shuffle else order, mistakes, margins)
            n_updates += n_mistakes
            if self.record_updates:
                updates.append(_updates(epoch, mistakes[:n_mistakes], margins[:n_mistakes]))
            if n_mistakes == 0:
                break

        self.classes_ = classes
        self.coef_ = trainer.best_weights[np.newaxis, :-1].copy()
        self.intercept_ = trainer.best_weights[-1:].copy()
        self.n_iter_ = epoch
        self.n_updates_ = n_updates
        self.n_errors_ = trainer.best_errors
        self.converged_ = self.n_errors_ == 0
        if self.record_updates:
            self.updates_ = np.concatenate(updates)
        elif hasattr(self, "updates_"):
            del self.updates_
        if not self.converged_:
            warn_user(
                f"the perceptron did not separate the classes in {self.max_epochs} epochs; the best weights found are used, with "
                f"{self.n_errors_} of {n_samples} training samples wrong. Raise max_epochs, scale the features, or use a model "
                "for classes that overlap (LogisticNeuron)",
                ConvergenceWarning,
            )
        return self

    def _validate_parameters(self) -> None:
        if not is_count(self.max_epochs):
            raise ParameterError(f"Perceptron: max_epochs must be an integer of at least 1, got {shown(self.max_epochs)}")
        choice("Perceptron: init", self.init, ("random", "zeros"))
        for name in ("shuffle", "fit_intercept", "record_updates"):
            flag(f"Perceptron: {name}", getattr(self, name))

    def _first_weights(self, n_features: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Weights and, last, the bias; shape (n_features + 1,)."""
        weights = np.zeros(n_features + 1)
        if self.init == "random":
            bound = 1 / np.sqrt(n_features)
            n_drawn = n_features + bool(self.fit_intercept)
            weights[:n_drawn] = rng.uniform(-bound, bound, n_drawn)
        return weights


def _updates(epoch: int, samples: NDArray[np.int64], margins: NDArray[np.float64]) -> NDArray[Any]:
    records = np.empty(len(samples), UPDATE)
    records["epoch"], records["sample"], records["margin"] = epoch, samples, margins
    return records
