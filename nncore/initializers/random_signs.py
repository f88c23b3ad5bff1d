"""Random signs, which make the members of an ensemble differ."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Initializer


class RandomSigns(Initializer):
    """Random signs: 1 or −1, each with probability ½, for the members of a BatchEnsemble.

    References
    ----------
    Wen, Tran & Ba, "BatchEnsemble: an alternative approach to efficient ensemble and lifelong learning", ICLR 2020, appendix B.
    """

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.choice([-1.0, 1.0], size=shape)
