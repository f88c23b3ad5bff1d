"""The group lasso."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Regularizer


class GroupLasso(Regularizer):
    """Group lasso, for feature selection: shrinks whole rows of a weight to zero.

    R(W) = λ·√p·Σ‖row‖ with λ = `strength` and p numbers in a row. A row of a weight (n_inputs, n_outputs) belongs to an input. In the first
    layer, a row near zero is a feature that the network does not use.

    Parameters
    ----------
    strength : float, default 0.01
        λ, the strength of the penalty.

    Notes
    -----
    The factor √p makes λ comparable for groups of any size. The gradient of a row is λ·√p·row/‖row‖, and 0 for a row of zeros. As with
    `L1`, gradient steps make rows small rather than zero.

    References
    ----------
    Yuan & Lin, "Model selection and estimation in regression with grouped variables", JRSS B 2006. Scardapane et al., "Group sparse
    regularization for deep neural networks", Neurocomputing 2017.
    """

    ranges: ClassVar[dict[str, str]] = {"strength": "[0, inf)"}
    split = "rows"
    kernel = Kernel("nncore._core.native:regularizer_group_lasso", never_fails=True)

    def __init__(self, strength: float = 0.01) -> None:
        self.strength = strength

    def value(self, w: np.ndarray) -> float:
        return float(self.strength * np.sqrt(w.shape[1]) * _norms(w).sum())

    def add_gradient(self, w: np.ndarray, g: np.ndarray) -> None:
        norms = _norms(w)
        scales = np.divide(self.strength * np.sqrt(w.shape[1]), norms, out=np.zeros_like(norms), where=norms > 0)
        g += scales.astype(w.dtype) * w


def _norms(w: np.ndarray) -> np.ndarray:
    """Of the rows, (n_rows, 1), float64."""
    return np.sqrt(np.square(w, dtype=np.float64).sum(axis=1, keepdims=True))
