"""Features left out at random."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Transform, TransformCall, random_words


class FeatureDropout(Transform):
    """In training, each feature of each sample becomes `value` with probability `rate`, drawn anew in every step.

    The network learns not to rely on a single feature. Other features stay as they are: unlike `nncore.Dropout`, this scales nothing, since
    it stands for a feature that is not known. A missing value (NaN) stays missing.

    Parameters
    ----------
    rate : float, default 0.1
        In [0, 1).
    value : float, default 0.0
        What stands for a feature that is not known: 0 is the mean of one that is standardised.
    columns : sequence of int, optional
        Features that may be left out. None: all that hold no codes of categories.

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
