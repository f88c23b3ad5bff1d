"""Histograms of each layer's outputs for a batch, to find saturated, exploding and dead units."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from nncore.arguments import shown as in_message
from nncore.data import as_samples
from nncore.displays.display import percent
from nncore.displays.layer_histograms import LayerHistograms
from nncore.errors import ParameterError
from nncore.network import Sequential, activations


class ActivationHistogramDisplay(LayerHistograms):
    """Histograms of the outputs of every layer for a batch: saturated, exploding and dead units.

    Next to the histograms stand the share of dead units and the standard deviation from layer to layer. A unit is *dead* if its output is
    the same for every sample: a ReLU that is never positive, or a saturated sigmoid.

    Parameters
    ----------
    values : dict of str to ndarray of shape (n_samples, ...)
        Outputs of each layer, by its name.

    Attributes
    ----------
    dead : dict of str to float
        Share of dead units of each layer.
    std : dict of str to float
        Standard deviation of the outputs of each layer.
    axes_ : ndarray of Axes, shape (2,)
        The axes of the histograms (also ``ax_``) and of the standard deviations.
    figure_ : Figure

    References
    ----------
    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """

    xlabel = "output"
    title = "Activations"

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.dead = {name: _dead(numbers) for name, numbers in self.values.items()}

    @classmethod
    def from_network(cls, network: Sequential, X: Any, *, training: bool = False) -> Self:
        """Run a batch through the network and draw the outputs of each layer.

        Parameters
        ----------
        network : Sequential
            A built network. It is not changed.
        X : array-like of shape (n_samples, ...)
            The batch.
        training : bool, default False
            Run as in `fit`: with dropout and the statistics of the batch.
        """
        if not isinstance(network, Sequential):
            raise ParameterError(f"network must be a nncore.Sequential, got {in_message(network)}")
        samples = np.ascontiguousarray(as_samples(X, "X", network.input_shape, network.dtype, allow_nan=True), network.dtype)
        found = activations(network, samples, training=training)
        shown: dict[str, np.ndarray] = {}
        for name, y in found.items():
            # Layers that pass on what they get (flatten, dropout at prediction) would only repeat it.
            if not any(np.shares_memory(y, x) for x in (samples, *shown.values())):
                shown[name] = y
        return cls(shown).plot()

    def _note(self, name: str) -> str:
        dead = f"{percent(self.dead[name])} dead units" if self.dead[name] > 0 else ""
        return "\n".join(filter(None, [super()._note(name), dead]))

    def _verdict(self) -> str:
        name, share = max(self.dead.items(), key=lambda item: item[1])
        return f"{percent(share)} of the units of {name} are dead" if share >= 0.1 else ""

    def _limits(self, shown: list[np.ndarray]) -> tuple[float, float]:
        # One layer that explodes sets the scale, and is to be seen doing so; single numbers are not.
        low = min(float(np.quantile(numbers, 0.001)) for numbers in shown)
        high = max(float(np.quantile(numbers, 0.999)) for numbers in shown)
        margin = 0.03 * (high - low) or 1.0
        return low - margin, high + margin


def _dead(outputs: np.ndarray) -> float:
    """Share of units that give the same for every sample; of one sample, nothing can be said."""
    units = outputs.reshape(len(outputs), -1)
    return float((units == units[0]).all(axis=0).mean()) if len(units) > 1 else 0.0
