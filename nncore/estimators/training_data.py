"""What a fit trains on, and how its first rows become a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncore.data import SparseSamples
from nncore.errors import DataError
from nncore.estimators.held_out import HeldOut

#: What is wrong with samples of which none counts.
NO_WEIGHT = "all training samples have weight 0 (sample_weight, class_weight): give some of them a positive weight"

#: What is wrong with a fit that is to stop early by nothing.
NO_FRACTION = "early_stopping=True needs validation samples: set validation_fraction above 0, or pass X_val and y_val"

#: Beyond it, or its inverse, weights were meant for their ratios.
_FAR_FROM_1 = 1e15


@dataclass
class TrainingData:
    """Samples of a fit, as the network takes them.

    Attributes
    ----------
    X : ndarray or SparseSamples of shape (n_samples, n_columns)
    target : ndarray
        As the loss takes it.
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
        """Some of the samples."""
        X = self.X.select(chosen) if isinstance(self.X, SparseSamples) else self.X[chosen]
        return TrainingData(X, self.target[chosen], None if self.weights is None else self.weights[chosen])

    @property
    def sample(self) -> TrainingData:
        """Itself: it is all there."""
        return self

    def penalty(self, alpha: float, batch_size: int) -> float:
        """λ of a network whose batches are to have scikit-learn's penalty.

        That is ½·alpha·ΣW² divided by the sum of the weights of a batch; λ is for whole batches of mean weight. Weights so far from 1 that
        they would leave only the penalty, or none of it, stand for their ratios: their mean counts as 1.
        """
        weights = np.ones(1) if self.weights is None else self.weights
        with np.errstate(over="ignore"):  # of weights that are far from 1
            return penalty_of(alpha, batch_size, float(weights.mean(dtype=np.float64)), float(weights.max()))


def penalty_of(alpha: float, batch_size: int, mean: float, largest: float) -> float:
    """`TrainingData.penalty` for weights of a mean and a largest one."""
    if largest == 0:
        raise DataError(NO_WEIGHT)
    is_near_1 = 1 / _FAR_FROM_1 <= largest <= _FAR_FROM_1
    return alpha / (batch_size * (mean if is_near_1 else 1.0))
