"""The proximal step of the lasso."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Constraint, Kernel


class SoftThreshold(Constraint):
    """w ← sign(w)·max(|w| − lr·λ, 0) with λ = `strength`: the proximal step of λ·Σ|w|, which gives exact zeros.

    Parameters
    ----------
    strength : float, default 0.01
        λ, as of `nncore.L1`.

    Notes
    -----
    lr is the learning rate of the step just taken, for this tensor: ``optimizer.lr`` times ``lr_factor`` of its group and the factor of the
    schedule. With `nncore.SGD` the iteration is proximal gradient descent, whose minimum is that of the loss plus λ·Σ|w|. Optimizers
    that take other steps than lr·g have another minimum: with momentum ρ, whose steps are 1/(1 − ρ) times as long, it is that of
    (1 − ρ)·λ; with Adam, λ weighs against gradients that are scaled to about 1. First values are left as they are drawn.

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
