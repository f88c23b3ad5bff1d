"""Targets for regression as networks learn them best: near 0, about 1 apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nncore.arguments import rescaled
from nncore.contract import Loss
from nncore.errors import DataError
from nncore.losses.gaussian_nll import GaussianNLL

#: Scores of losses whose best predictions move with the targets, and grow with them; and of those of rates, which only grow.
OF_PLACE = ("r2", "d2_absolute_error", "d2_pinball", "d2_huber")
OF_RATE = ("d2_tweedie",)


@dataclass(frozen=True)
class TargetScale:
    """(y − shift) / scale for each target, and the way back from outputs.

    Attributes
    ----------
    shift, scale : ndarray of shape (n_targets,), float64
    lowest, highest : ndarray of shape (n_targets,), float64
        The range of the targets learned from; predictions of a place are clipped to it if `clips`.
    has_place : bool
        Whether the loss predicts places, and not rates.
    clips : bool
    """

    shift: NDArray[np.float64]
    scale: NDArray[np.float64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    has_place: bool
    clips: bool

    @classmethod
    def fit(cls, y: NDArray[np.floating], sample_weight: NDArray[np.floating] | None, loss: Loss, *, clips: bool) -> Self | None:
        """From targets of shape (n_samples,) or (n_samples, n_targets) and their weights; None for a loss that knows neither.

        A loss whose best constant is a mean, a quantile or the like gets mean and standard deviation, one of rates the mean as its scale.

        Raises
        ------
        DataError
            If targets are so large that their squares overflow.
        """
        judge = loss.judge["name"] if isinstance(loss.judge, dict) else loss.judge
        has_place = judge in OF_PLACE or isinstance(loss, GaussianNLL)
        if not has_place and judge not in OF_RATE:
            return None
        values = y.reshape(len(y), -1).astype(np.float64)
        weights = np.ones(len(y)) if sample_weight is None else rescaled(sample_weight)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.average(values, axis=0, weights=weights)
            std = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
        if not (np.isfinite(mean).all() and np.isfinite(std).all()):
            raise DataError("y holds numbers too large to be standardised: divide them first")
        scale = std if has_place else np.abs(mean)
        scale = np.where(scale > np.abs(mean) * np.finfo(np.float64).eps, scale, 1.0)  # of equal targets rounding is left
        shift = mean if has_place else np.zeros_like(mean)
        return cls(shift, scale, values.min(axis=0), values.max(axis=0), has_place, clips)

    def transform(self, y: NDArray[np.floating]) -> NDArray[np.float64]:
        """Targets as networks see them, in the shape of `y`."""
        scaled: NDArray[np.float64] = ((y.reshape(len(y), -1) - self.shift) / self.scale).reshape(y.shape)
        return scaled

    def inverse(self, outputs: NDArray[np.floating], loss: Loss) -> NDArray[np.float64]:
        """Outputs after the link of the loss, (n_samples, n_outputs), in the units of the targets; float64."""
        values = outputs.astype(np.float64)
        n_targets = len(self.scale)
        if isinstance(loss, GaussianNLL):
            places, log_variances = values[:, :n_targets], values[:, n_targets:]
            floor = np.log(loss.min_variance)
            return np.hstack([self._back(places), np.maximum(log_variances, floor) + 2 * np.log(self.scale)])
        of_each = values.reshape(len(values), n_targets, -1)
        return self._back(of_each.swapaxes(1, 2)).swapaxes(1, 2).reshape(values.shape)

    def _back(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = values * self.scale + self.shift
        return np.clip(found, self.lowest, self.highest) if self.clips and self.has_place else found
