"""Shared by losses of classes: accurate probabilities and complements, and label smoothing."""

from __future__ import annotations

import numpy as np


def exponentials(output: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits minus the largest of their row, their exp, and the sum of exp without the largest, shape ``(n_rows, 1)``.

    The largest has exp 0 = 1. So log Σ exp is ``log1p(rest)``, and 1 − p of the largest is ``rest / (1 + rest)``. Both are accurate however
    close p is to 1.
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


def smoothed(target: np.ndarray, fraction: float, output: np.ndarray) -> np.ndarray:
    """Smoothed targets ``(n_rows, n_outputs)``, with a fraction spread evenly over the classes; `target` itself if that is 0.

    Parameters
    ----------
    target : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Class indices, or a distribution for each row.
    fraction : float
        ε of `label_smoothing`.
    output : ndarray of shape (n_rows, n_outputs)
        For its shape and dtype.
    """
    if fraction == 0:
        return target
    if target.ndim == 1:
        target = np.eye(output.shape[1], dtype=output.dtype)[target]
    return (1 - fraction) * target + fraction * target.mean(axis=1, keepdims=True)
