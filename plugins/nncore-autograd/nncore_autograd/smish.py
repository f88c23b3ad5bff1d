"""Smish."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np

from nncore_autograd.activation import DifferentiableActivation


class Smish(DifferentiableActivation):
    """φ(z) = z·tanh(log(1 + σ(z))), σ the logistic function.

    Smooth, not monotonic, bounded below by about −0.25.

    References
    ----------
    Wang et al., "Smish: a novel activation function for deep learning methods", Electronics 11, 2022.
    """

    initializer = "he_normal"

    def f(self, z: Any) -> Any:
        return z * np.tanh(np.log1p(0.5 + 0.5 * np.tanh(0.5 * z)))  # σ by tanh, which does not overflow
