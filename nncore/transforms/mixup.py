"""Mixtures of two samples."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Transform, TransformCall, random_words


class Mixup(Transform):
    """x = λ·xᵢ + (1 − λ)·xⱼ, y = λ·yᵢ + (1 − λ)·yⱼ: in training, mixtures of two samples in the place of samples.

    The network learns to go from one target to the other along the line between two samples. That keeps it from being too sure, and from
    learning single samples by heart.

    With class indices the network is trained on mixtures of one-hot targets, so the loss has to take those: ``softmax_cross_entropy`` and
    ``cross_entropy`` do. Losses of real targets take mixtures as long as they allow numbers between their targets.

    Parameters
    ----------
    alpha : float, default 0.2
        λ is drawn from Beta(α, α) in every step. Small: mixtures are nearly one of the two samples; 1: all λ are equally likely.
    columns : sequence of int, optional
        Features that are mixed; others, and all codes of categories, are those of the first sample. None: all that hold no codes.

    Notes
    -----
    In each step one λ holds for the whole batch, and sample i is mixed with sample i + s, counted around the end, s drawn in every step. So
    every sample takes part twice. λ is taken as max(λ, 1 − λ): the pairs are the same, and the codes that are not mixed are those of the
    sample with the larger share.

    Sample weights mix, too: w = λ·wᵢ + (1 − λ)·wⱼ, and each target counts in the mixture as its weight does,
    y = (λ·wᵢ·yᵢ + (1 − λ)·wⱼ·yⱼ) / w. For a loss that is linear in its targets this is the loss against either target, weighted as if there
    were no mixtures; a sample of weight 0 has no say.

    Where one of two features is missing (NaN), the mixture has that of the first sample: its own value, or missing.

    References
    ----------
    Zhang, Cisse, Dauphin & Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018. Berthelot et al., "MixMatch", NeurIPS 2019:
    max(λ, 1 − λ). Devroye, "Random variate generation in one line of code", WSC 1996: Beta(α, α).
    """

    mixes_targets = True
    ranges = {"alpha": "(0, inf)"}
    kernel = Kernel("nncore._core.native:transform_mixup", never_fails=True)

    def __init__(self, alpha: float = 0.2) -> None:
        self.alpha = alpha

    def apply(self, call: TransformCall) -> None:
        assert call.source_target is not None
        assert call.source_weight is not None
        assert call.target is not None
        assert call.weight is not None
        n_rows, dtype = len(call.x), call.x.dtype.type
        words = random_words(call.seed, call.step, call.layer, 4)
        share = dtype(mixing_share(words, self.alpha))
        partner = (np.arange(n_rows) + partner_distance(words, n_rows)) % n_rows
        own, other = call.source, call.source[partner]
        other = np.where(np.isnan(other), own, other)
        call.x[...] = other + share * (own - other)
        weight, other_weight = call.source_weight, call.source_weight[partner]
        total = other_weight + share * (weight - other_weight)
        is_plain = (weight == other_weight) | (total <= 0)
        of_own = np.where(is_plain, share, share * weight / np.where(is_plain, 1, total)).astype(dtype)[:, None]
        other_target = call.source_target[partner]
        call.target[...] = other_target + of_own * (call.source_target - other_target)
        call.weight[...] = total


def mixing_share(words: np.ndarray, alpha: float) -> float:
    """max(λ, 1 − λ), λ from Beta(alpha, alpha): ½ + ½·√(1 − q)·|c| / √(q + (1 − q)·c²), q = u^(1/alpha), c = cos 2πv."""
    first, second, third = (int(word) for word in words[:3])
    u, v = (first + (second + 0.5) / 2.0**32) / 2.0**32, third / 2.0**32
    q, c = u ** (1 / alpha), np.cos(2 * np.pi * v)
    return float(0.5 + 0.5 * np.sqrt(1 - q) * abs(c) / np.sqrt(q + (1 - q) * c * c))


def partner_distance(words: np.ndarray, n_rows: int) -> int:
    """How many rows further on the partner is: 1 to n_rows − 1, if there are several rows."""
    return 1 + (int(words[3]) * (n_rows - 1) >> 32) if n_rows > 1 else 0
