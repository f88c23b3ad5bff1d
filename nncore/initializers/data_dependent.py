"""Data-dependent initialisation: every unit starts with the same mean and variance over real samples."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nncore.blocks import blocks
from nncore.errors import DataError
from nncore.plugin import Initializer

#: A unit that varies by less than so many rounding errors of its inputs is taken for constant.
ROUNDING_ERRORS = 4


def output_statistics(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of every column of ``x @ weight`` over the rows, in float64 for any dtype.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_inputs)
    weight : ndarray of shape (n_inputs, n_outputs)

    Returns
    -------
    mean, variance : ndarray of shape (n_outputs,)
        The variance is exactly 0 where a column varies no more than rounding makes it.

    Raises
    ------
    DataError
        If no column varies, or something is not finite.
    """
    if not len(x):
        raise DataError("the batch for the initializer has no rows: pass some hundred samples as batch=")
    w = weight.astype(np.float64)
    # A second pass around a first mean: Σ(z − z̄)² keeps its digits where Σz² − n·z̄² loses them.
    with np.errstate(invalid="ignore", over="ignore"):
        centre = x.mean(axis=0, dtype=np.float64)
        shift, square, spread = np.zeros(w.shape[1]), np.zeros(w.shape[1]), np.zeros(w.shape[0])
        for rows in blocks(len(x), 8 * sum(w.shape)):
            deviation = x[rows] - centre
            z = deviation @ w
            shift += z.sum(axis=0)
            square += np.square(z, out=z).sum(axis=0)
            spread += np.square(deviation, out=deviation).sum(axis=0)
        shift /= len(x)
        mean, variance = centre @ w + shift, square / len(x) - shift**2
        size = np.sqrt((centre**2 + spread / len(x)) @ np.square(w, out=w))
    if not (np.isfinite(mean).all() and np.isfinite(variance).all()):
        raise DataError("the inputs or weights the initializer looks at are not finite: remove NaN and infinity, scale the samples")
    variance[np.sqrt(np.maximum(variance, 0)) <= ROUNDING_ERRORS * float(np.finfo(x.dtype).eps) * size] = 0
    if not variance.any():
        raise DataError(
            f"the inputs of a layer are the same in all {len(x)} rows of the batch for its initializer, to rounding: pass a batch of "
            "different samples, standardise features with a large offset, or start without looking at data (he_uniform)"
        )
    return mean, variance


def with_unit_variance(weight: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """`weight` with each column divided by the deviation of its unit; a unit of variance 0 keeps its weights.

    Raises
    ------
    DataError
        If a weight overflows.
    """
    with np.errstate(over="ignore"):
        scaled: np.ndarray = (weight / np.sqrt(np.where(variance > 0, variance, 1.0))).astype(weight.dtype)
    if not np.isfinite(scaled).all():
        raise DataError(f"the inputs of a layer vary too little for weights in {weight.dtype}: scale the samples to variance 1")
    return scaled


class DataDependent(Initializer):
    """A Gaussian sample, then each unit scaled and shifted to mean β and variance 1 over a batch.

    For one layer after the other, with μ and σ the mean and deviation of unit j of x·W over the batch::

        W[:, j] ← W[:, j] / σ[j],    b[j] ← β − μ[j] / σ[j]

    A layer without bias keeps its means. A unit that is constant over the batch keeps its weights and gets the bias that makes
    it β. The batch should be larger than a layer has inputs, else the statistics are those of few directions.

    This is the paper's within-layer normalisation (algorithm 1) with its random base. Its between-layer normalisation
    (algorithm 2), which scales whole layers against each other until all change at the same relative rate, is not done: it
    takes gradients through the whole network, and `refine` sees one layer. Without it the gradient grows backwards by a factor
    of √(π / (π − 1)) ≈ 1.21 a ReLU layer, fiftyfold over 20: deep ReLU networks want a small learning rate.

    Parameters
    ----------
    beta : float, default 0.0
        Mean of the units before their activation. A little above 0 makes a ReLU more often active.

    References
    ----------
    Krähenbühl, Doersch, Donahue & Darrell, "Data-dependent initializations of convolutional neural networks", 2015.
    """

    needs_batch: ClassVar[bool] = True
    ranges: ClassVar[dict[str, str]] = {"beta": "(-inf, inf)"}

    def __init__(self, beta: float = 0.0) -> None:
        self.beta = beta

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        """N(0, 1/fan-in). `refine` makes its scale irrelevant."""
        return rng.normal(0.0, 1 / math.sqrt(max(fan_in, 1)), shape)

    def refine(self, rng: np.random.Generator, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> None:
        """Scale `weight` and set `bias`, in place.

        Raises
        ------
        DataError
            If the rows of `x` are all alike, or not finite, or so small that the weights overflow. Nothing is changed then.
        """
        mean, variance = output_statistics(x, weight)
        new_weight = with_unit_variance(weight, variance)
        with np.errstate(over="ignore"):
            new_bias = (self.beta - mean / np.sqrt(np.where(variance > 0, variance, 1.0))).astype(weight.dtype)
        if not np.isfinite(new_bias).all():
            raise DataError(f"the inputs of a layer vary too little for weights in {weight.dtype}: scale the samples to variance 1")
        weight[...] = new_weight
        if bias is not None:
            bias[...] = new_bias
