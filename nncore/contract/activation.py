"""Activations: φ, applied to every row of a layer's outputs."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.contract.kernel import Kernel


class Activation(Configurable):
    """φ, applied to every row of a layer's outputs.

    Attributes
    ----------
    needs_input : bool
        True if `backward` reads `z`. Otherwise `a` overwrites `z` in place, which saves memory and time.
    trainable : bool
        False for functions without a useful derivative (step, sign): training through them raises.
    initializer : str
        The weight initializer that suits a layer feeding this activation.
    kernel : Kernel or None
        The same in C: ``nnc_activation`` of ``nncore/plugin.h``, called only for numbers of columns that `check_columns` lets pass.
    """

    needs_input: ClassVar[bool] = False
    trainable: ClassVar[bool] = True
    initializer: ClassVar[str] = "glorot_uniform"
    kernel: ClassVar[Kernel | None] = None

    def check_columns(self, n_columns: int) -> None:
        """Raise `ShapeError` if it cannot be applied to rows of `n_columns` numbers. Most can be, to any."""

    def forward(self, z: np.ndarray) -> np.ndarray:
        """φ(z); `z` and the result have shape ``(n_rows, n_columns)``."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        """∂E/∂z from ``d_a`` = ∂E/∂a. `z` holds the input only if `needs_input`, else it equals `a`."""
        raise NotImplementedError(f"{type(self).__name__}.backward")
