"""Weighted random sampling."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.arguments import numbers, rescaled, shown, whole_number
from nncore.errors import DataError, ParameterError
from nncore.plugin import SampleInfo, Sampler, random_words
from nncore.samplers.passes import digest_of

#: Used instead of a layer's number in the key of random numbers; no layer has so high a number.
_KEY = 2**31 + 1


class WeightedSampler(Sampler):
    """Draw samples with replacement, each with probability wᵢ / Σw, as PyTorch's ``WeightedRandomSampler``.

    Parameters
    ----------
    weights : array_like of shape (n_rows,), optional
        w, finite and at least 0, one for each row of the data of `fit`, including a validation fraction. None uses the ``sample_weight`` of
        `fit`, or 1 for all. Then the weights are not applied a second time: in training each visit has weight 1.
    n_samples : int, optional
        Number of visits in an epoch: `num_samples` of PyTorch. None: the number of samples.

    Notes
    -----
    With `weights`, ``sample_weight`` still applies to each visit. On average the loss is the same whether a sample is drawn k times as
    often or has k times the weight. Drawing is better for a few large weights, which would make single steps too large.
    """

    def __init__(self, weights: Any = None, n_samples: int | None = None) -> None:
        self.weights = weights
        self.n_samples = n_samples

    def validate(self) -> None:
        super().validate()
        if self.n_samples is not None:
            self.n_samples = whole_number("WeightedSampler: n_samples", self.n_samples, 1)
        if self.weights is None:
            return
        found = numbers(self.weights)
        weights = np.array([] if found is None else found, np.float64)
        if not len(weights) or not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
            wanted = "finite numbers, none negative and not all 0, one for each row of the data"
            raise ParameterError(f"WeightedSampler: weights must be {wanted}, got {shown(self.weights)}")
        self.weights = weights

    def __repr__(self) -> str:
        weights = None if self.weights is None else f"<{len(self.weights)} weights, {digest_of(self.weights)}>"
        return f"WeightedSampler(weights={weights}, n_samples={self.n_samples})"

    @property
    def uses_weights(self) -> bool:
        return self.weights is None

    def length(self, samples: SampleInfo) -> int:
        self._sums(samples)
        return samples.n_samples if self.n_samples is None else self.n_samples

    def order(self, samples: SampleInfo, seed: int, epoch: int) -> np.ndarray:
        sums, n = self._sums(samples), self.length(samples)
        words = random_words(seed, epoch, _KEY, 2 * n).astype(np.float64)
        drawn = (words[:n] + (words[n:] + 0.5) / 2.0**32) / 2.0**32  # in (0, 1)
        # A sample of weight 0 has the sum of the one before it, which is found first.
        return np.minimum(np.searchsorted(sums, drawn * sums[-1], side="right"), np.searchsorted(sums, sums[-1]))

    def _sums(self, samples: SampleInfo) -> np.ndarray:
        """Sums of the weights of the first sample, of the first two and so on."""
        if self.weights is not None:
            weights = rescaled(samples.chosen(self.weights, "WeightedSampler: weights"))
        else:
            weights = np.ones(samples.n_samples) if samples.weights is None else samples.weights
        if not weights.any():
            raise DataError("WeightedSampler: all training samples have weight 0; give some of them a larger weight")
        return np.cumsum(weights)
