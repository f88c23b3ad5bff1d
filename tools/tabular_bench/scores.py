"""How good predictions are."""

from __future__ import annotations

import numpy as np

#: Names of scores, by kind of task: the first says which learner is better (higher), the second is a loss.
CLASSES = ("accuracy", "log loss")
NUMBERS = ("R²", "RMSE")

N_BINS = 15


def of_probabilities(y: np.ndarray, p: np.ndarray) -> dict[str, float]:
    """Scores of class probabilities.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Class numbers.
    p : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    dict
        ``accuracy``, ``log loss``, ``Brier`` and ``ECE``. Brier is the mean over samples of the sum over classes of (p − onehot)². ECE is
        the expected calibration error of the likeliest class, with 15 bins of equal width. It is the mean over samples of
        |confidence − accuracy| of the sample's bin.
    """
    p = np.asarray(p, np.float64)
    rows, answer, confidence = np.arange(len(y)), p.argmax(axis=1), p.max(axis=1)
    right = answer == y
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    gaps = np.bincount(bins, confidence - right, N_BINS)
    onehot = np.zeros_like(p)
    onehot[rows, y] = 1
    return {
        "accuracy": float(right.mean()),
        "log loss": float(-np.log(np.clip(p[rows, y], np.finfo(float).eps, 1)).mean()),
        "Brier": float(((p - onehot) ** 2).sum(axis=1).mean()),
        "ECE": float(np.abs(gaps).sum() / len(y)),
    }


def of_numbers(y: np.ndarray, answer: np.ndarray) -> dict[str, float]:
    """``R²`` and ``RMSE`` of predicted numbers.

    Parameters
    ----------
    y, answer : ndarray of shape (n_samples,)
    """
    squares = float(((y - answer) ** 2).mean())
    return {"R²": 1 - squares / float(y.var()), "RMSE": squares**0.5}
