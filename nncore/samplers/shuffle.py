"""All samples in random order."""

from __future__ import annotations

import numpy as np

from nncore.plugin import SampleInfo, Sampler, permutation


class ShuffleSampler(Sampler):
    """Visit every sample once, in a new random order every epoch: the default of `fit`.

    References
    ----------
    Fisher & Yates, "Statistical tables for biological, agricultural and medical research", 1938; Durstenfeld, "Algorithm 235: random
    permutation", 1964.
    """

    in_stream = "shuffled"

    def order(self, samples: SampleInfo, seed: int, epoch: int) -> np.ndarray:
        return permutation(samples.n_samples, seed, epoch)
