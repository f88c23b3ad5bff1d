"""Mixtures of two samples."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Transform, TransformCall, random_words
from nncore.transforms.mixing import mix_targets, mixing_share, partner_distance


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
        n_rows, dtype = len(call.x), call.x.dtype.type
        words = random_words(call.seed, call.step, call.layer, 4)
        share = mixing_share(words, self.alpha)
        partner = (np.arange(n_rows) + partner_distance(words, n_rows)) % n_rows
        own, other = call.source, call.source[partner]
        other = np.where(np.isnan(other), own, other)
        call.x[...] = other + dtype(share) * (own - other)
        mix_targets(call, partner, share)
