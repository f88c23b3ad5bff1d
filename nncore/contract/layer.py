"""Layers: the data of a call (`LayerCall`), and the base class with forward and backward."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from nncore.arguments import flag, shown
from nncore.contract.activation import Activation
from nncore.contract.configurable import Configurable
from nncore.contract.formula import Graph, Value
from nncore.contract.kernel import Kernel
from nncore.contract.plan import Plan
from nncore.errors import NoFormulaError, ParameterError


@dataclass
class LayerCall:
    """The data of a layer's call for one batch, as ``nnc_layer_call`` in ``nncore/plugin.h``. All arrays are live views.

    Attributes
    ----------
    x, y : ndarray of shape (n_rows, n_inputs), (n_rows, n_outputs)
        Inputs, and outputs, which `Layer.forward` writes.
    d_y, d_x : ndarray of the same shapes
        Gradients for `Layer.backward`, which reads `d_y` and writes `d_x`. `d_x` is None if it is not needed.
    parameters, d_parameters, buffers : dict of str to ndarray
        Tensors, gradients and buffers by the names of the plan. Write `d_parameters`, do not add to it.
    cache : ndarray of shape (cache + cache_per_row * n_rows,)
        Memory that is kept from forward to backward.
    numbers : tuple of int
        The numbers of the plan.
    input_shape, output_shape : tuple of int
        Shapes of one sample.
    seed, step, layer : int
        Key of the random numbers of this call.
    training : bool
        False at prediction. For gradients of a prediction (`Sequential.input_gradients`), `Layer.backward` is called with False too: `d_x`
        is the gradient of the prediction, and `d_parameters` is ignored.
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
    """Base class of layers: a plan, forward and backward.

    Attributes
    ----------
    name : str or None
        Name of the layer in tensors (``encoder.weight``), summaries, errors and files. None lets the network choose (``dense_1``). Every
        layer accepts it as a keyword, ``nn.Dense(8, name="encoder")``; authors need not write it.
    tied_to : str or None
        Name of an earlier layer, ``"encoder"``, whose tensors it uses instead of its own; or of one tensor, ``"encoder.weight"``. The
        network stores each shared tensor once, and adds up the gradients of all layers that use it. Every layer accepts this and
        `transposed` as keywords.
    transposed : bool or None
        True if the layer uses the transposed weight, as a decoder does, and keeps its other tensors. False if it shares every tensor. None
        decides by the shapes, which must leave no choice.
    trainable : bool
        False if no gradient passes through the layer. It then has no `backward` and no tensors. Networks with it predict, and layers behind
        it can be trained.
    kernel : Kernel or None
        The same in C: ``nnc_layer`` of ``nncore/plugin.h``.
    """

    common = ("name", "tied_to", "transposed")
    name: str | None = None
    tied_to: str | None = None
    transposed: bool | None = None
    trainable: ClassVar[bool] = True
    kernel: ClassVar[Kernel | None] = None

    @property
    def inner_activation(self) -> Activation | None:
        """An activation that `forward` and `backward` call themselves; None for most layers.

        If an activation is only applied to the output, name it in the plan: the host applies it faster. A kernel finds the table of this
        one in ``activation`` of the call, and its numbers at the start of `hyper`. If it has no kernel, the layer runs on NumPy.
        """
        return None

    def __setattr__(self, name: str, value: Any) -> None:
        if value is not None and name in Layer.common:
            value = self._checked_common(name, value)
        super().__setattr__(name, value)

    def _checked_common(self, name: str, value: Any) -> Any:
        """A checked value of an argument that all layers accept."""
        if name == "name" and not (isinstance(value, str) and value.isidentifier()):
            raise ParameterError(
                f"{type(self).__name__}: name must be letters, digits and underscores, like 'encoder', without dots; got {shown(value)}"
            )
        if name == "tied_to" and not (isinstance(value, str) and all(map(str.isidentifier, value.split(".")))):
            raise ParameterError(
                f"{type(self).__name__}: tied_to must be the name of a layer or tensor, 'encoder' or 'encoder.weight', got {shown(value)}"
            )
        return flag(f"{type(self).__name__}: transposed", value) if name == "transposed" else value

    def named(self, name: str | None) -> Self:
        """Return a copy of the layer with a name, for code that makes layers.

        Parameters
        ----------
        name : str or None
            Letters, digits and underscores.

        Returns
        -------
        Layer
            Of the same class.
        """
        copied: Self = copy.deepcopy(self)
        copied.name = name
        return copied

    def tied(self, to: str | None, transposed: bool | None = None) -> Self:
        """Return a copy of the layer that shares tensors with another one, for layers whose ``__init__`` does not list `tied_to`.

        Parameters
        ----------
        to : str or None
            The attribute `tied_to`.
        transposed : bool or None, default None
            The attribute `transposed`.

        Returns
        -------
        Layer
            Of the same class.
        """
        copied: Self = copy.deepcopy(self)
        copied.tied_to, copied.transposed = to, transposed
        return copied

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        """Return the plan of the layer for samples of `input_shape`, or raise `ShapeError` if it does not take them."""
        raise NotImplementedError(f"{type(self).__name__}.plan")

    def forward(self, call: LayerCall) -> None:
        """Compute ``call.y``, and the cache, from ``call.x``."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def backward(self, call: LayerCall) -> None:
        """Compute ``call.d_parameters`` and, if it is not None, ``call.d_x`` from ``call.d_y``."""
        raise NotImplementedError(f"{type(self).__name__}.backward")

    def quantized(self, tensors: Mapping[str, np.ndarray], low: float, high: float) -> tuple[Layer, dict[str, np.ndarray]] | None:
        """Return the int8 version of the layer for `Sequential.quantize`.

        Parameters
        ----------
        tensors : dict of str to ndarray
            The trained tensors and the buffers, by the names of the plan.
        low, high : float
            Range of the inputs over the calibration samples: low ≤ 0 ≤ high.

        Returns
        -------
        tuple of Layer and dict of str to ndarray, or None
            A layer with the same shapes and activation, and the values of its tensors and buffers. None, as for most layers, keeps the
            layer unchanged.
        """
        return None

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        """Write the prediction of the layer with the primitives of `g`, for exports that predict without nncore.

        Views, layers that consist of layers, and those with `training_only` in their plan need no formula. The host applies `activation` of
        the plan itself.

        Parameters
        ----------
        g : Graph
            A formula may use its methods, the operators of values, and the arguments of the layer, nothing else.
        x : Value of shape (n, ...)
            Samples of the plan's input shape.
        tensors : mapping of str to Value
            Tensors and buffers of the plan by name, in their shapes in the plan.

        Returns
        -------
        Value of shape (n, ...)
            The result of `forward` with ``training=False``, up to rounding, in the plan's output shape.

        Raises
        ------
        NoFormulaError
            If the class has no formula: it trains and predicts in nncore, and cannot be exported.
        """
        raise NoFormulaError(
            f"{type(self).__name__} has no formula, so it cannot be exported: write its method formula(self, g, x, tensors), which is "
            "`forward` with the primitives of g (see «Formulas» in the documentation)"
        )
