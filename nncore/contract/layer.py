"""Layers: what one sees of a batch (`LayerCall`), and its two directions."""

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
        False at prediction. Where gradients of a prediction are asked for (`Sequential.input_gradients`), `Layer.backward` is called with
        False too: `d_x` is that of what prediction computes, and nobody looks at `d_parameters`.
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
    name : str or None
        What its user calls it, in the names of tensors (``encoder.weight``), tables, errors and files; None leaves that to the network
        (``dense_1``). Every layer takes it as a keyword, ``nn.Dense(8, name="encoder")``, without its author writing anything.
    tied_to : str or None
        Name of a layer before it, ``"encoder"``, whose tensors it uses instead of its own; or of one tensor, ``"encoder.weight"``. The
        network has each shared tensor once, and adds up the gradients of all layers that use it. Every layer takes this and `transposed`
        as keywords.
    transposed : bool or None
        Whether the layer uses the transposed weight, as a decoder does, and keeps all else for itself. If False, it shares every tensor.
        None: as the shapes are, which must leave no choice.
    trainable : bool
        False if no gradient passes through the layer, which then has no `backward` and no tensors: networks with it predict, and what comes
        behind it may be trained.
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
        """An activation that `forward` and `backward` call themselves; None, as for most layers, if they call none.

        Where an activation is simply applied to what the layer gives, let the plan name it: the host does that faster. The kernel finds the
        table of this one in ``activation`` of the call, and `hyper` begins with its numbers. If it has no kernel, the layer runs on NumPy.
        """
        return None

    def __setattr__(self, name: str, value: Any) -> None:
        if value is not None and name in Layer.common:
            value = self._checked_common(name, value)
        super().__setattr__(name, value)

    def _checked_common(self, name: str, value: Any) -> Any:
        """A value of an argument that all layers take."""
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
        """A copy of the layer with a name, for what makes layers from arguments of its own.

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
        """A copy of the layer that shares tensors with another one, for layers whose ``__init__`` does not list `tied_to`.

        Parameters
        ----------
        to : str or None
            See `tied_to`.
        transposed : bool or None, default None
            See the attribute.

        Returns
        -------
        Layer
            Of the same class.
        """
        copied: Self = copy.deepcopy(self)
        copied.tied_to, copied.transposed = to, transposed
        return copied

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        """What the layer needs when a sample has `input_shape`. Raises `ShapeError` if it cannot take it."""
        raise NotImplementedError(f"{type(self).__name__}.plan")

    def forward(self, call: LayerCall) -> None:
        """Write ``call.y`` (and the cache) from ``call.x``."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def backward(self, call: LayerCall) -> None:
        """Write ``call.d_parameters`` and, if it is not None, ``call.d_x`` from ``call.d_y``."""
        raise NotImplementedError(f"{type(self).__name__}.backward")

    def quantized(self, tensors: Mapping[str, np.ndarray], low: float, high: float) -> tuple[Layer, dict[str, np.ndarray]] | None:
        """What takes the place of the layer in a network whose products are of 8 bits (`Sequential.quantize`).

        Parameters
        ----------
        tensors : dict of str to ndarray
            Its trained tensors and its buffers, by the names of the plan.
        low, high : float
            The range of its inputs over the samples of the calibration, with 0 in it: low ≤ 0 ≤ high.

        Returns
        -------
        tuple of Layer and dict of str to ndarray, or None
            A layer for inputs and outputs of the same shape, which applies the same activation, and the values of its tensors and buffers.
            None, as for most layers, if it stays as it is.
        """
        return None

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        """What the layer gives at prediction, written with the primitives of `g`, for every program that predicts without nncore.

        The host asks only layers that compute something at prediction: views, layers of other layers and those with `training_only` in
        their plan need none. It applies `activation` of the plan itself.

        Parameters
        ----------
        g : Graph
            Its methods, and the operators of values, are all that a formula may use beside the arguments of the layer.
        x : Value of shape (n, ...)
            Samples of the plan's input shape.
        tensors : mapping of str to Value
            Tensors and buffers of the plan by name, in the shapes that the plan gives them.

        Returns
        -------
        Value of shape (n, ...)
            Of the plan's output shape: what `forward` writes with ``training=False``, but for rounding.

        Raises
        ------
        NoFormulaError
            If the class does not write one: it trains and predicts in nncore, and cannot be exported.
        """
        raise NoFormulaError(
            f"{type(self).__name__} has no formula, so it can be used in nncore only: write its method formula(self, g, x, tensors), as "
            "`forward` with the primitives of g (see «Formulas» in the documentation)"
        )
