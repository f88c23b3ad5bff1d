"""An activation as a layer of its own."""

from __future__ import annotations

from nncore.plugin import Activation, Layer, Plan


class ActivationLayer(Layer):
    """y = φ(x), for where φ does not directly follow a `Dense`: after batch normalisation, for example.

    Parameters
    ----------
    activation : str or Activation
        φ.
    """

    examples = ({"activation": "tanh"},)

    def __init__(self, activation: str | Activation) -> None:
        self.activation = activation

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape, activation=self.activation, is_view=True)
