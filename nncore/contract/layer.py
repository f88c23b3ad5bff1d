"""Layers: what one sees of a batch (`LayerCall`), and its two directions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.contract.kernel import Kernel
from nncore.contract.plan import Plan


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
