"""Transform numbers to a normal distribution by quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.encodings.normal import normal_quantile
from nncore.plugin import Encoding, Extremes, Graph, Learned, Moments, RowSample, Statistic, Value, quantiles

#: Numbers this close to the smallest or the largest of training are treated as these.
NEAR = 1e-7
#: The probability of the smallest number, so that its quantile is not −∞.
LEAST = NEAR - np.spacing(1.0)


class QuantileNormal(Encoding):
    """Quantile transformation to a normal distribution, as in TabM.

    The number at level p of the training rows becomes Φ⁻¹(p), linear between min(max(n/30, 10), `most`) quantiles. p is limited to 1e-7 to
    1 − 1e-7, so numbers beyond the training range become ±5.2. This is scikit-learn's
    ``QuantileTransformer(output_distribution="normal")``, fitted to numbers with a little noise. As TabM's authors found, a frequent value
    then does not become a step. A constant column is dropped. A missing number stays missing.

    Parameters
    ----------
    most : int, default 1000
        Largest number of quantiles.
    noise : float, default 1e-3
        Noise that is added when fitting, with standard deviation noise/max(std, noise), std that of the column. 0 adds none.

    References
    ----------
    Gorishniy, Kotelnikov & Babenko, "TabM: advancing tabular deep learning with parameter-efficient ensembling", ICLR 2025.
    """

    learns = {"quantiles": "float64", "kept": "int64"}
    draws = True
    ranges = {"most": "[10, inf)", "noise": "[0, inf)"}
    whole = ("most",)

    def __init__(self, most: int = 1000, noise: float = 1e-3) -> None:
        self.most = most
        self.noise = noise

    def statistics(self, n_columns: int) -> Sequence[Statistic]:
        return (RowSample(n_columns), Extremes(n_columns))

    def learn(
        self,
        statistics: Sequence[Any],
        n_columns: int,
        *,
        n_levels: NDArray[np.int64] | None = None,
        seeds: NDArray[np.uint64] | None = None,
    ) -> Learned:
        sample, extremes = statistics
        columns = sample.columns
        n_rows = len(columns)
        if self.noise > 0 and seeds is not None:
            moments = Moments(n_columns)
            moments.add(columns, sample.sample_weight)
            drawn = [np.random.default_rng(seed).standard_normal(n_rows) for seed in seeds.tolist()]
            noisy = columns + self.noise / np.maximum(moments.std, self.noise) * np.reshape(drawn, (n_columns, n_rows)).T
        else:
            noisy = columns
        levels = np.linspace(0, 1, min(max(min(n_rows // 30, self.most), 10), n_rows))
        kept = extremes.least < extremes.largest
        # Rounding must not leave a quantile above the next.
        found = np.maximum.accumulate(quantiles(noisy, levels, sample.sample_weight), axis=1)
        return {"quantiles": np.where(kept[:, None], found, 0.0), "kept": kept.astype(np.int64)}

    def widths(self, learned: Learned, n_columns: int) -> NDArray[np.int64]:
        widths: NDArray[np.int64] = learned["kept"]
        return widths

    def encode(self, columns: NDArray[Any], learned: Learned, out: NDArray[np.float64]) -> None:
        levels = np.linspace(0, 1, learned["quantiles"].shape[1])
        for place, number in enumerate(np.flatnonzero(learned["kept"])):
            x, known = columns[:, number], learned["quantiles"][number]
            # Both ways, so that a value with several quantiles gets the middle of their levels.
            p = 0.5 * (np.interp(x, known, levels) - np.interp(-x, -known[::-1], -levels[::-1]))
            p = np.where(x + NEAR > known[-1], 1.0, p)
            out[:, place] = np.where(x - NEAR < known[0], 0.0, p)
        np.clip(out, LEAST, 1 - LEAST, out=out)
        out[...] = normal_quantile(out, np)

    def check(self, learned: Learned, n_columns: int) -> None:
        super().check(learned, n_columns)
        known, kept = learned["quantiles"], learned["kept"]
        self.require(known.ndim == 2 and known.shape[1] >= 1, "has no quantiles")
        self.require(bool((np.diff(known, axis=1) >= 0).all()), "has quantiles that do not rise")
        self.require(kept.ndim == 1 and bool(((kept == 0) | (kept == 1)).all()), "has kept that is neither 0 nor 1")
        self.require(known.shape[1] > 1 or not kept.any(), "has one quantile of a column that is not constant")

    def formula(self, g: Graph, x: Value, learned: Learned) -> Value:
        kept = np.flatnonzero(learned["kept"])
        known = learned["quantiles"][kept]
        n_kept, n_quantiles = known.shape
        last = n_quantiles - 1
        numbers = g.columns(x, kept.tolist())
        each = g.reshape(numbers, (n_kept, 1))
        up_to = g.reshape(g.sum(g.where(each >= known, 1.0, 0.0)), (n_kept,))
        below = g.reshape(g.sum(g.where(each > known, 1.0, 0.0)), (n_kept,))
        left = g.minimum(g.maximum(up_to - 1, 0), last - 1)
        first = np.arange(n_kept) * n_quantiles
        low, high = g.rows(known.ravel(), left + first), g.rows(known.ravel(), left + first + 1)
        between = left + (numbers - low) / g.where(high > low, high - low, 1)
        p = g.where(up_to == below, between, (up_to - 1 + below) / 2) / last
        p = g.where(numbers + NEAR > known[:, -1], 1, p)
        p = g.where(numbers - NEAR < known[:, 0], 0, p)
        return normal_quantile(g.minimum(g.maximum(p, LEAST), 1 - LEAST), g)
