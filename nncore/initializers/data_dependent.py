"""Data-dependent initialisation: units start with the same mean and variance over samples, layers with the same rate of change."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from nncore.blocks import blocks
from nncore.errors import DataError
from nncore.plugin import Initializer, LayerView, NetworkView

#: A unit that varies by fewer rounding errors of its inputs than this is treated as constant.
ROUNDING_ERRORS = 4
#: Outputs count as unchanged if they differ by less than this part of the largest: rounding does less, and an activation that is not
#: homogeneous more.
UNCHANGED = 1e-3


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
        raise DataError("the batch for the initializer has no rows: pass a few hundred samples as batch=")
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
        raise DataError("the initializer met inputs or weights that are not finite: remove NaN and infinity, and scale the samples")
    variance[np.sqrt(np.maximum(variance, 0)) <= ROUNDING_ERRORS * float(np.finfo(x.dtype).eps) * size] = 0
    if not variance.any():
        raise DataError(
            f"the inputs of a layer are the same in all {len(x)} rows of the batch for its initializer, up to rounding: pass a batch of "
            "different samples, standardise features with a large offset, or use an initializer without data (he_uniform)"
        )
    return mean, variance


def with_unit_variance(weight: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """`weight` with each column divided by the standard deviation of its unit; units of variance 0 keep their weights.

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


def rate_of_change(layer: LayerView) -> float:
    """√(mean over rows of ‖∂ℓ/∂W‖²) / ‖W‖, for the loss ℓ of each row whose gradient is in `layer.d_z`; 0 if no gradient arrives.

    The gradient of a row is the outer product of its `x` and `d_z`, so its norm is the product of their norms.
    """
    x, d_z = (np.einsum("ij,ij->i", rows, rows, dtype=np.float64) for rows in (layer.x, layer.d_z))
    norm = float(np.linalg.norm(layer.weight.astype(np.float64)))
    with np.errstate(over="ignore", invalid="ignore"):
        rate = math.sqrt(float(np.mean(x * d_z))) / norm if norm > 0 else 0.0
    return rate if math.isfinite(rate) else 0.0


class DataDependent(Initializer):
    """Data-dependent initialisation: units with mean β and variance 1 over a batch, layers that change at the same rate.

    It starts with Gaussian weights and takes the paper's two steps. *Within layers* (algorithm 1), for one layer after the other, with μ
    and σ the mean and standard deviation of unit j of x·W over the batch::

        W[:, j] ← W[:, j] / σ[j],    b[j] ← β − μ[j] / σ[j]

    A layer without bias keeps its means. A unit that is constant over the batch keeps its weights and gets the bias that makes
    it β. The batch should have more rows than a layer has inputs.

    *Between layers* (algorithm 2), for layers k = 1 … n of weights, C is the rate of change of a layer relative to its size. The loss is
    ℓ = ηᵀ·output with random η::

        C[k] = √(mean of ‖∂ℓ/∂W[k]‖² over the rows) / ‖W[k]‖
        r[k] = √(C[k] / C̃),    C̃ = (C[1] · … · C[n])^(1/n)
        W[k] ← r[k] · W[k],    b[k] ← r[1] · … · r[k] · b[k]

    A ReLU passes a factor of one layer on to the next. So C[k] is divided by r[k]², all rates become C̃, and the product of all r is 1:
    outputs do not change. (The paper reaches this point by iterating with a damping factor.) Before the last layer, units of different
    layers then have different variances. Without this step the gradient grows backwards by a factor of √(π / (π − 1)) ≈ 1.21 for each ReLU
    layer, fiftyfold over 20.

    Neighbours are balanced if doubling the first and halving the second leaves the outputs unchanged: linear layers, and those that end in
    ``relu``, ``leaky_relu`` or `PReLU`, with dropout or without. Other activations (``tanh``, ``gelu``), norms such as `BatchNorm`, the sum
    of a residual block, and a layer with a bias and another initializer divide the network into parts. Each part is balanced by itself; a
    single layer keeps the scale of the first step. If an activation has no derivative (``step``), nothing is balanced.

    Parameters
    ----------
    beta : float, default 0.0
        β, mean of the units before their activation. A value slightly above 0 keeps ReLUs active more often.
    balance : bool, default True
        Take the second step.

    References
    ----------
    Krähenbühl, Doersch, Donahue & Darrell, "Data-dependent initializations of convolutional neural networks", 2015.
    """

    needs_batch: ClassVar[bool] = True
    ranges: ClassVar[dict[str, str]] = {"beta": "(-inf, inf)"}
    flags = ("balance",)

    def __init__(self, beta: float = 0.0, balance: bool = True) -> None:
        self.beta = beta
        self.balance = balance

    @property
    def looks_at_network(self) -> bool:  # type: ignore[override]
        """As `balance` says."""
        return self.balance

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

    def refine_together(self, rng: np.random.Generator, network: NetworkView) -> None:
        """Scale the weights and biases of layers relative to each other, in place, until they change at the same rate.

        η has random signs. Like the paper's normal numbers it has variance 1, and for a single output its square does not vary.
        """
        layers, before = network.layers, network.forward()
        chains = list(_chains(network, before))
        network.forward()
        network.backward(rng.choice([-1.0, 1.0], before.shape))
        rates = {layer.name: rate_of_change(layer) for layer in layers}
        for chain in chains:
            of_chain = np.array([rates[layer.name] for layer in chain])
            if len(chain) < 2 or not of_chain.all():
                continue
            kept = [(layer.weight.copy(), None if layer.bias is None else layer.bias.copy()) for layer in chain]
            factors = np.sqrt(of_chain / np.exp(np.log(of_chain).mean()))
            for layer, factor, from_below in zip(chain, factors, np.cumprod(factors), strict=True):
                _scale(layer, factor, from_below)
            if not _is_unchanged(network, before):
                for layer, (weight, bias) in zip(chain, kept, strict=True):
                    layer.weight[...] = weight
                    if layer.bias is not None and bias is not None:
                        layer.bias[...] = bias


def _chains(network: NetworkView, outputs: np.ndarray) -> Iterator[Sequence[LayerView]]:
    """The layers, divided where a factor does not pass from one to the next."""
    layers = network.layers
    chain = [layers[0]]
    for first, second in itertools.pairwise(layers):
        _scale(first, 2.0, 2.0)  # powers of two leave every digit as it is
        _scale(second, 0.5, 1.0)
        goes_through = _is_unchanged(network, outputs)
        _scale(first, 0.5, 0.5)
        _scale(second, 2.0, 1.0)
        if not goes_through:
            yield chain
            chain = []
        chain.append(second)
    yield chain


def _scale(layer: LayerView, of_weight: float, of_bias: float) -> None:
    layer.weight[...] *= layer.weight.dtype.type(of_weight)
    if layer.bias is not None:
        layer.bias[...] *= layer.bias.dtype.type(of_bias)


def _is_unchanged(network: NetworkView, outputs: np.ndarray) -> bool:
    return bool(np.abs(network.forward() - outputs).max(initial=0.0) <= UNCHANGED * np.abs(outputs).max(initial=0.0))
