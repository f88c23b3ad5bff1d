"""Layers: what one asks for (`Plan`), what it sees of a batch (`LayerCall`), and its two directions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from nncore.contract.activation import Activation
from nncore.contract.configurable import Configurable
from nncore.contract.initializer import Initializer
from nncore.contract.kernel import Kernel


@dataclass(frozen=True)
class Tensor:
    """A trained tensor that a layer asks for.

    Attributes
    ----------
    name : str
        ``"weight"``, ``"bias"``; users see ``"<layer>.<name>"``.
    shape : tuple of int
        ``(n_in, n_out)`` for a weight.
    role : {"weight", "bias", "scale"}
        ``weight_decay`` applies to weights only.
    initializer : Initializer, str, dict or None
        A dict is ``{"name": ..., **arguments}``; None takes what the layer's activation recommends.
    fan_in, fan_out : int
        Connections into and out of a unit, for the initializer.
    """

    name: str
    shape: tuple[int, ...]
    role: str
    initializer: Initializer | str | dict[str, Any] | None
    fan_in: int
    fan_out: int

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Buffer:
    """State that is saved with the network but not trained: running statistics."""

    name: str
    shape: tuple[int, ...]
    value: float = 0.0

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Plan:
    """What a layer needs for a given input shape.

    Attributes
    ----------
    output_shape : tuple of int
        Shape of one output sample.
    tensors, buffers : tuple
        In the order in which the compiled kernel finds them, one after the other.
    activation : Activation, str or None
        Applied to the layer's output by the host.
    cache, cache_per_row : int
        Numbers kept from forward to backward: in all, and for each row of the batch.
    work, work_per_row : int
        Numbers of working memory that a call of a compiled function gets, for whole calls and for each of its rows; never kept.
        ``gradient`` functions get `work` alone.
    numbers : tuple of int
        Handed to the kernel and to `LayerCall.numbers`: what the layer has worked out for this input shape.
    split_rows : bool
        While training, compiled functions may be called on slices of the batch, by several threads at once: no row depends on
        another, `cache` is 0, and if there are tensors, `gradient_unit` is not.
    split_columns : bool
        While training, compiled functions may be called for some columns of what they write, by several threads at once.
    gradient_unit : int
        The compiled kernel has ``gradient`` functions, which write any range of the layer's parameters that begins and ends at a
        multiple of this many. 0: ``backward`` writes the gradients.
    gradient_bound : float
        The ``gradient`` functions write sums over the rows of elements of d_y, each times a number that is in magnitude no larger than
        this or than the largest of x, whichever is more. The host relies on it to bound gradients without looking at them.
    is_view : bool
        The output is the input under another shape; nothing runs (flatten).
    training_only : bool
        Left out at prediction (dropout).
    reads_parameters_in_gradient : bool
        The compiled ``gradient`` functions read the layer's parameters. The host then updates none before all gradients are there.
    accepts_nan : bool
        As the first layer of a network it takes samples with NaN, which other networks refuse.
    flops : int or None
        Floating-point operations for one sample at prediction, without the activation; a multiply-add counts as 2. Only told to users.
        None: twice the numbers in weights, once those in other tensors, which is right for layers like `Dense`.
    branches : tuple of tuple
        The layer consists of layers (instances, names, or dicts of a name and arguments): each branch takes the layer's input, and their
        outputs are merged. An empty branch is the input itself. Nothing else of the layer runs but its activation, and the host finds
        `output_shape`.
    merge : {"concat", "sum"}
        How the outputs of the branches become one.
    """

    output_shape: tuple[int, ...]
    tensors: tuple[Tensor, ...] = ()
    buffers: tuple[Buffer, ...] = ()
    activation: Activation | str | None = None
    cache: int = 0
    cache_per_row: int = 0
    work: int = 0
    work_per_row: int = 0
    numbers: tuple[int, ...] = ()
    split_rows: bool = False
    split_columns: bool = False
    gradient_unit: int = 0
    gradient_bound: float = 1.0
    is_view: bool = False
    training_only: bool = False
    reads_parameters_in_gradient: bool = False
    accepts_nan: bool = False
    flops: int | None = None
    branches: tuple[tuple[Layer | str | Mapping[str, Any], ...], ...] = ()
    merge: str = "concat"


@dataclass
class LayerCall:
    """What a layer sees of one batch; the twin of ``nnc_layer_call`` in ``nncore/plugin.h``. All arrays are live views.

    Attributes
    ----------
    x, y : ndarray of shape (n_rows, n_inputs), (n_rows, n_outputs)
        Input; output, to be written by `Layer.forward`.
    d_y, d_x : ndarray of the same shapes
        Gradients, for `Layer.backward`, which reads `d_y` and writes `d_x`, or leaves it if it is None because nobody asks.
    parameters, d_parameters, buffers : dict of str to ndarray
        By the names of the plan. `d_parameters` is written, not added to.
    cache : ndarray of shape (cache + cache_per_row * n_rows,)
    numbers : tuple of int
        Those of the plan.
    input_shape, output_shape : tuple of int
        Of one sample.
    seed, step, layer : int
        Key of the random numbers of this call.
    training : bool
    """

    x: np.ndarray
    y: np.ndarray
    d_y: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    d_x: np.ndarray | None = None
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    d_parameters: dict[str, np.ndarray] = field(default_factory=dict)
    buffers: dict[str, np.ndarray] = field(default_factory=dict)
    cache: np.ndarray = field(default_factory=lambda: np.empty(0))
    numbers: tuple[int, ...] = ()
    input_shape: tuple[int, ...] = ()
    output_shape: tuple[int, ...] = ()
    seed: int = 0
    step: int = 1
    layer: int = 0
    training: bool = True


class Layer(Configurable):
    """One layer: a plan, and the two directions beside each other.

    Attributes
    ----------
    kernel : Kernel or None
        The same in C: ``nnc_layer`` of ``nncore/plugin.h``.
    """

    kernel: ClassVar[Kernel | None] = None

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        """What the layer needs when a sample has `input_shape`. Raises `ShapeError` if it cannot take it."""
        raise NotImplementedError(f"{type(self).__name__}.plan")

    def forward(self, call: LayerCall) -> None:
        """Write ``call.y`` (and the cache) from ``call.x``."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def backward(self, call: LayerCall) -> None:
        """Write ``call.d_parameters`` and, if it is not None, ``call.d_x`` from ``call.d_y``."""
        raise NotImplementedError(f"{type(self).__name__}.backward")
