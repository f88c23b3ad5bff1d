"""Hold out samples of a stream by a hash of their numbers and a seed, so that every pass holds out the same ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncore.arguments import as_number, shown
from nncore.blocks import blocks
from nncore.contract import row_hashes
from nncore.errors import DataError, ParameterError


def is_below(rows: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Mask of a fraction `share` of samples, bool of shape ``(n,)``: those whose hash is below `share` · 2⁶⁴.

    A smaller share is a subset of a larger one.
    """
    return is_between(rows, 0.0, share, seed)


def is_between(rows: np.ndarray, begin: float, share: float, seed: int) -> np.ndarray:
    """Mask of the samples whose hash is between `begin` and `begin` + `share`, times 2⁶⁴. Adjacent ranges divide the samples into parts."""
    if share >= 1:
        return np.ones(len(rows), bool)
    return hashes_between(row_hashes(rows, seed & (2**64 - 1)), int(begin * 2**64), int(share * 2**64))


def hashes_between(hashes: np.ndarray, begin: int, width: int) -> np.ndarray:
    """Mask of the hashes, uint64 of shape ``(n,)``, from `begin` to below `begin` + `width`, modulo 2⁶⁴; `width` is below 2⁶⁴."""
    between: np.ndarray = hashes - np.uint64(begin) < np.uint64(width)
    return between


@dataclass(frozen=True)
class HeldOut:
    """A random part of the samples, about `fraction` of them, or the rest.

    Attributes
    ----------
    fraction : float
        Fraction of the samples to hold out, between 0 and 1.
    seed : int
        Below 2**64. The same seed holds out the same samples.
    is_rest : bool
        True for the samples that are not held out.
    begin : float, default 0
        Start of the part, from 0 to below 1. Adjacent parts are folds.
    """

    fraction: float
    seed: int
    is_rest: bool
    begin: float = 0.0

    def mask(self, first: int, n: int) -> np.ndarray:
        """Mask of `n` samples from number `first` on that belong to the part, shape ``(n,)``, bool."""
        return self.mask_of(np.arange(first, first + n))

    def mask_of(self, rows: np.ndarray) -> np.ndarray:
        """Mask of the samples with these numbers that belong to the part, shape ``(n,)``, bool."""
        chosen = is_between(rows, self.begin, self.fraction, self.seed)
        return ~chosen if self.is_rest else chosen

    def count(self, n_samples: int) -> int:
        """Number of samples in the part, of `n_samples`.

        Raises
        ------
        DataError
            If there are none.
        """
        found = sum(int(self.mask(rows.start, rows.stop - rows.start).sum()) for rows in blocks(n_samples, 8))
        if found == 0:
            what = "leaves none to train on" if self.is_rest else "holds none out"
            raise DataError(f"validation={self.fraction:g} of {n_samples} samples {what}: use another fraction, or pass validation=(X, y)")
        return found

    def rows(self, n_samples: int) -> np.ndarray:
        """The numbers of the samples that belong to the part, int64."""
        self.count(n_samples)
        return np.flatnonzero(self.mask(0, n_samples))


def as_fraction(value: object) -> float:
    """Check the fraction of the samples to hold out."""
    found = as_number(value)
    if found is None or not 0 < found < 1:
        raise ParameterError(
            f"validation must be (X, y), (X, y, sample_weight), a stream, or a fraction of the samples between 0 and 1, got {shown(value)}"
        )
    return found
