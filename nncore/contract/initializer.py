"""Initializers: the first values of a tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.words import InitializerName


@dataclass(frozen=True)
class LayerView:
    """A layer as an initializer sees it that looks at a whole network. Its arrays are live.

    Attributes
    ----------
    name : str
        What the network calls the layer.
    weight : ndarray of shape (n_inputs, n_outputs)
        To be changed in place.
    bias : ndarray of shape (n_outputs,) or None
        The same.
    x : ndarray of shape (n_rows, n_inputs)
        What the layer got in the last `NetworkView.forward`.
    d_z : ndarray of shape (n_rows, n_outputs)
        Of the last `NetworkView.backward`: the gradient with respect to z = x·W + b, before any activation.
    """

    name: str
    weight: np.ndarray
    bias: np.ndarray | None
    x: np.ndarray
    d_z: np.ndarray


class NetworkView(Protocol):
    """A network with its first values and a batch, as an initializer sees it."""

    @property
    def layers(self) -> Sequence[LayerView]:
        """Layers whose initializers ask for it, of one class of initializers, from the first on."""

    def forward(self) -> np.ndarray:
        """Outputs for the batch by the weights as they are now, shape (n_rows, n_outputs). No dropout; batch statistics are the batch's."""

    def backward(self, d_output: np.ndarray) -> None:
        """Send a gradient with respect to the outputs of the last `forward` back, into `LayerView.d_z`."""


class Initializer(Configurable):
    """First values of a tensor.

    Attributes
    ----------
    needs_batch : bool
        True if `refine` is to be called with a batch of data after all tensors have their samples.
    batch_rows : int
        How many rows of the data `refine` wants to see. It may get fewer: all there are, or as many as fit into the memory that the host
        gives to it; and it may get more, if another initializer of the network wants more.
    looks_at_network : bool
        True if `refine_together` is to be called after every `refine`, where gradients can pass through the network. It takes
        `needs_batch`, too.
    """

    needs_batch: ClassVar[bool] = False
    batch_rows: int = 1024
    looks_at_network: bool = False

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        """Values of the given shape (float64; the host converts). For a bias, `fan_in` is that of its layer's weight."""
        raise NotImplementedError(f"{type(self).__name__}.sample")

    def refine(self, rng: np.random.Generator, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> None:
        """Adapt a layer's tensors, in place, to what the layer gets.

        Called, if `needs_batch`, for one layer after the other from the first on, for the initializer of the weight.

        Parameters
        ----------
        rng : Generator
            That of `sample`, after all samples of the network: whatever is random comes from it.
        x : ndarray of shape (n_rows, n_inputs)
            The layer's inputs for a batch, through the layers before it as already refined.
        weight : ndarray of shape (n_inputs, n_outputs)
        bias : ndarray of shape (n_outputs,) or None
        """
        raise NotImplementedError(f"{type(self).__name__}.refine")

    def refine_together(self, rng: np.random.Generator, network: NetworkView) -> None:
        """Adapt the tensors of several layers to one another, in place.

        Called, if `looks_at_network`, once for all layers whose weights have an initializer of this class that says so, on the first of
        these initializers. A network with an activation that has no derivative skips it.

        Parameters
        ----------
        rng : Generator
            That of `refine`, after all calls of it.
        network : NetworkView
            It runs forward and backward as often as is asked.
        """
        raise NotImplementedError(f"{type(self).__name__}.refine_together")


#: What a user may write for one: a name, an instance, a class, or a dict with ``"name"`` and arguments.
InitializerLike: TypeAlias = InitializerName | str | Initializer | type[Initializer] | Mapping[str, Any]
