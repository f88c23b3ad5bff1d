"""Branches side by side."""

from __future__ import annotations

from collections.abc import Sequence

from nncore.arguments import shown
from nncore.errors import ParameterError
from nncore.plugin import ActivationLike, Layer, Plan, resolvable


class Concat(Layer):
    """Concatenate the outputs of parallel branches: y = φ([f₁(x), f₂(x), …]), as in wide and deep networks.

    Parameters
    ----------
    branches : sequence of Layer, str or sequence of these
        The branches: each is a layer or a list of layers in order. An empty list is the input itself.
    activation : str, Activation or None, default None
        φ, applied to the concatenated outputs.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Notes
    -----
    Tensors are named after the layers inside, counted over all branches: ``concat_1.dense_2.weight``.

    References
    ----------
    Cheng et al., "Wide & deep learning for recommender systems", 2016.

    Examples
    --------
    >>> import nncore as nn
    >>> wide_and_deep = nn.Concat([[], [nn.Dense(32, activation="relu"), nn.Dense(8, activation="relu")]])
    >>> nn.Sequential(wide_and_deep, nn.Dense(1)).build(20).named_parameters()["dense_1.weight"].shape
    (28, 1)
    """

    examples = ({"branches": [[], [{"name": "dense", "n_outputs": 5, "activation": "tanh"}, "batch_norm"], "dropout"]},)

    def __init__(
        self,
        branches: Sequence[Layer | str | Sequence[Layer | str]],
        activation: ActivationLike | None = None,
        *,
        name: str | None = None,
    ) -> None:
        self.branches = branches
        self.activation = resolvable("activations", activation, "Concat: activation")
        self.name = name

    def validate(self) -> None:
        if isinstance(self.branches, str) or not isinstance(self.branches, Sequence) or not self.branches:
            raise ParameterError(f"Concat: branches must be a list of layers or of lists of layers, got {shown(self.branches)}")
        for branch in self._chains():
            for layer in branch:
                resolvable("layers", layer, "Concat: branches")

    def _chains(self) -> tuple[tuple[Layer | str, ...], ...]:
        return tuple(tuple(chain) if isinstance(chain, Sequence) and not isinstance(chain, str) else (chain,) for chain in self.branches)

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape, activation=self.activation, branches=self._chains(), merge="concat")
