"""Measures the reference accuracy that ``nncore demo`` prints: scikit-learn's network of the same size on the same two parts.

    python tests/cli/measure_digits_reference.py

Measured with scikit-learn 1.9.1: 0.9798 to 0.9910, median 0.9843.
"""

from __future__ import annotations

import statistics
import warnings

import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from nncore.cli.demo import BATCH_SIZE, HIDDEN, inputs
from nncore.datasets import load_digits_split


def accuracy(seed: int) -> float:
    X, y, X_test, y_test = load_digits_split()
    network = MLPClassifier((HIDDEN,), batch_size=BATCH_SIZE, max_iter=30, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 30 epochs are what is compared
        return float(network.fit(inputs(X), y).score(inputs(X_test), y_test))


if __name__ == "__main__":
    scores = [accuracy(seed) for seed in range(10)]
    print(f"scikit-learn {sklearn.__version__}: {min(scores):.4f} to {max(scores):.4f}, median {statistics.median(scores):.4f}")
