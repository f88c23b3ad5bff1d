"""Targets for regression as the networks of a fold learn them, and predictions in the units of the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Loss
from nncore.estimators.real_targets import NOT_NEGATIVE, RealTargets
from nncore.estimators.standardizer import Standardizer
from nncore.losses.gaussian_nll import GaussianNLL


@dataclass(frozen=True)
class TargetScale:
    """What training rows say of targets.

    Attributes
    ----------
    scale : Standardizer
    lowest, highest : ndarray of shape (n_targets,), float64, or None
        The range that predictions are clipped to.
    """

    scale: Standardizer
    lowest: NDArray[np.float64] | None
    highest: NDArray[np.float64] | None

    @classmethod
    def fit(
        cls, targets: RealTargets, y: NDArray[np.floating], sample_weight: NDArray[np.floating] | None, loss: Loss, *, clips: bool
    ) -> Self | None:
        """From the targets of training rows and their weights; None for a loss that takes no scaled ones. Rates are not clipped.

        Raises
        ------
        DataError
            If targets are so large that their squares overflow.
        """
        scale = targets.scale_of(y, loss, sample_weight)
        if scale is None:
            return None
        columns = y.reshape(len(y), -1)
        is_clipped = clips and loss.target_range != NOT_NEGATIVE
        return cls(scale, *((columns.min(axis=0), columns.max(axis=0)) if is_clipped else (None, None)))

    def transform(self, y: NDArray[np.floating]) -> NDArray[np.floating]:
        """Targets as networks see them, in the shape of `y`."""
        return self.scale.transform(y.reshape(len(y), -1)).reshape(y.shape)

    def inverse(self, outputs: NDArray[np.floating], loss: Loss) -> NDArray[np.floating]:
        """Outputs after the link of the loss, (n_samples, n_outputs), in the units of the targets; float64."""
        values = outputs.astype(np.float64)
        n_targets = len(self.scale.mean)
        if isinstance(loss, GaussianNLL):
            log_variances = np.maximum(values[:, n_targets:], np.log(loss.min_variance))
            return np.hstack([self._clipped(self.scale.inverse(values[:, :n_targets]), 1), log_variances + 2 * np.log(self.scale.std)])
        n_each = values.shape[1] // n_targets
        return self._clipped(self.scale.inverse(values, n_each), n_each)

    def _clipped(self, values: NDArray[np.floating], n_each: int) -> NDArray[np.floating]:
        if self.lowest is None or self.highest is None:
            return values
        return np.clip(values, np.repeat(self.lowest, n_each), np.repeat(self.highest, n_each))
