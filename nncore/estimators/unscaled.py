"""Warn about a fit that failed because inputs or targets are not scaled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.data import SparseSamples
from nncore.errors import DataWarning, warn_user
from nncore.estimators.training_data import TrainingData
from nncore.program import looked_at

#: Networks train well on columns whose standard deviation is at least the first number, and whose mean and deviation are at most the
#: second.
SMALLEST, LARGEST = 1e-2, 1e2


def warn_if_hopeless(estimator: Any, data: TrainingData) -> None:
    """Warn if the network is no better than a constant on its training rows, and unscaled numbers are the likely reason.

    Warns
    -----
    DataWarning
    """
    if data.weights is not None or isinstance(data.X, SparseSamples) or len(data) < 2:
        return
    some = looked_at(len(data), data.X[0].nbytes)
    X, target = data.X[some], data.target[some]
    columns = [] if estimator.standardize else far_from_1(X[:, estimator._columns.number_inputs])
    targets = far_from_1(target.reshape(len(target), -1)) if target.dtype.kind == "f" else []
    if not columns and not targets:
        return
    gain = estimator._gain(X, target)
    if gain is None or not gain <= 0:
        return
    remedies = ["standardize=True for X" for _ in columns] + ["standardize_target=True for y" for _ in targets]
    what = [f"columns of X have {found}" for found in columns] + [f"y has {found}" for found in targets]
    warn_user(
        f"{type(estimator).__name__} predicts no better than a constant on its training data. Networks need numbers near 1, but "
        f"{' and '.join(what)}: pass {' and '.join(remedies)}",
        DataWarning,
    )


def far_from_1(columns: NDArray[np.floating]) -> list[str]:
    """Mean and standard deviation, in words, of the column farthest from 1; empty if none is far. NaN is left out."""
    if not columns.shape[1]:
        return []
    is_there = ~np.isnan(columns)
    n_there = np.maximum(is_there.sum(axis=0), 1)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mean = np.where(is_there, columns, 0).sum(axis=0, dtype=np.float64) / n_there
        deviation = np.sqrt(np.square(np.where(is_there, columns - mean, 0)).sum(axis=0) / n_there)
        sizes = np.maximum(np.maximum(np.abs(mean), deviation) / LARGEST, np.where(deviation > 0, SMALLEST / deviation, 0.0))
    worst = int(sizes.argmax())
    return [f"mean {mean[worst]:.3g} and standard deviation {deviation[worst]:.3g}"] if sizes[worst] > 1 else []
