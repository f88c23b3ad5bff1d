"""Every class equally often."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nncore.plugin import SampleInfo, Sampler, permutation
from nncore.samplers.passes import drawn_evenly, members_of

#: Visits of each class in an epoch, by the counts of the classes.
_VISITS: dict[str, Callable[[np.ndarray], int]] = {
    "mean": lambda counts: -(-int(counts.sum()) // len(counts)),
    "smallest": lambda counts: int(counts.min()),
    "largest": lambda counts: int(counts.max()),
}


class BalancedSampler(Sampler):
    """Every class equally often, in random order: for data in which some classes are rare.

    Samples of a class are drawn without replacement as far as possible: a sample is visited again only after all others of its class
    have been. This goes on from epoch to epoch. A class that is visited 50 times an epoch and has 200 samples shows all of them in 4
    epochs; one with 10 samples shows each of them 5 times an epoch.

    The targets are class indices, or stand for classes (one-hot; 0 and 1). Sample weights multiply what each visit counts, as always.

    Parameters
    ----------
    per_class : {"mean", "smallest", "largest"}, default "mean"
        Visits of each class in an epoch. "mean": the number of samples divided by the number of classes, rounded up, so that an epoch is
        about as long as without this sampler. "smallest": as many as the rarest class has samples (undersampling). "largest": as many as
        the most frequent class has (oversampling).

    Notes
    -----
    A network that is trained on balanced classes predicts probabilities for classes that are equally frequent. Where they are not, its
    probabilities of rare classes are too large.

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
