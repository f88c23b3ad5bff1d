"""Max-norm constraint."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.constraints.norms import norms, split_of
from nncore.plugin import Constraint, Kernel


class MaxNorm(Constraint):
    """Max-norm constraint: limits the norm of the weights w of each unit, w ← w·min(1, c/‖w‖) with c = `limit`.

    Parameters
    ----------
    limit : float, default 2
        c, the largest norm.
    axis : {0, 1}, default 0
        Axis of the norm in a weight (n_inputs, n_outputs). 0 limits each column, the weights into a unit. 1 limits each row, the weights
        from an input, or the vector of a category in `nncore.Embedding`.

    Notes
    -----
    It is often used with dropout, whose noise lets weights grow. Values of 2 to 4 are common.

    References
    ----------
    Srebro, Rennie & Jaakkola, "Maximum-margin matrix factorization", NeurIPS 2004. Srivastava et al., "Dropout: a simple way to prevent
    neural networks from overfitting", JMLR 2014.
    """

    ranges: ClassVar[dict[str, str]] = {"limit": "(0, inf)", "axis": "[0, 1]"}
    whole = ("axis",)
    kernel = Kernel("nncore._core.native:constraint_max_norm", never_fails=True)
    examples = ({}, {"axis": 1}, {"limit": 0.5})

    def __init__(self, limit: float = 2.0, axis: int = 0) -> None:
        self.limit = limit
        self.axis = axis

    @property
    def split(self) -> str:
        return split_of(self.axis)

    def project(self, w: np.ndarray, rate: float) -> None:
        lengths = norms(w, self.axis)
        w *= np.divide(self.limit, lengths, out=np.ones_like(lengths), where=lengths > self.limit)

    def is_feasible(self, w: np.ndarray) -> np.ndarray:
        return norms(w, self.axis) <= self.limit * (1 + 4 * np.finfo(w.dtype).eps)
