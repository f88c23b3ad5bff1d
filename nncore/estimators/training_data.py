"""Training data of a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncore.data import SparseSamples
from nncore.errors import DataError
from nncore.estimators.held_out import HeldOut

#: Message about samples that all have weight 0.
NO_WEIGHT = "all training samples have weight 0 (sample_weight, class_weight): give some of them a positive weight"

#: Message about early stopping without validation samples.
NO_FRACTION = "early_stopping=True needs validation samples: set validation_fraction above 0, or pass X_val and y_val"

#: Beyond this, or its inverse, only the ratios of weights count.
_FAR_FROM_1 = 1e15


@dataclass
class TrainingData:
    """Samples of a fit, encoded for the network.

    Attributes
    ----------
    X : ndarray or SparseSamples of shape (n_samples, n_columns)
    target : ndarray
        Targets encoded for the loss.
    weights : ndarray of shape (n_samples,) or None
    held_out : HeldOut or None
    """

    X: np.ndarray | SparseSamples
    target: np.ndarray
    weights: np.ndarray | None
    held_out: HeldOut | None = None
    memory_limit: None = None

    def __len__(self) -> int:
        return len(self.X)

    def rows(self, chosen: np.ndarray) -> TrainingData:
        """Select some of the samples."""
        X = self.X.select(chosen) if isinstance(self.X, SparseSamples) else self.X[chosen]
        return TrainingData(X, self.target[chosen], None if self.weights is None else self.weights[chosen])

    @property
    def sample(self) -> TrainingData:
        """Returns itself: all samples are in memory."""
        return self

    def penalty(self, alpha: float, batch_size: int) -> float:
        """λ of a network for scikit-learn's penalty.

        scikit-learn's penalty is ½·alpha·ΣW² divided by the sum of the weights of a batch; λ is for full batches of mean weight. Weights so
        far from 1 that only the penalty, or nothing of it, would remain are scaled to mean 1.
        """
        weights = np.ones(1) if self.weights is None else self.weights
        with np.errstate(over="ignore"):  # for weights that are far from 1
            return penalty_of(alpha, batch_size, float(weights.mean(dtype=np.float64)), float(weights.max()))


def penalty_of(alpha: float, batch_size: int, mean: float, largest: float) -> float:
    """`TrainingData.penalty` for weights with a mean and a largest value."""
    if largest == 0:
        raise DataError(NO_WEIGHT)
    is_near_1 = 1 / _FAR_FROM_1 <= largest <= _FAR_FROM_1
    return alpha / (batch_size * (mean if is_near_1 else 1.0))
