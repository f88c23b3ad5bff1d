"""Penalty for weights that are not orthonormal."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Regularizer


class Orthogonality(Regularizer):
    """Orthogonality penalty: draws the columns or rows of a weight towards orthonormal ones.

    R(W) = λ·‖WᵀW − I‖² for columns, or λ·‖WWᵀ − I‖² for rows, with λ = `strength` and ‖·‖² the sum of squares. The gradient is
    4λ·W(WᵀW − I), or 4λ·(WWᵀ − I)W. Orthonormal weights preserve the length of signals, and their units are not redundant.

    Parameters
    ----------
    strength : float >= 0, default 0.01
        λ, the strength of the penalty.
    mode : {"auto", "columns", "rows"}, default "auto"
        What should be orthonormal in a weight (n_inputs, n_outputs): the columns, one for each unit, or the rows, one for each input.
        ``"auto"`` takes those of which there are fewer, since more vectors than dimensions cannot be orthogonal.

    Notes
    -----
    It runs in NumPy, since it needs matrix products. Keras' ``OrthogonalRegularizer`` differs: it adds up cosines between columns or rows,
    whatever their lengths. The initializer ``"orthogonal"`` starts with orthonormal weights.

    References
    ----------
    Brock et al., "Neural photo editing with introspective adversarial networks", ICLR 2017. Bansal, Chen & Wang, "Can we gain more from
    orthogonality regularizations in training deep networks?", NeurIPS 2018.
    """

    ranges: ClassVar[dict[str, str]] = {"strength": "[0, inf)"}
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"mode": ("auto", "columns", "rows")}
    examples = ({}, {"mode": "columns"}, {"mode": "rows", "strength": 0.1})

    def __init__(self, strength: float = 0.01, mode: str = "auto") -> None:
        self.strength = strength
        self.mode = mode

    def value(self, w: np.ndarray) -> float:
        return float(self.strength * np.square(self._excess(w)).sum())

    def add_gradient(self, w: np.ndarray, g: np.ndarray) -> None:
        units = w.astype(np.float64)
        excess = self._excess(w)
        g += (4 * self.strength * (units @ excess if self._has_columns(w) else excess @ units)).astype(w.dtype)

    def _has_columns(self, w: np.ndarray) -> bool:
        return w.shape[1] <= w.shape[0] if self.mode == "auto" else self.mode == "columns"

    def _excess(self, w: np.ndarray) -> np.ndarray:
        """WᵀW − I or WWᵀ − I, float64."""
        units = w.astype(np.float64) if self._has_columns(w) else w.T.astype(np.float64)
        products = units.T @ units
        products[np.diag_indices_from(products)] -= 1
        return products
