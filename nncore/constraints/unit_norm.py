"""Unit-norm constraint."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.constraints.norms import norms, split_of
from nncore.plugin import Constraint, Kernel


class UnitNorm(Constraint):
    """Unit-norm constraint: scales the weights w of each unit to norm 1, w ← w/‖w‖.

    Weights that are all 0 are not changed.

    Parameters
    ----------
    axis : {0, 1}, default 0
        Axis of the norm in a weight (n_inputs, n_outputs). 0 scales each column, the weights into a unit. 1 scales each row, the weights
        from an input, or the vector of a category in `nncore.Embedding`.

    References
    ----------
    Salimans & Kingma, "Weight normalization", NeurIPS 2016, for what is gained where lengths do not matter.
    """

    ranges: ClassVar[dict[str, str]] = {"axis": "[0, 1]"}
    whole = ("axis",)
    kernel = Kernel("nncore._core.native:constraint_unit_norm", never_fails=True)
    examples = ({}, {"axis": 1})

    def __init__(self, axis: int = 0) -> None:
        self.axis = axis

    @property
    def split(self) -> str:
        return split_of(self.axis)

    def project(self, w: np.ndarray, rate: float) -> None:
        lengths = norms(w, self.axis)
        w *= np.divide(1.0, lengths, out=np.ones_like(lengths), where=lengths > 0)

    def is_feasible(self, w: np.ndarray) -> np.ndarray:
        lengths = norms(w, self.axis)
        return (np.abs(lengths - 1) <= 4 * np.finfo(w.dtype).eps) | (lengths == 0)
