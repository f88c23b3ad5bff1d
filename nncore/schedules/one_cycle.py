"""One-cycle policy: a learning rate that rises, then falls to almost 0."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Schedule

#: Steps; instead of none where the rise or the fall has no time.
TINY = 1e-9


class OneCycle(Schedule):
    """One-cycle policy: the learning rate rises along a cosine from `first` to 1, then falls along another one to `last`.

    The optimizer's ``lr`` is the highest rate of the fit: PyTorch's `max_lr`. Choose it several times as high as a constant rate.

    Parameters
    ----------
    rise : float, default 0.3
        Fraction of the fit after which the rate is highest.
    first : float, default 0.04
        Factor of the first step: 1 / `div_factor` of PyTorch.
    last : float, default 4e-6
        Factor of the last step: 1 / (`div_factor` · `final_div_factor`) of PyTorch.

    References
    ----------
    Smith & Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2018; the shape is that of
    ``torch.optim.lr_scheduler.OneCycleLR`` with its defaults. Momentum is not changed.
    """

    ranges = {"rise": "[0, 1]", "first": "[0, 1]", "last": "[0, 1]"}

    def __init__(self, rise: float = 0.3, first: float = 0.04, last: float = 4e-6) -> None:
        self.rise = rise
        self.first = first
        self.last = last

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        end = n_steps - 1  # the last step has the last factor, and keeps it in a fit that goes on
        peak = min(max(self.rise * n_steps - 1, 0), end)
        step = np.minimum(step, end)
        up = self.first + (1 - self.first) * _eased(step / max(peak, TINY))
        down = 1 + (self.last - 1) * _eased((step - peak) / max(end - peak, TINY))
        return np.where(step < peak, up, down)


def _eased(fraction: np.ndarray) -> np.ndarray:
    """0 to 1 along a cosine."""
    return 0.5 * (1 - np.cos(np.pi * np.clip(fraction, 0, 1)))
