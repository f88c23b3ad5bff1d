"""Which samples are held out: decided by the number of each and a seed, so that it is the same however often they are gone through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncore.arguments import as_number, shown
from nncore.blocks import blocks
from nncore.errors import DataError, ParameterError

#: Steps and multipliers of SplitMix64.
_GAMMA, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class HeldOut:
    """A part of the samples, about `fraction` of them; or the rest.

    Attributes
    ----------
    fraction : float
        Between 0 and 1.
    seed : int
        Below 2**64.
    is_rest : bool
        Whether the samples are meant that are not held out.

    References
    ----------
    Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014: SplitMix64, the hash.
    """

    fraction: float
    seed: int
    is_rest: bool

    def mask(self, first: int, n: int) -> np.ndarray:
        """Which of the samples from number `first` on belong to it, shape ``(n,)``, bool."""
        z = np.arange(first + 1, first + n + 1, dtype=np.uint64) * _GAMMA + np.uint64(self.seed)
        z = (z ^ (z >> np.uint64(30))) * _FIRST
        z = (z ^ (z >> np.uint64(27))) * _SECOND
        chosen: np.ndarray = (z ^ (z >> np.uint64(31))) < np.uint64(int(self.fraction * 2**64))
        return ~chosen if self.is_rest else chosen

    def count(self, n_samples: int) -> int:
        """How many of so many samples belong to it.

        Raises
        ------
        DataError
            If none does.
        """
        found = sum(int(self.mask(rows.start, rows.stop - rows.start).sum()) for rows in blocks(n_samples, 8))
        if found == 0:
            what = "leaves none to train on" if self.is_rest else "holds none out"
            raise DataError(f"validation={self.fraction:g} of {n_samples} samples {what}: use another fraction, or pass validation=(X, y)")
        return found

    def rows(self, n_samples: int) -> np.ndarray:
        """The numbers of those that belong to it, int64."""
        self.count(n_samples)
        return np.flatnonzero(self.mask(0, n_samples))


def as_fraction(value: object) -> float:
    """What part of the samples is held out."""
    found = as_number(value)
    if found is None or not 0 < found < 1:
        raise ParameterError(
            f"validation must be (X, y), (X, y, sample_weight), a stream, or a fraction of the samples between 0 and 1, got {shown(value)}"
        )
    return found
