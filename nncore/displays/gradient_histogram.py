"""The gradients of each layer's weights for a batch: whether they vanish or explode."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from nncore.displays.display import COLORS
from nncore.displays.layer_histograms import LayerHistograms
from nncore.network import Sequential, gradients

#: A factor between the first and the last layer's gradients that is worth a word.
_LARGE_RATIO = 100.0


class GradientHistogramDisplay(LayerHistograms):
    """Histograms of log₁₀ \\|gradient\\| of every layer's weights for a batch, and their standard deviation from layer to layer.

    Gradients that vanish move to the left from the last layer up to the first; those that explode, to the right.

    Parameters
    ----------
    values : dict of str to ndarray
        Gradients of each tensor, by its name.

    Attributes
    ----------
    ratio : float
        Standard deviation of the first tensor's gradients, divided by that of the last one's.
    std : dict of str to float
        Standard deviation of the gradients of each tensor.
    axes_ : ndarray of Axes, shape (2,)
        The axes of the histograms (also ``ax_``) and of the standard deviations.
    figure_ : Figure

    References
    ----------
    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """

    xlabel = "log₁₀ |gradient|"
    title = "Gradients"
    color = COLORS[2]

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        first, *_, last = (*self.std.values(), *self.std.values())
        self.ratio = first / last if last > 0 else 0.0 if first == 0 else float("inf")

    @classmethod
    def from_network(cls, network: Sequential, X: Any, y: Any, *, sample_weight: Any = None) -> Self:
        """Run a batch forward and backward through the network and draw the gradients of all weights.

        Parameters
        ----------
        network : Sequential
            A built network with a loss. It is not changed.
        X, y, sample_weight : array-like
            One batch, as in `Sequential.forward` and `Sequential.backward`.
        """
        found = gradients(network, X, y, sample_weight)
        matrices = {name: gradient for name, gradient in found.items() if gradient.ndim > 1}
        return cls(matrices or found).plot()

    def _shown(self, numbers: np.ndarray) -> np.ndarray:
        size = np.abs(numbers[numbers != 0])
        return np.log10(size)

    def _verdict(self) -> str:
        first, *_, last = (*self.std, *self.std)
        if not any(self.std.values()):
            return "all are 0"
        if self.ratio == 0:
            return f"none reach {first}"
        if self.ratio < 1 / _LARGE_RATIO:
            return f"vanishing, those of {first} are {_times(1 / self.ratio)} smaller than those of {last}"
        if self.ratio > _LARGE_RATIO:
            return f"exploding, those of {first} are {_times(self.ratio)} larger than those of {last}"
        return ""

    def _limits(self, shown: list[np.ndarray]) -> tuple[float, float]:
        if not shown:
            return -1.0, 1.0
        low = min(float(np.quantile(numbers, 0.005)) for numbers in shown)
        high = max(float(numbers.max()) for numbers in shown)
        return low - 0.3, high + 0.3


def _times(ratio: float) -> str:
    """``"120 times"``, ``"3 million times"``: two digits are enough."""
    return f"{float(f'{ratio:.2g}'):,.0f} times".replace(",", " ") if ratio < 1e6 else f"{ratio:.1e} times"
