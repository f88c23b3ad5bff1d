"""Cyclical learning rate."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Schedule


class CyclicRate(Schedule):
    """Cyclical learning rate: rises and falls linearly between two bounds.

    The factor is first + (1 − first)·h·a, with h from 0 to 1 and back in each cycle, and a the height of the cycle. The optimizer's ``lr``
    is the highest rate of the fit: PyTorch's `max_lr`.

    Parameters
    ----------
    cycles : int, default 4
        Number of cycles in the fit, all of the same length.
    first : float, default 0.25
        Factor at the start and at the end of each cycle: ``base_lr / max_lr`` of PyTorch.
    rise : float, default 0.5
        Fraction of a cycle after which the rate is highest, more than 0 and less than 1.
    mode : {"triangular", "triangular2", "exp_range"}, default "triangular"
        Height of the cycles. ``"triangular"``: a = 1. ``"triangular2"``: each is half as high as the one before, a = 2⁻ᵏ in cycle k,
        counted from 0. ``"exp_range"``: a = multiplier^(cycles·t), t = step / n_steps, at each step.
    multiplier : float, default 0.5
        For ``"exp_range"``: ratio of the heights of two successive cycles; ``gamma ** steps_of_a_cycle`` of PyTorch.

    References
    ----------
    Smith, "Cyclical learning rates for training neural networks", WACV 2017; the shapes are those of
    ``torch.optim.lr_scheduler.CyclicLR``. Momentum is not changed.
    """

    ranges = {"cycles": "[1, 1e6]", "first": "[0, 1]", "rise": "(0, 1)", "multiplier": "(0, 1]"}
    whole = ("cycles",)
    choices = {"mode": ("triangular", "triangular2", "exp_range")}

    def __init__(self, cycles: int = 4, first: float = 0.25, rise: float = 0.5, mode: str = "triangular", multiplier: float = 0.5) -> None:
        self.cycles = cycles
        self.first = first
        self.rise = rise
        self.mode = mode
        self.multiplier = multiplier

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        done = step * self.cycles / n_steps
        cycle = np.floor(done)
        within = done - cycle
        height = np.minimum(within / self.rise, (1 - within) / (1 - self.rise))
        if self.mode == "triangular2":
            height *= np.exp2(-cycle)
        elif self.mode == "exp_range":
            height *= self.multiplier**done
        return self.first + (1 - self.first) * height
