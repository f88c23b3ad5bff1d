"""Top-k accuracy."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.metrics.classification import ClassificationMetric, truth


class TopKAccuracy(ClassificationMetric):
    """Top-k accuracy: fraction of samples whose class is among the k largest outputs, weighted by ``sample_weight``.

    As scikit-learn's ``top_k_accuracy_score``: of equal outputs, that of the later class counts as the larger one.

    Parameters
    ----------
    k : int, default 2
        Number of predicted classes.

    Notes
    -----
    A sample with NaN outputs is wrong.

    References
    ----------
    Russakovsky et al., "ImageNet large scale visual recognition challenge", 2015.
    """

    higher_is_better = True
    takes_labels = False
    ranges: ClassVar[dict[str, str]] = {"k": "[1, inf)"}
    whole = ("k",)

    def __init__(self, k: int = 2) -> None:
        self.k = k

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        true = truth(output, target)
        if output.shape[1] == 1:  # the probability of yes
            output, true = np.hstack([1 - output, output]), np.hstack([~true, true])
        label = true.argmax(axis=1)[:, None]
        own, is_later = np.take_along_axis(output, label, axis=1), np.arange(output.shape[1]) > label
        n_larger = ((output > own) | ((output == own) & is_later)).sum(axis=1)
        return ((n_larger < self.k) & ~np.isnan(output).any(axis=1)).astype(np.float64)[:, None]
