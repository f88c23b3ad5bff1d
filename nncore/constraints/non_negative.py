"""Non-negative weights."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Constraint, Kernel


class NonNegative(Constraint):
    """Non-negative weights: w ← max(w, 0).

    With monotone activations, a network of non-negative weights increases with every input.

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
