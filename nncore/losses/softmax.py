"""What losses from the logits of classes share: probabilities whose complements keep their digits."""

from __future__ import annotations

import numpy as np


def exponentials(output: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits with the largest of their row subtracted, the exp of that, and its sum over a row without the largest, shape ``(n_rows, 1)``.

    The largest has exp 0 = 1. So log Σ exp is ``log1p(rest)``, and 1 − p of the largest ``rest / (1 + rest)``; either is exact to the last
    digits however close p is to 1.
    """
    with np.errstate(invalid="ignore"):  # ∞ − ∞ gives NaN, which the host reports
        z = output - output.max(axis=1, keepdims=True)
    e = np.exp(z)
    others = e.copy()
    others[np.arange(len(e)), output.argmax(axis=1)] -= 1  # 0, or NaN
    return z, e, others.sum(axis=1, keepdims=True)


def d_labels(e: np.ndarray, rest: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """p of every class, less 1 for the class of each row."""
    rows = np.arange(len(e))
    p = e / (1 + rest)
    p[rows, labels] = np.where(e[rows, labels] == 1, -(rest / (1 + rest))[:, 0], p[rows, labels] - 1)
    return p
