"""Sharpness-aware minimization."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, OptimizerWrapper, resolve

#: Against division by zero where all gradients are 0.
SMALLEST_NORM = 1e-12


class SAM(OptimizerWrapper):
    """Wrap an optimizer so that it uses the gradient where the loss is highest nearby, and finds flat minima.

    g₁ = ∇L(w), e = ρ·g₁ / ‖g₁‖₂, g₂ = ∇L(w + e); then the inner optimizer takes its step from w with g₂.

    ‖g₁‖₂ is over all parameters trained by this optimizer. A step takes two passes over the batch, and about twice the time.

    Parameters
    ----------
    optimizer : str, Optimizer or dict, default "adam"
        The inner optimizer, which takes the steps. Schedules and groups change its `lr`.
    rho : float, default 0.05
        ρ, how far the second gradient is from the parameters. The paper recommends 0.05 to 0.2.

    Raises
    ------
    ParameterError
        For a number outside its range, or an optimizer that computes two gradients itself.

    Notes
    -----
    Both passes use the same batch and the same dropout masks. Batch normalisation uses the statistics of each pass, and updates its running
    statistics only in the first. The penalty of ``weight_decay`` in ``fit`` is part of both gradients. Clipping limits the second one. The
    reported loss is the one at w.

    References
    ----------
    Foret, Kleiner, Mobahi & Neyshabur, "Sharpness-aware minimization for efficiently improving generalization", ICLR 2021.
    """

    ranges: ClassVar[dict[str, str]] = {"rho": "[0, inf)"}
    kernel = Kernel("nncore_sam.native:sam", never_fails=True)

    def __init__(self, optimizer: str | Optimizer | type[Optimizer] | dict[str, Any] = "adam", *, rho: float = 0.05) -> None:
        self.optimizer: Optimizer = resolve("optimizers", optimizer)
        self.rho = rho

    def perturb(self, w: np.ndarray, g: np.ndarray, norm: float) -> None:
        w += self.rho / (norm + SMALLEST_NORM) * g
