"""Harrell's concordance index."""

from __future__ import annotations

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Metric
from nncore_survival.logistic_hazard import survival_curve
from nncore_survival.targets import N_TARGETS, example_survival


class Concordance(Metric):
    """C: the fraction of comparable pairs of samples, whose order of events is known, that predictions order correctly.

    A pair is comparable if the earlier time is that of an event. Of two equal times, one must be an event and the other censored; the
    censored one counts as later. A pair is concordant if the earlier one has the higher predicted risk; a pair of equal risks counts
    half. Constant predictions score ½, a perfect order 1. A pair weighs the product of its sample weights. Without a comparable pair C is
    NaN.

    The risk is the network's output if there is one (``cox``). Of several outputs, hazards of intervals (``logistic_hazard``), it is the
    negative sum of the survival curve.

    Notes
    -----
    Equals ``concordance_index`` of lifelines and ``concordance_index_censored`` of scikit-survival, which takes risks that differ by up to
    1e-8 for equal. It sorts instead of looking at all pairs: O(n log² n).

    References
    ----------
    Harrell, Califf, Pryor, Lee & Rosati, "Evaluating the yield of medical tests", JAMA 1982.
    """

    higher_is_better = True

    def example(self, rng: np.random.Generator, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
        return np.round(rng.normal(size=(n_rows, 1)), 1), example_survival(rng, n_rows, 4.0)

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        if target[1:] != (N_TARGETS,):
            raise ShapeError(f"Concordance is for targets of two columns, time and event, these have shape {target}")

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        self.check_shapes(output.shape, target.shape)
        risk = output[:, 0] if output.shape[1] == 1 else -survival_curve(output.astype(np.float64)).sum(axis=1)
        weight = np.ones(len(output)) if sample_weight is None else sample_weight.astype(np.float64)
        return concordance(risk, target[:, 0], target[:, 1] > 0, weight)


def concordance(risk: np.ndarray, time: np.ndarray, event: np.ndarray, weight: np.ndarray) -> float:
    """C of risks; all arrays have shape (n_samples,)."""
    rank = np.unique(risk, return_inverse=True)[1]
    order = np.lexsort((rank, ~event, time))  # of equal times events come first, in the order of their risks
    rank, time, event, weight = rank[order], time[order], event[order], weight[order]
    comparable = float((weight * event) @ (weight.sum() - np.cumsum(weight)))
    lower, equal = _later(rank, event, weight)
    # Two events of one time were counted as a pair: none with a lower risk comes later, since they are in the order of their risks.
    both = np.flatnonzero(event)
    group = np.unique(time[both], return_inverse=True)[1]
    comparable -= _pairs(group, weight[both])
    equal -= _pairs(group * (rank.max(initial=0) + 1) + rank[both], weight[both])
    return (lower + equal / 2) / comparable if comparable > 0 else float("nan")


def _pairs(group: np.ndarray, weight: np.ndarray) -> float:
    """Weights of the pairs inside groups."""
    if not len(group):
        return 0.0
    which = np.unique(group, return_inverse=True)[1]
    sums, squares = np.bincount(which, weight), np.bincount(which, weight**2)
    return float((sums**2 - squares).sum() / 2)


def _later(rank: np.ndarray, event: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Weights of pairs of an event and a later sample with a lower rank, and with the same one.

    A merge sort from the bottom: at each width, events of the left half of each block meet the samples of its right half.
    """
    n, position = len(rank), np.arange(len(rank))
    n_ranks, lower, equal, width = int(rank.max(initial=0)) + 1, 0.0, 0.0, 1
    while width < n:
        block, is_right = position // (2 * width), position // width % 2 == 1
        right = np.flatnonzero(is_right)
        key = block[right] * n_ranks + rank[right]
        by_key = np.argsort(key, kind="stable")
        key, sums = key[by_key], np.concatenate([[0.0], np.cumsum(weight[right][by_key])])
        left = np.flatnonzero(~is_right & event)
        own = block[left] * n_ranks + rank[left]
        begin, low = (np.searchsorted(key, keys, "left") for keys in (block[left] * n_ranks, own))
        high = np.searchsorted(key, own, "right")
        lower += float(weight[left] @ (sums[low] - sums[begin]))
        equal += float(weight[left] @ (sums[high] - sums[low]))
        width *= 2
    return lower, equal
