"""CPU time of predictions by a fitted perceptron of scikit-learn and by what `nncore.from_sklearn` makes of it, on one thread of each.

    OPENBLAS_NUM_THREADS=1 python tools/imported_models.py

Prints a row of a table in Markdown for each number of samples: the median of the ratios of pairs that follow each other.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

import nncore as nn

FEATURES, HIDDEN, CLASSES = 20, (100,), 5
#: Samples of a call, and calls of a measurement.
SIZES = {1: 2000, 1000: 200, 100_000: 3}
PAIRS = 15


def cpu_seconds(call: Callable[[Any], Any], X: np.ndarray, times: int) -> float:
    """CPU time of one call."""
    begin = time.process_time()
    for _ in range(times):
        call(X)
    return (time.process_time() - begin) / times


def main() -> None:
    nn.set_num_threads(1)
    rng = np.random.default_rng(0)
    print("| samples | dtype | scikit-learn | nncore | ratio |\n|---|---|---|---|---|")
    for dtype in ("float64", "float32"):
        X = rng.normal(size=(100_000, FEATURES)).astype(dtype)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = MLPClassifier(HIDDEN, max_iter=5, random_state=0).fit(X[:2000], rng.integers(0, CLASSES, 2000))
        ours = nn.from_sklearn(theirs)
        for n_samples, times in SIZES.items():
            samples = X[:n_samples]
            pairs = [[cpu_seconds(model.predict_proba, samples, times) for model in (theirs, ours)] for _ in range(PAIRS)]
            ratio = statistics.median(other / own for other, own in pairs)
            other, own = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"| {n_samples:,} | {dtype} | {1e6 * other:,.0f} µs | {1e6 * own:,.0f} µs | {ratio:.1f} |")


if __name__ == "__main__":
    main()
