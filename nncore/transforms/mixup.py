"""Mixup: mixtures of two samples."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Transform, TransformCall, random_words
from nncore.transforms.mixing import mix_targets, mixing_share, partner_distance


class Mixup(Transform):
    """Mixup: in training, replace samples by mixtures of two samples and of their targets.

    x = λ·xᵢ + (1 − λ)·xⱼ, y = λ·yᵢ + (1 − λ)·yⱼ. The network learns to interpolate between samples, which reduces overfitting and
    overconfidence.

    With class indices, targets become mixtures of one-hot rows: the loss must take them, as ``softmax_cross_entropy`` and ``cross_entropy``
    do. Losses of real targets take mixtures if they allow numbers between their targets.

    Parameters
    ----------
    alpha : float, default 0.2
        λ is drawn from Beta(α, α) in every step. A small α gives mixtures close to one sample; with 1, all λ are equally likely.
    columns : sequence of int, optional
        Features to mix. Others, and all category codes, are those of the first sample. None: all without category codes.

    Notes
    -----
    In each step, one λ and one distance s are drawn for the batch, and sample i is mixed with sample i + s, modulo the batch. So every
    sample is used twice. λ is replaced by max(λ, 1 − λ): category codes are then those of the sample with the larger share.

    Sample weights mix too: w = λ·wᵢ + (1 − λ)·wⱼ and y = (λ·wᵢ·yᵢ + (1 − λ)·wⱼ·yⱼ) / w. For a loss that is linear in its targets, this is
    the weighted sum of the losses against both targets, and a sample of weight 0 has no influence.

    Where one of two features is missing (NaN), the mixture has the feature of the first sample: its value, or NaN.

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
        n_rows, dtype = len(call.x), call.x.dtype.type
        words = random_words(call.seed, call.step, call.layer, 4)
        share = mixing_share(words, self.alpha)
        partner = (np.arange(n_rows) + partner_distance(words, n_rows)) % n_rows
        own, other = call.source, call.source[partner]
        other = np.where(np.isnan(other), own, other)
        call.x[...] = other + dtype(share) * (own - other)
        mix_targets(call, partner, share)
