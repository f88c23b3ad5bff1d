"""Data-driven initialisation «he+5»: unit variance, and kinks at points among the samples."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.errors import DataError
from nncore.initializers.data_dependent import DataDependent, output_statistics, with_unit_variance
from nncore.plugin import Initializer


class DataHull(Initializer):
    """RealMLP's initialisation: weights scaled to unit variance over samples, and kinks of units at random points among them.

    For one layer after the other, with σ[j] the standard deviation of unit j of x·W over the rows of a batch::

        W[:, j] ← W[:, j] / σ[j],    b[j] ← −p[j]·W[:, j],    p[j] = Σᵢ c[i]·x[r[i]],  i = 1 … n_points

    The rows r are random and the shares c ~ Dirichlet(1, …, 1), both drawn for each unit. So p[j] lies in the convex hull of the samples,
    and the unit is 0 there: ReLUs bend where there are data, instead of near the origin. ``data_dependent`` has the same weights with
    biases that centre every unit. A layer without bias gets only the weights. A unit that is constant over the batch keeps its weights.

    Parameters
    ----------
    n_points : int, default 5
        Number of samples that each p is a weighted mean of. With 1, p is a sample; with more it moves to the middle of the data.
    batch_rows : int, default 4096
        Largest number of samples to look at.

    References
    ----------
    Steinwart, "A sober look at neural network initializations", 2019 (the biases). Holzmüller, Grinsztajn & Steinwart, "Better by
    default: strong pre-tuned MLPs and boosted trees on tabular data", 2024 (the weights).
    """

    needs_batch: ClassVar[bool] = True
    ranges: ClassVar[dict[str, str]] = {"n_points": "[1, inf)", "batch_rows": "[1, inf)"}
    whole = ("n_points", "batch_rows")

    def __init__(self, n_points: int = 5, batch_rows: int = 4096) -> None:
        self.n_points = n_points
        self.batch_rows = batch_rows

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        """As `DataDependent`: N(0, 1/fan-in)."""
        return DataDependent().sample(rng, shape, fan_in, fan_out)

    def refine(self, rng: np.random.Generator, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> None:
        """Scale `weight` and set `bias`, in place.

        Raises
        ------
        DataError
            If the rows of `x` are all alike, or not finite, or so small that the weights overflow. Nothing is changed then.
        """
        new_weight = with_unit_variance(weight, output_statistics(x, weight)[1])
        if bias is not None:
            n_outputs = weight.shape[1]
            shares = rng.dirichlet(np.ones(self.n_points), n_outputs).T  # (n_points, n_outputs)
            point = np.zeros((n_outputs, weight.shape[0]))
            for share, rows in zip(shares, rng.integers(len(x), size=shares.shape), strict=True):
                point += share[:, None] * x[rows]
            with np.errstate(over="ignore"):
                new_bias = -np.einsum("jk,kj->j", point, new_weight).astype(bias.dtype)
            if not np.isfinite(new_bias).all():
                raise DataError(f"the inputs of a layer vary too little for biases in {bias.dtype}: scale the samples to variance 1")
            bias[...] = new_bias
        weight[...] = new_weight
