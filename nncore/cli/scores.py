"""How good predictions are, beside what one gets without looking at the inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncore.cli.terminal import percent


def accuracy(predicted: Sequence[str], true: Sequence[str]) -> float:
    """Share of equal labels."""
    return sum(p == t for p, t in zip(predicted, true, strict=True)) / len(true)


def classification_score(predicted: Sequence[str], true: Sequence[str], commonest: str) -> str:
    """Accuracy, and that of always naming the class `commonest` among the rows learnt from."""
    baseline = percent(accuracy([commonest] * len(true), true))
    return f"accuracy {percent(accuracy(predicted, true))} on {len(true)} rows held out (always {commonest!r}: {baseline})"


def real_errors(predicted: np.ndarray, true: np.ndarray) -> str:
    """R² (where the true values differ), RMSE and MAE in the unit of the target; both of shape ``(n_rows,)``."""
    mse, variance = float(np.mean((predicted - true) ** 2)), float(np.var(true))
    r2 = f"R² {1 - mse / variance:.3f}, " if variance > 0 else ""
    return r2 + _mean_errors(predicted - true)


def regression_score(predicted: np.ndarray, true: np.ndarray, mean: float) -> str:
    """`real_errors`, and RMSE and MAE of always naming the `mean` of the rows learnt from, whose R² is 0 by definition."""
    return f"{real_errors(predicted, true)} on {len(true)} rows held out (always the mean {mean:.5g}: {_mean_errors(mean - true)})"


def _mean_errors(error: np.ndarray) -> str:
    return f"RMSE {np.sqrt(np.mean(error**2)):.5g}, MAE {np.mean(np.abs(error)):.5g}"
