"""A loss of ordered classes with one output fewer than classes: a binary output for each threshold between two classes."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Loss


class Ordinal(Loss):
    """E = Σⱼ log(1 + exp(−sⱼ zⱼ)), sⱼ = 1 where the class is above threshold j, else −1."""

    targets = "labels"
    output_domain = "logits"

    def n_outputs(self, n_classes: int) -> int:
        return n_classes - 1

    def decide(self, output: np.ndarray) -> np.ndarray:
        return (output > 0).sum(axis=1)

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return np.logaddexp(0, -self._signs(output, target) * output).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        signs = self._signs(output, target)
        return -signs * np.exp(-np.logaddexp(0, signs * output))

    def _signs(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        return np.where(target[:, None] > np.arange(output.shape[1]), 1, -1).astype(output.dtype)
