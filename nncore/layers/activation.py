"""An activation as a layer of its own."""

from __future__ import annotations

from nncore.errors import ParameterError
from nncore.plugin import ActivationLike, Layer, Plan, resolvable


class ActivationLayer(Layer):
    """y = φ(x), for where φ does not directly follow a `Dense`: after batch normalisation, for example.

    Parameters
    ----------
    activation : str or Activation
        φ.
    name : str, optional
        What the network calls the layer in names of tensors, tables and files; by default its kind and number.
    """

    examples = ({"activation": "tanh"},)

    def __init__(self, activation: ActivationLike, *, name: str | None = None) -> None:
        self.activation = resolvable("activations", activation, "ActivationLayer: activation")
        self.name = name

    def validate(self) -> None:
        if self.activation is None:
            raise ParameterError("ActivationLayer: activation must be an activation, got None")

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape, activation=self.activation, is_view=True)
