"""Compiled metrics: their checked tables and hyperparameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nncore._core import Scorer
from nncore.contract import Kernel, Metric
from nncore.program.kernels import Needed, named, needed


@dataclass(frozen=True)
class Scored:
    """A compiled metric.

    Attributes
    ----------
    metric : Metric
    capsule : PyCapsule
    hyper : ndarray
        Hyperparameters, float64.
    needed : list of Needed
    n_terms : int
    """

    metric: Metric
    capsule: object
    hyper: np.ndarray
    needed: list[Needed]
    n_terms: int

    def who(self) -> str:
        """Name of the metric for messages."""
        return named("metrics", self.metric)


@dataclass(frozen=True)
class ScorerSpec:
    """Everything that `nncore._core.Scorer` needs."""

    metrics: list[Scored]
    n_outputs: int
    n_targets: int
    uses_labels: bool
    dtype: np.dtype


def compile_scorer(
    metrics: Sequence[tuple[Metric, Kernel]], *, n_outputs: int, n_targets: int, uses_labels: bool, dtype: np.dtype
) -> Scorer[ScorerSpec]:
    """Make a scorer for predictions with `n_outputs` columns, and for class indices or real targets."""
    stem = "labels" if uses_labels else "real"
    scored = [
        Scored(metric, kernel.load(), np.array(metric.hyper(), np.float64), needed("metric", [stem], dtype), metric.n_terms(n_outputs))
        for metric, kernel in metrics
    ]
    return Scorer(ScorerSpec(scored, n_outputs, n_targets, uses_labels, dtype))
