"""Balanced sampling of classes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nncore.plugin import SampleInfo, Sampler, permutation
from nncore.samplers.passes import drawn_evenly, members_of

#: Number of samples of each class in an epoch, from the counts of the classes.
_VISITS: dict[str, Callable[[np.ndarray], int]] = {
    "mean": lambda counts: -(-int(counts.sum()) // len(counts)),
    "smallest": lambda counts: int(counts.min()),
    "largest": lambda counts: int(counts.max()),
}


class BalancedSampler(Sampler):
    """Balanced sampling for imbalanced classes: every class equally often, in random order.

    Samples of a class are drawn without replacement: a sample comes again only after all others of its class. This continues from epoch to
    epoch. For example, let each class have 50 visits in an epoch. A class with 200 samples then shows all of them in 4 epochs. A class with
    10 samples shows each 5 times in an epoch.

    Targets are class indices, one-hot, or 0 and 1. Sample weights still apply.

    Parameters
    ----------
    per_class : {"mean", "smallest", "largest"}, default "mean"
        Number of visits of each class in an epoch. ``"mean"``: the number of samples divided by the number of classes, rounded up, so that
        the length of an epoch hardly changes. ``"smallest"``: that of samples of the rarest class (undersampling). ``"largest"``: that of
        samples of the most frequent class (oversampling).

    Notes
    -----
    A network that is trained on balanced classes predicts probabilities for equally frequent classes. If they are not, its probabilities of
    rare classes are too large.

    References
    ----------
    He & Garcia, "Learning from imbalanced data", IEEE Transactions on Knowledge and Data Engineering, 2009.
    """

    choices = {"per_class": tuple(_VISITS)}

    def __init__(self, per_class: str = "mean") -> None:
        self.per_class = per_class

    def length(self, samples: SampleInfo) -> int:
        counts = np.bincount(samples.classes())
        return len(counts) * _VISITS[self.per_class](counts)

    def order(self, samples: SampleInfo, seed: int, epoch: int) -> np.ndarray:
        classes = samples.classes()
        counts = np.bincount(classes)
        n_classes, visits = len(counts), _VISITS[self.per_class](counts)
        drawn = drawn_evenly(members_of(classes), visits, seed, epoch)
        return np.concatenate(drawn)[permutation(n_classes * visits, seed, epoch * (n_classes + 1))]
