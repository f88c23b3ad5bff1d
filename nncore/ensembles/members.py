"""Networks of an ensemble that share what their training rows say of columns and targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Loss
from nncore.ensembles.input_columns import InputColumns
from nncore.ensembles.target_scale import TargetScale
from nncore.losses.gaussian_nll import GaussianNLL
from nncore.network import Sequential


@dataclass
class Members:
    """The starts of one fold.

    Attributes
    ----------
    columns : InputColumns
    target : TargetScale or None
        None for classes, and for losses whose targets stay as they are.
    networks : list of Sequential
    """

    columns: InputColumns
    target: TargetScale | None
    networks: list[Sequential]

    def outputs(self, matrix: NDArray[np.floating], loss: Loss) -> list[NDArray[np.floating]]:
        """Of each network, after the link of the loss and in the units of the targets, shape (n_samples, n_outputs)."""
        rows = self.columns.encode(matrix, self.networks[0].dtype)
        found = [network.predict_proba(rows) for network in self.networks]
        return found if self.target is None else [self.target.inverse(outputs, loss) for outputs in found]


def loss_of_mixture(loss: Loss) -> Loss:
    """The loss of what members predict `together`, in the units of the targets: each had its smallest variance in its own units."""
    return GaussianNLL(min_variance=float(np.finfo(np.float64).tiny)) if isinstance(loss, GaussianNLL) else loss


def together(outputs: list[NDArray[np.floating]], loss: Loss) -> NDArray[np.float64]:
    """What members predict together: the mean of their outputs; of normal distributions, mean and log-variance of the mixture.

    Parameters
    ----------
    outputs : list of ndarray of shape (n_samples, n_outputs)
        After the link of the loss: probabilities, rates, places.
    loss : Loss
    """
    if not isinstance(loss, GaussianNLL):
        return np.mean(outputs, axis=0, dtype=np.float64)
    means, log_variances = np.split(np.asarray(outputs, np.float64), 2, axis=2)
    variances = np.exp(log_variances).mean(axis=0) + means.var(axis=0)
    return np.hstack([means.mean(axis=0), np.log(variances)])
