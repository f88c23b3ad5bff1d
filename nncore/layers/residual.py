"""Residual connection: a shortcut around layers."""

from __future__ import annotations

from collections.abc import Sequence

from nncore.arguments import shown
from nncore.errors import ParameterError
from nncore.plugin import ActivationLike, Layer, Plan, resolvable


class Residual(Layer):
    """Residual block: layers with a shortcut around them, y = φ(s(x) + f(x)).

    Parameters
    ----------
    layers : sequence of Layer or str
        The layers f, in order.
    shortcut : sequence of Layer or str, default ()
        The layers s of the shortcut. Empty is x itself; then f must have as many outputs as inputs. A `Dense` without activation changes
        the width.
    activation : str, Activation or None, default None
        φ, applied after the sum.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Notes
    -----
    Tensors are named after the layers inside: ``residual_1.dense_1.weight``; those of `layers` are counted before those of `shortcut`.

    References
    ----------
    He et al., "Deep residual learning for image recognition", 2016; for tabular data Gorishniy et al., "Revisiting deep learning models
    for tabular data", 2021.

    Examples
    --------
    >>> import nncore as nn
    >>> block = nn.Residual([nn.BatchNorm(), nn.Dense(64, activation="relu"), nn.Dense(64)])
    >>> net = nn.Sequential(nn.Dense(64), block, nn.Dense(10)).build(20)
    >>> net.named_parameters()["residual_1.dense_1.weight"].shape
    (64, 64)
    """

    examples = (
        {"layers": ["dropout", "batch_norm"]},
        {"layers": [{"name": "dense", "n_outputs": 5}], "shortcut": [{"name": "dense", "n_outputs": 5}], "activation": "tanh"},
    )

    def __init__(
        self,
        layers: Sequence[Layer | str],
        shortcut: Sequence[Layer | str] = (),
        activation: ActivationLike | None = None,
        *,
        name: str | None = None,
    ) -> None:
        self.layers = layers
        self.shortcut = shortcut
        self.activation = resolvable("activations", activation, "Residual: activation")
        self.name = name

    def validate(self) -> None:
        for name in ("layers", "shortcut"):
            if isinstance(getattr(self, name), str) or not isinstance(getattr(self, name), Sequence):
                raise ParameterError(f"Residual: {name} must be a list of layers, got {shown(getattr(self, name))}")
            for layer in getattr(self, name):
                resolvable("layers", layer, f"Residual: {name}")
        if not self.layers:
            raise ParameterError("Residual: layers is empty: give it one layer or more")

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape, activation=self.activation, branches=(tuple(self.layers), tuple(self.shortcut)), merge="sum")
