"""Members of an ensemble: networks of one fold, with the encodings of its columns and targets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Loss
from nncore.data import SparseSamples
from nncore.ensembles.input_columns import EncodedRows, InputColumns
from nncore.ensembles.target_scale import TargetScale
from nncore.network import Sequential


@dataclass
class Members:
    """The networks of one fold, with their shared encodings.

    Attributes
    ----------
    columns : InputColumns
    target : TargetScale or None
        None for classes, and for losses whose targets are not scaled.
    networks : list of Sequential
    weights : list of float or None
        Weight of each network in the mean of all members, above 0; None if all are equal.
    """

    columns: InputColumns
    target: TargetScale | None
    networks: list[Sequential]
    weights: list[float] | None = None

    def outputs(self, matrix: NDArray[np.floating] | SparseSamples, loss: Loss | None) -> list[NDArray[np.floating]]:
        """Outputs of each network after the link of the loss, in the units of the targets, shape (n_samples, n_outputs)."""
        return self.in_units(self.scaled_outputs(matrix), loss)

    def scaled_outputs(self, matrix: NDArray[np.floating] | SparseSamples) -> list[NDArray[np.floating]]:
        """The same in the scale of the networks."""
        rows = self.inputs(matrix)
        return [network.predict_proba(rows) for network in self.networks]

    def quantized(self, matrix: NDArray[np.floating] | SparseSamples, **how: Any) -> Members:
        """The same members with int8 matrix products in all networks; `how` as `Sequential.quantize` takes it."""
        rows = EncodedRows(matrix, self.columns) if self._reads_dense_rows_of(matrix) else self.inputs(matrix)
        return replace(self, networks=[network.quantize(rows, **how) for network in self.networks])

    def inputs(self, matrix: NDArray[np.floating] | SparseSamples) -> Any:
        """Encoded samples. Sparse ones become dense if the networks cannot read them."""
        rows: Any = matrix[:] if self._reads_dense_rows_of(matrix) else matrix
        return self.columns.inputs_of(rows, self.networks[0].dtype)

    def _reads_dense_rows_of(self, matrix: Any) -> bool:
        """Whether samples are sparse, and networks were trained on dense ones."""
        return isinstance(matrix, SparseSamples) and not all(network.takes_sparse for network in self.networks)

    def in_units(self, outputs: list[NDArray[np.floating]], loss: Loss | None) -> list[NDArray[np.floating]]:
        """Convert outputs of networks to the units of the targets."""
        return outputs if self.target is None else [self.target.inverse(own, loss) for own in outputs]


def weights_of(members: list[Members]) -> NDArray[np.float64] | None:
    """Weights of the networks of all members; None if all are equal."""
    if all(one.weights is None for one in members):
        return None
    return np.array([weight for one in members for weight in one.weights or [1.0] * len(one.networks)])


def together(outputs: list[NDArray[np.floating]], loss: Loss | None, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Average the outputs of members. For distributions, outputs that represent the mixture.

    Parameters
    ----------
    outputs : list of ndarray of shape (n_samples, n_outputs)
        Outputs after the link of the loss: probabilities, rates, locations.
    loss : Loss or None
        None if its plugin is missing.
    weights : ndarray of shape (n_networks,), optional
        Weight of each network.
    """
    if loss is None or not loss.has_deviations:
        mean = _mean(np.asarray(outputs), weights)
        # float32 probabilities sum to 1 only to float32 precision, which scikit-learn rejects in float64.
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
