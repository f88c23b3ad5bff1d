"""Sharpness-aware minimization."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, OptimizerWrapper, resolve

#: Against division by zero where all gradients are 0.
SMALLEST_NORM = 1e-12


class SAM(OptimizerWrapper):
    """Sharpness-aware minimization (SAM): find flat minima, which often generalize better.

    Another optimizer steps with the gradient at the point nearby where the loss is highest: g₁ = ∇L(w), e = ρ·g₁ / ‖g₁‖₂, g₂ = ∇L(w + e).
    Then the inner optimizer takes its step from w with g₂. ‖g₁‖₂ is over all parameters of this optimizer. A step takes two passes over the
    batch, and about twice the time.

    Parameters
    ----------
    optimizer : str, Optimizer or dict, default "adam"
        The inner optimizer, which takes the steps. Schedules and groups change its `lr`.
    rho : float, default 0.05
        ρ, distance of the second gradient from the parameters. The paper recommends 0.05 to 0.2.

    Raises
    ------
    ParameterError
        If a number is outside its range, or the optimizer computes two gradients itself.

    Notes
    -----
    Both passes see the same batch and drop the same units. Batch normalisation normalises each pass by its own statistics, and its running
    statistics use only the first pass. The penalty of ``weight_decay`` in ``fit`` is part of both gradients. Clipping limits the second
    gradient. The reported loss is that at w.

    References
    ----------
    Foret, Kleiner, Mobahi & Neyshabur, "Sharpness-aware minimization for efficiently improving generalization", ICLR 2021.
    """

    ranges: ClassVar[dict[str, str]] = {"rho": "[0, inf)"}
    kernel = Kernel("nncore._core.native:optimizer_sam", never_fails=True)

    def __init__(self, optimizer: str | Optimizer | type[Optimizer] | dict[str, Any] = "adam", *, rho: float = 0.05) -> None:
        self.optimizer: Optimizer = resolve("optimizers", optimizer, "SAM: optimizer")
        self.rho = rho

    def perturb(self, w: np.ndarray, g: np.ndarray, norm: float) -> None:
        w += self.rho / (norm + SMALLEST_NORM) * g
