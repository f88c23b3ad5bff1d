"""Units at right angles."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Regularizer


class Orthogonality(Regularizer):
    """R(W) = λ·‖WᵀW − I‖², or λ·‖WWᵀ − I‖², with λ = `strength`: draws the columns, or the rows, of W towards orthonormal ones.

    Such a layer keeps the lengths of what goes through it, and its units do not say the same thing twice. ‖·‖² is the sum of squares. The
    gradient is 4λ·W(WᵀW − I), or 4λ·(WWᵀ − I)W.

    Parameters
    ----------
    strength : float >= 0, default 0.01
        λ.
    mode : {"auto", "columns", "rows"}, default "auto"
        What is to be orthonormal in a weight (n_inputs, n_outputs): the columns, what comes into each unit, or the rows, what leaves each
        input. ``"auto"`` takes whichever are fewer: of more than there are dimensions, not all can be at right angles.

    Notes
    -----
    It runs in NumPy, whose products of matrices it needs. Keras' ``OrthogonalRegularizer`` is another one: it adds up cosines between
    columns or rows, and leaves their lengths alone. The initializer ``"orthogonal"`` begins with such weights.

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
