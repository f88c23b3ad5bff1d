"""Targets for regression as the networks of a fold learn them, and predictions in the units of the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Loss
from nncore.data import Standardizer
from nncore.losses.gaussian_nll import GaussianNLL

#: `Loss.target_range` of counts and rates, which have a unit and no origin but 0.
NOT_NEGATIVE = "[0, inf)"


def scale_of(y: NDArray[np.floating], sample_weight: NDArray[np.floating] | None, loss: Loss, n_outputs: int) -> Standardizer | None:
    """What makes targets of mean 0 and standard deviation 1; of mean 1, where the loss takes none below 0.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_targets)
    sample_weight : ndarray of shape (n_samples,) or None
    loss : Loss
    n_outputs : int
        Outputs of a network for such targets.

    Returns
    -------
    Standardizer or None
        None if the loss takes no scaled targets: of a bounded range, or of which several make one output.

    Raises
    ------
    DataError
        If targets are so large that their squares overflow.
    """
    n_targets = 1 if y.ndim == 1 else y.shape[1]
    if loss.target_range not in (None, NOT_NEGATIVE) or n_outputs % n_targets:
        return None
    columns = y.reshape(len(y), -1)
    labels = ["y"] if y.ndim == 1 else [f"column {i} of y" for i in range(n_targets)]
    scale = Standardizer.fit(columns, range(n_targets), sample_weight, labels)
    if loss.target_range == NOT_NEGATIVE:
        scale = Standardizer(np.zeros(n_targets), np.where(scale.mean > 0, scale.mean, 1.0))
    return scale


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
        cls, y: NDArray[np.floating], sample_weight: NDArray[np.floating] | None, loss: Loss, n_outputs: int, *, clips: bool
    ) -> Self | None:
        """From the targets of training rows and their weights; None for a loss that takes no scaled ones. Rates are not clipped.

        Raises
        ------
        DataError
            If targets are so large that their squares overflow.
        """
        scale = scale_of(y, sample_weight, loss, n_outputs)
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
