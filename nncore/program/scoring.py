"""Metrics and the link before them, as the core runs them: their tables, checked, and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nncore._core import Scorer
from nncore.contract import Activation, Kernel, Metric
from nncore.program.kernels import Needed, named, needed


@dataclass(frozen=True)
class Scored:
    """A compiled metric, or the compiled link.

    Attributes
    ----------
    component : Metric or Activation
    capsule : PyCapsule
    hyper : ndarray
        Its numbers, float64.
    needed : list of Needed
    n_terms : int
        Of a metric.
    """

    component: Metric | Activation
    capsule: object
    hyper: np.ndarray
    needed: list[Needed]
    n_terms: int = 0

    def who(self) -> str:
        """The component, for messages."""
        return named("metrics" if isinstance(self.component, Metric) else "activations", self.component)


@dataclass(frozen=True)
class ScorerSpec:
    """All that `nncore._core.Scorer` needs."""

    link: Scored | None
    metrics: list[Scored]
    n_outputs: int
    n_targets: int
    uses_labels: bool
    dtype: np.dtype


def compile_scorer(
    link: tuple[Activation, Kernel] | None,
    metrics: Sequence[tuple[Metric, Kernel]],
    *,
    n_outputs: int,
    n_targets: int,
    uses_labels: bool,
    dtype: np.dtype,
) -> Scorer[ScorerSpec]:
    """Make a scorer for outputs of this many columns, and for class indices or real targets."""
    before = None
    if link is not None:
        activation, kernel = link
        before = Scored(activation, kernel.load(), np.array(activation.hyper(), np.float64), needed("activation", ["forward"], dtype))
    stem = "labels" if uses_labels else "real"
    scored = [
        Scored(metric, kernel.load(), np.array(metric.hyper(), np.float64), needed("metric", [stem], dtype), metric.n_terms(n_outputs))
        for metric, kernel in metrics
    ]
    return Scorer(ScorerSpec(before, scored, n_outputs, n_targets, uses_labels, dtype))
