"""Dropout of input features."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Transform, TransformCall, random_words


class FeatureDropout(Transform):
    """Feature dropout: in training, replace each feature by `value` with probability `rate`.

    The network learns not to rely on a single feature. Unlike `nncore.Dropout`, this does not scale other features, since it simulates an
    unknown feature. A missing value (NaN) stays missing. Features are drawn anew for each sample in every step.

    Parameters
    ----------
    rate : float, default 0.1
        Probability that a feature is replaced, in [0, 1).
    value : float, default 0.0
        Value of a replaced feature. 0 is the mean of a standardised feature.
    columns : sequence of int, optional
        Features that may be replaced. None: all without category codes.

    References
    ----------
    Vincent et al., "Extracting and composing robust features with denoising autoencoders", ICML 2008 (masking noise).
    """

    ranges = {"rate": "[0, 1)", "value": "(-inf, inf)"}
    kernel = Kernel("nncore._core.native:transform_feature_dropout", never_fails=True)

    def __init__(self, rate: float = 0.1, value: float = 0.0) -> None:
        self.rate = rate
        self.value = value

    def apply(self, call: TransformCall) -> None:
        words = random_words(call.seed, call.step, call.layer, call.x.size).reshape(call.x.shape)
        call.x[(words < np.uint32(int(self.rate * 2**32))) & ~np.isnan(call.x)] = self.value
