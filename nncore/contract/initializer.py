"""Initializers: the first values of a tensor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.words import InitializerName


class Initializer(Configurable):
    """First values of a tensor.

    Attributes
    ----------
    needs_batch : bool
        True if `refine` is to be called with a batch of data after all tensors have their samples.
    batch_rows : int
        How many rows of the data `refine` wants to see. It may get fewer: all there are, or as many as fit into the memory that the host
        gives to it; and it may get more, if another initializer of the network wants more.
    """

    needs_batch: ClassVar[bool] = False
    batch_rows: int = 1024

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


#: What a user may write for one: a name, an instance, a class, or a dict with ``"name"`` and arguments.
InitializerLike: TypeAlias = InitializerName | str | Initializer | type[Initializer] | Mapping[str, Any]
