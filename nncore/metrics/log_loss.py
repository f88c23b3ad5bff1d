"""Log loss: the cross-entropy of predicted probabilities."""

from __future__ import annotations

import numpy as np

from nncore.metrics.classification import ClassificationMetric, probable


class LogLoss(ClassificationMetric):
    """Log loss: cross-entropy of predicted probabilities, −Σᵢ wᵢ log pᵢ / Σᵢ wᵢ.

    pᵢ is the predicted probability of the true class; for labels it is the mean over them. As scikit-learn's ``log_loss``. Unlike the loss
    of a fit, it has no label smoothing and no class weights.

    Notes
    -----
    Probabilities are clipped to [ε, 1 − ε], ε the spacing of their dtype at 1: a wrong class with probability 1 costs 15.9 in float32. The
    score is NaN if an output is not a probability; a loss with a link makes them probabilities. Targets may be probabilities.

    References
    ----------
    Good, "Rational decisions", Journal of the Royal Statistical Society B, 1952.
    """

    higher_is_better = False
    takes_probabilities = True

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        epsilon = np.finfo(output.dtype).eps
        p = np.where((output >= 0) & (output <= 1), np.clip(output, epsilon, 1 - epsilon), np.nan).astype(np.float64)
        true = probable(output, target)
        if output.shape[1] > 1 and not self._is_of_labels:
            return -np.sum(true * np.log(p), axis=1, keepdims=True)
        return -np.mean(true * np.log(p) + (1 - true) * np.log1p(-p), axis=1, keepdims=True)
