"""Initializers: initial values of a tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.words import InitializerName


@dataclass(frozen=True)
class LayerView:
    """A layer of the network that an initializer looks at. Its arrays are live.

    Attributes
    ----------
    name : str
        Name of the layer in the network.
    weight : ndarray of shape (n_inputs, n_outputs)
        Weight, to be changed in place.
    bias : ndarray of shape (n_outputs,) or None
        Bias, to be changed in place.
    x : ndarray of shape (n_rows, n_inputs)
        Inputs of the layer in the last `NetworkView.forward`.
    d_z : ndarray of shape (n_rows, n_outputs)
        Gradient of the last `NetworkView.backward` with respect to z = x·W + b, before any activation.
    """

    name: str
    weight: np.ndarray
    bias: np.ndarray | None
    x: np.ndarray
    d_z: np.ndarray


class NetworkView(Protocol):
    """A network with initial values and a batch, for initializers that look at the whole network."""

    @property
    def layers(self) -> Sequence[LayerView]:
        """The layers with this class of initializer, if it asks for the network, from the first on."""

    def forward(self) -> np.ndarray:
        """Outputs for the batch with the current weights, shape (n_rows, n_outputs), without dropout and with statistics of the batch."""

    def backward(self, d_output: np.ndarray) -> None:
        """Propagate a gradient with respect to the outputs of the last `forward` back, into `LayerView.d_z`."""


class Initializer(Configurable):
    """Base class of initializers: initial values of a tensor.

    Attributes
    ----------
    needs_batch : bool
        True to call `refine` with a batch of data after all tensors are sampled.
    batch_rows : int
        Number of rows that `refine` asks for. It gets fewer if there are fewer, or if memory is limited, and more if another initializer
        of the network asks for more.
    looks_at_network : bool
        True to call `refine_together` after every `refine`, if gradients can pass through the network. It requires `needs_batch`.
    """

    needs_batch: ClassVar[bool] = False
    batch_rows: int = 1024
    looks_at_network: bool = False

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        """Draw values of a shape (float64; the host converts). For a bias, `fan_in` is that of its layer's weight."""
        raise NotImplementedError(f"{type(self).__name__}.sample")

    def refine(self, rng: np.random.Generator, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> None:
        """Adapt a layer's tensors to its inputs, in place.

        With `needs_batch` it is called for one layer after the other, on the initializer of the weight.

        Parameters
        ----------
        rng : Generator
            The generator of `sample`, after all samples of the network. Use no other random numbers.
        x : ndarray of shape (n_rows, n_inputs)
            The layer's inputs for a batch. Earlier layers are refined already.
        weight : ndarray of shape (n_inputs, n_outputs)
        bias : ndarray of shape (n_outputs,) or None
        """
        raise NotImplementedError(f"{type(self).__name__}.refine")

    def refine_together(self, rng: np.random.Generator, network: NetworkView) -> None:
        """Adapt the tensors of several layers to one another, in place.

        With `looks_at_network` it is called once for all layers with this class of initializer, on the first of these initializers. It is
        not called if an activation of the network has no derivative.

        Parameters
        ----------
        rng : Generator
            The generator of `refine`, after all its calls.
        network : NetworkView
            The network, which runs forward and backward on request.
        """
        raise NotImplementedError(f"{type(self).__name__}.refine_together")


#: What users may pass for an initializer: a name, an instance, a class, or a dict with ``"name"`` and arguments.
InitializerLike: TypeAlias = InitializerName | str | Initializer | type[Initializer] | Mapping[str, Any]
