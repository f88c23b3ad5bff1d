"""Soft thresholding: exact zeros by the proximal step of the lasso."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Constraint, Kernel


class SoftThreshold(Constraint):
    """Soft thresholding, for sparse weights: an L1 penalty that gives exact zeros, w ← sign(w)·max(|w| − lr·λ, 0).

    Parameters
    ----------
    strength : float, default 0.01
        λ, as in `nncore.L1`.

    Notes
    -----
    lr is the learning rate of the last step for this tensor: ``optimizer.lr`` times ``lr_factor`` of its group and the factor of the
    schedule. With `nncore.SGD` this is proximal gradient descent, which minimises the loss plus λ·Σ|w|. Optimizers with other steps than
    lr·g have another minimum. Momentum ρ makes steps 1/(1 − ρ) times as long, so its minimum is that of (1 − ρ)·λ. With Adam, λ is relative
    to gradients that are scaled to about 1. Initial values are not changed.

    References
    ----------
    Daubechies, Defrise & De Mol, "An iterative thresholding algorithm for linear inverse problems with a sparsity constraint", 2004.
    Parikh & Boyd, "Proximal algorithms", 2014.
    """

    ranges: ClassVar[dict[str, str]] = {"strength": "[0, inf)"}
    split = "elements"
    needs_rate = True
    idempotent = False
    kernel = Kernel("nncore._core.native:constraint_soft_threshold", never_fails=True)

    def __init__(self, strength: float = 0.01) -> None:
        self.strength = strength

    def project(self, w: np.ndarray, rate: float) -> None:
        threshold = w.dtype.type(rate * self.strength)
        w -= np.clip(w, -threshold, threshold)
