"""An activation as a separate layer."""

from __future__ import annotations

from nncore.errors import ParameterError
from nncore.plugin import ActivationLike, Layer, Plan, resolvable


class ActivationLayer(Layer):
    """An activation as a separate layer, y = φ(x), for example after batch normalisation.

    Parameters
    ----------
    activation : str or Activation
        φ, the activation.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.
    """

    examples = ({"activation": "tanh"},)

    def __init__(self, activation: ActivationLike, *, name: str | None = None) -> None:
        self.activation = resolvable("activations", activation, "ActivationLayer: activation")
        self.name = name

    def validate(self) -> None:
        if self.activation is None:
            raise ParameterError("ActivationLayer: activation must be the name of an activation or an Activation, got None")

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape, activation=self.activation, is_view=True)
