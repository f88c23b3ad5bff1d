"""Networks of an ensemble that share what their training rows say of columns and targets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Loss
from nncore.ensembles.input_columns import InputColumns
from nncore.ensembles.target_scale import TargetScale
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
    weights : list of float or None
        What each network counts in the mean of all members, above 0; None if all count the same.
    """

    columns: InputColumns
    target: TargetScale | None
    networks: list[Sequential]
    weights: list[float] | None = None

    def outputs(self, matrix: NDArray[np.floating], loss: Loss | None) -> list[NDArray[np.floating]]:
        """Of each network, after the link of the loss and in the units of the targets, shape (n_samples, n_outputs)."""
        rows = self.columns.encode(matrix, self.networks[0].dtype)
        return self.in_units([network.predict_proba(rows) for network in self.networks], loss)

    def quantized(self, matrix: NDArray[np.floating]) -> Members:
        """The same with products of 8 bits in all networks."""
        rows = self.columns.encode(matrix, self.networks[0].dtype)
        return replace(self, networks=[network.quantize(rows) for network in self.networks])

    def in_units(self, outputs: list[NDArray[np.floating]], loss: Loss | None) -> list[NDArray[np.floating]]:
        """Outputs of networks in the units of the targets."""
        return outputs if self.target is None else [self.target.inverse(own, loss) for own in outputs]


def weights_of(members: list[Members]) -> NDArray[np.float64] | None:
    """What each network of all members counts; None if all count the same."""
    if all(one.weights is None for one in members):
        return None
    return np.array([weight for one in members for weight in one.weights or [1.0] * len(one.networks)])


def together(outputs: list[NDArray[np.floating]], loss: Loss | None, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """What members predict together: the mean of their outputs; of distributions, what stands for the mixture.

    Parameters
    ----------
    outputs : list of ndarray of shape (n_samples, n_outputs)
        After the link of the loss: probabilities, rates, places.
    loss : Loss or None
        None where its plugin is missing.
    weights : ndarray of shape (n_networks,), optional
        What each network counts.
    """
    if loss is None or not loss.has_deviations:
        mean = _mean(np.asarray(outputs), weights)
        # Probabilities of float32 sum to 1 with its precision, which scikit-learn finds too little in float64.
        return mean / mean.sum(axis=1, keepdims=True) if loss is not None and loss.link == "softmax" else mean
    loss, own = loss.for_any_unit(), [np.asarray(output, np.float64) for output in outputs]
    means = np.stack([loss.decide(output) for output in own])
    deviations = np.stack([found for output in own if (found := loss.deviation(output)) is not None])
    mean = _mean(means, weights)
    variance = _mean(deviations**2, weights) + _mean((means - mean) ** 2, weights)
    return loss.of_moments(mean, np.sqrt(variance))


def _mean(outputs: NDArray[np.floating], weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
    mean: Any = np.mean(outputs, axis=0, dtype=np.float64) if weights is None else np.average(outputs, axis=0, weights=weights)
    return np.asarray(mean, np.float64)
