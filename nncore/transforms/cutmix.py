"""Samples in which some features are those of another sample."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Transform, TransformCall, random_words
from nncore.transforms.mixing import mix_targets, mixing_share, partner_distance


class CutMix(Transform):
    """x = m ⊙ xᵢ + (1 − m) ⊙ xⱼ, y = λ·yᵢ + (1 − λ)·yⱼ: in training, some features of a sample are those of another one.

    m is 1 for the features that stay and 0 for those that are replaced; λ is the part that stays. Unlike `nncore.Mixup`, every feature
    keeps a value that it has somewhere in the data: for features that mixtures make no sense of, such as counts and skewed amounts.

    With class indices the network is trained on mixtures of one-hot targets, so the loss has to take those: ``softmax_cross_entropy`` and
    ``cross_entropy`` do. Losses of real targets take mixtures as long as they allow numbers between their targets.

    Parameters
    ----------
    alpha : float, default 1.0
        In each step a share is drawn from Beta(α, α); 1: all shares are equally likely. Of it and the rest, the larger one is the
        probability with which each feature stays.
    columns : sequence of int, optional
        Features that may be replaced; others, and all codes of categories, are those of the first sample. None: all that hold no codes.

    Notes
    -----
    The features that are replaced, and λ, are the same for all samples of a batch, as is the box that is cut out of the images of a batch.
    They are drawn one by one, since features of a table have no neighbours; λ is counted among those that may be replaced. Sample i is
    paired with sample i + s, and sample weights mix, as with `nncore.Mixup`.

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
