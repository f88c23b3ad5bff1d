"""Weights of one sign."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Constraint, Kernel


class NonNegative(Constraint):
    """w ← max(w, 0).

    Weights that are never negative, with activations that never fall, make a network that rises with every input: a monotone one.

    References
    ----------
    Sill, "Monotonic networks", NeurIPS 1997. Lee & Seung, "Learning the parts of objects by non-negative matrix factorization", Nature
    1999.
    """

    split = "elements"
    kernel = Kernel("nncore._core.native:constraint_non_negative", never_fails=True)

    def project(self, w: np.ndarray, rate: float) -> None:
        w[w < 0] = 0

    def is_feasible(self, w: np.ndarray) -> np.ndarray:
        return w >= 0
