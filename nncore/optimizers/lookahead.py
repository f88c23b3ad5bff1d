"""Lookahead: slow weights that follow those of another optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, OptimizerWrapper, resolve


class Lookahead(OptimizerWrapper):
    """Lookahead: slow weights that follow the fast weights of another optimizer.

    Every k steps, φ ← φ + α·(w − φ), then w ← φ, with k = `every` and α = `alpha`. In between, the inner optimizer trains the fast weights
    w, ``network.trajectory``. Predictions, validation and files use the slow weights φ, ``network.parameters``. The learning rate and the
    state of the inner optimizer are not reset.

    Parameters
    ----------
    optimizer : str, Optimizer or dict, default "adam"
        The inner optimizer, which takes the steps.
    every : int, default 5
        k, number of steps between two synchronisations.
    alpha : float, default 0.5
        α, fraction of the way from slow to fast weights. With 1 the slow weights are the fast weights of every k-th step.

    Raises
    ------
    ParameterError
        If a number is outside its range, or the optimizer predicts with parameters of its own.

    Notes
    -----
    The state is w − φ, which is 0 at first.

    References
    ----------
    Zhang, Lucas, Hinton & Ba, "Lookahead optimizer: k steps forward, 1 step back", NeurIPS 2019.
    """

    ranges: ClassVar[dict[str, str]] = {"every": "[1, 1e9]", "alpha": "(0, 1]"}
    whole = ("every",)
    own_slots = 1
    kernel = Kernel("nncore._core.native:optimizer_lookahead", never_fails=True)

    def __init__(
        self, optimizer: str | Optimizer | type[Optimizer] | dict[str, Any] = "adam", *, every: int = 5, alpha: float = 0.5
    ) -> None:
        self.optimizer: Optimizer = resolve("optimizers", optimizer, "Lookahead: optimizer")
        self.every = every
        self.alpha = alpha

    def before_step(self, w: np.ndarray, state: np.ndarray, t: int) -> None:
        """Turn the state w − φ into φ."""
        np.subtract(w, state[0], out=state[0])

    def after_step(self, w: np.ndarray, state: np.ndarray, t: int) -> None:
        """Turn it back into w − φ; every `every` steps move φ, and let w begin there."""
        ahead = state[0]
        if t % self.every:
            np.subtract(w, ahead, out=ahead)
            return
        w -= ahead
        w *= self.alpha
        w += ahead
        ahead[...] = 0

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """Slow weights begin at w − (w − φ), and no point between two weights is further out than both: as far as the optimizer inside."""
        (low, high), *inner = state
        return 2 * self.optimizer.bound(w + max(-low, high), g, inner, n_steps)

    def own_evaluation(self, w: np.ndarray, state: np.ndarray, out: np.ndarray) -> None:
        """Write φ."""
        np.subtract(w, state[0], out=out)
