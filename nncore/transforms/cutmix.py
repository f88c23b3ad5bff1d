"""CutMix for tables: swap features between samples."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Transform, TransformCall, random_words
from nncore.transforms.mixing import mix_targets, mixing_share, partner_distance


class CutMix(Transform):
    """CutMix: in training, replace some features of a sample by those of another one, and mix the targets.

    x = m ⊙ xᵢ + (1 − m) ⊙ xⱼ, y = λ·yᵢ + (1 − λ)·yⱼ, with m 1 for the features that stay and 0 for those that are replaced. λ is the
    fraction that stays. Unlike with `nncore.Mixup`, features keep values that occur in the data. Use it for counts and skewed amounts,
    whose mixtures make no sense.

    With class indices, targets become mixtures of one-hot rows: the loss must take them, as ``softmax_cross_entropy`` and ``cross_entropy``
    do. Losses of real targets take mixtures if they allow numbers between their targets.

    Parameters
    ----------
    alpha : float, default 1.0
        In each step a share is drawn from Beta(α, α); with 1, all shares are equally likely. The larger of it and the rest is the
        probability that a feature stays.
    columns : sequence of int, optional
        Features that may be replaced. Others, and all category codes, are those of the first sample. None: all without category codes.

    Notes
    -----
    The replaced features and λ are the same for all samples of a batch. Each feature is drawn independently, since features of a table have
    no neighbours; λ is their observed fraction. Sample i is paired with sample i + s, and sample weights mix, as with `nncore.Mixup`.

    Where one of two features is missing (NaN), the sample keeps its own: its value, or missing.

    References
    ----------
    Yun, Han, Oh, Chun, Choe & Yoo, "CutMix: regularization strategy to train strong classifiers with localizable features", ICCV 2019.
    Somepalli et al., "SAINT: improved neural networks for tabular data via row attention and contrastive pre-training", 2021: on tables.
    """

    mixes_targets = True
    ranges = {"alpha": "(0, inf)"}
    kernel = Kernel("nncore._core.native:transform_cutmix", never_fails=True)

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def apply(self, call: TransformCall) -> None:
        n_rows, n_inputs = call.x.shape
        words = random_words(call.seed, call.step, call.layer, 4 + n_inputs)
        replaced = call.columns & (words[4:] < np.uint32(int((1 - mixing_share(words, self.alpha)) * 2**32)))
        partner = (np.arange(n_rows) + partner_distance(words, n_rows)) % n_rows
        own, other = call.source, call.source[partner]
        call.x[...] = np.where(replaced & ~np.isnan(own) & ~np.isnan(other), other, own)
        n_free = int(call.columns.sum())
        mix_targets(call, partner, 1 - int(replaced.sum()) / n_free if n_free else 1.0)
