"""Greedy ensemble selection among trials, by their out-of-fold predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Loss, Metric
from nncore.data import as_targets
from nncore.ensembles.calibration import has_average, mean_loss
from nncore.ensembles.members import together

#: Rounds of the selection: the number of members, counting those chosen several times.
ROUNDS = 40


@dataclass(frozen=True)
class OutOfFold:
    """Validation samples, and the loss or metric of predictions for them.

    Attributes
    ----------
    target : ndarray
        Encoded targets: class indices of shape (n_samples,), or numbers of shape (n_samples, n_targets).
    weights : ndarray of shape (n_samples,) or None
    loss : Loss
    metric : Metric or None
        None for the loss.
    mode : {"min", "max"}
        Whether smaller or larger values are better.
    """

    target: np.ndarray
    weights: NDArray[np.floating] | None
    loss: Loss
    metric: Metric | None
    mode: str

    def score(self, outputs: NDArray[np.float64]) -> float:
        """Score of outputs after the link of the loss; higher is better."""
        if self.metric is None:
            value = self.mean_loss(outputs)
        else:
            values = as_targets(self.target, self.loss, outputs.shape[1], outputs.dtype).values
            value = self.metric.score(outputs, values, self.weights)
        return value if self.mode == "max" else -value

    def mean_loss(self, outputs: NDArray[np.float64]) -> float:
        """Loss of outputs after the link of the loss."""
        return mean_loss(outputs, self.target, self.weights, self.loss)


def greedy_weights(candidates: Sequence[NDArray[np.floating]], held_out: OutOfFold, n_rounds: int = ROUNDS) -> NDArray[np.int64]:
    """How often the best ensemble contains each candidate. Each round adds the candidate that improves the ensemble most, with replacement.

    If several are equally good by a coarse score such as accuracy, the one with the smallest loss is added, or the first. Of equally good
    ensembles, the smallest is best.

    Parameters
    ----------
    candidates : sequence of ndarray of shape (n_samples, n_outputs)
        Outputs of each candidate after the link of the loss.
    held_out : OutOfFold
    n_rounds : int

    References
    ----------
    Caruana, Niculescu-Mizil, Crew & Ksikes, "Ensemble selection from libraries of models", ICML 2004.
    """
    counts = np.zeros(len(candidates), np.int64)
    best, best_counts = (-math.inf, -math.inf), counts
    breaks_ties = held_out.metric is not None and has_average(held_out.loss)
    for _ in range(n_rounds):
        found = []
        for number in range(len(candidates)):
            counts[number] += 1
            found.append(_rated(candidates, counts, held_out, breaks_ties=breaks_ties))
            counts[number] -= 1
        chosen = max(range(len(found)), key=found.__getitem__)
        counts[chosen] += 1
        if found[chosen] > best:
            best, best_counts = found[chosen], counts.copy()
        if len(candidates) == 1:
            break
    if not best_counts.any():
        best_counts = np.eye(1, len(candidates), dtype=np.int64)[0]
    divisor: int = np.gcd.reduce(best_counts)
    return best_counts // divisor


def _rated(
    candidates: Sequence[NDArray[np.floating]], counts: NDArray[np.int64], held_out: OutOfFold, *, breaks_ties: bool
) -> tuple[float, float]:
    chosen = np.flatnonzero(counts).tolist()
    outputs = together([candidates[number] for number in chosen], held_out.loss, counts[chosen].astype(np.float64))
    score = held_out.score(outputs)
    loss = held_out.mean_loss(outputs) if breaks_ties else 0.0
    return (-math.inf if math.isnan(score) else score, -math.inf if math.isnan(loss) else -loss)
