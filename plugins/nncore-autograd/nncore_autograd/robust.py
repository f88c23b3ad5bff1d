"""Barron's general robust loss."""

from __future__ import annotations

from typing import Any, ClassVar

import autograd.numpy as np

from nncore_autograd.loss import DifferentiableLoss


class Robust(DifferentiableLoss):
    """E = Σ |α − 2|/α · ((e²/|α − 2| + 1)^(α/2) − 1), e = (y − Y)/scale; α = 2 and α = 0 are its limits ½e² and log(½e² + 1).

    One number goes from squared errors (α = 2) over smooth absolute ones (1), Cauchy's (0) and Geman and McClure's (−2) to losses that
    ignore outliers.

    Parameters
    ----------
    alpha : float, default 1.0
        α: the smaller, the less a large error counts.
    scale : float, default 1.0
        Scale of errors: larger ones count as outliers.

    Raises
    ------
    ParameterError
        For a number outside its range.

    References
    ----------
    Barron, "A general and adaptive robust loss function", CVPR 2019, equation 9.
    """

    ranges: ClassVar[dict[str, str]] = {"alpha": "(-inf, inf)", "scale": "(0, inf)"}

    def __init__(self, alpha: float = 1.0, scale: float = 1.0) -> None:
        self.alpha = alpha
        self.scale = scale

    def f(self, output: Any, target: Any) -> Any:
        squared = ((output - target) / self.scale) ** 2
        if self.alpha == 2:
            return np.sum(squared / 2, axis=1)
        if self.alpha == 0:
            return np.sum(np.log1p(squared / 2), axis=1)
        # expm1 and log1p keep the digits of small errors, and of an alpha near 0.
        beta = abs(self.alpha - 2)
        return np.sum(beta / self.alpha * np.expm1(self.alpha / 2 * np.log1p(squared / beta)), axis=1)
