"""Fully connected layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nncore.errors import ParameterError, ShapeError
from nncore.layers.quantized_dense import MOST_INPUTS, quantized_dense
from nncore.plugin import (
    ActivationLike,
    Constraints,
    Graph,
    InitializerLike,
    Kernel,
    Layer,
    LayerCall,
    Plan,
    Regularizers,
    Tensor,
    Value,
    resolvable,
    resolve_each,
)


class Dense(Layer):
    """Fully connected layer: y = φ(x·W + b).

    Parameters
    ----------
    n_outputs : int
        Number of units.
    activation : str, Activation or None, default None
        φ. None is the identity.
    weight_initializer : str, Initializer or None, default None
        Initial values of W. None uses the activation's own initializer, or ``"xavier_notes"`` if it has none. In a last layer without an
        activation it uses ``"uniform_fan_in"``. Deep stacks of ReLU layers train better with ``"he_uniform"``.
    bias_initializer : str or Initializer, default "uniform_fan_in"
        Initial values of b. Different values let units bend at different places, which matters with one or two inputs.
    use_bias : bool, default True
        False leaves b out, for example before batch normalisation, which has its own shift.
    weight_regularizer, bias_regularizer : str, Regularizer, dict, list of these or None, default None
        Penalties for W and for b, added to the loss: ``"l1"``, ``nn.L2(0.1)``.
    weight_constraint, bias_constraint : str, Constraint, dict, list of these or None, default None
        Constraints that W and b are projected onto, at first and after every step: ``"non_negative"``, ``nn.MaxNorm(3)``.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.
    tied_to : str, optional
        Share the weight of an earlier layer: its name, or that of its tensor. ``nn.Dense(784, tied_to="encoder")`` is a decoder that uses
        the encoder's weight transposed, with a bias of its own. A layer of the same shape shares weight and bias.
    transposed : bool, optional
        For a square weight that is shared: True uses it transposed, False unchanged.

    Notes
    -----
    Tensors: ``weight`` of shape ``(n_inputs, n_outputs)``, ``bias`` of shape ``(n_outputs,)``. Back-propagation, with
    ``d_z = d_y ⊙ φ'(z)``: ``d_W = xᵀ·d_z``, ``d_b = Σ d_z`` over the rows, ``d_x = d_z·Wᵀ``.

    As the first layer it reads sparse samples: row i is ``Σ v·W[column]`` over its stored values v, and d_W is written by their columns.
    """

    ranges = {"n_outputs": "[1, 2147483647]"}
    whole = ("n_outputs",)
    flags = ("use_bias",)
    examples = ({"n_outputs": 5}, {"n_outputs": 5, "use_bias": False})
    kernel = Kernel("nncore._core.native:layer_dense", never_fails=True)

    def __init__(
        self,
        n_outputs: int,
        activation: ActivationLike | None = None,
        *,
        weight_initializer: InitializerLike | None = None,
        bias_initializer: InitializerLike = "uniform_fan_in",
        use_bias: bool = True,
        weight_regularizer: Regularizers = None,
        bias_regularizer: Regularizers = None,
        weight_constraint: Constraints = None,
        bias_constraint: Constraints = None,
        name: str | None = None,
        tied_to: str | None = None,
        transposed: bool | None = None,
    ) -> None:
        self.n_outputs = n_outputs
        self.activation = resolvable("activations", activation, "Dense: activation")
        self.weight_initializer = resolvable("initializers", weight_initializer, "Dense: weight_initializer")
        self.bias_initializer = resolvable("initializers", bias_initializer, "Dense: bias_initializer")
        self.use_bias = use_bias
        self.weight_regularizer = resolve_each("regularizers", weight_regularizer, "Dense: weight_regularizer")
        self.bias_regularizer = resolve_each("regularizers", bias_regularizer, "Dense: bias_regularizer")
        self.weight_constraint = resolve_each("constraints", weight_constraint, "Dense: weight_constraint")
        self.bias_constraint = resolve_each("constraints", bias_constraint, "Dense: bias_constraint")
        self.name = name
        self.tied_to = tied_to
        self.transposed = transposed

    def validate(self) -> None:
        if not self.use_bias and not (self.bias_regularizer is None and self.bias_constraint is None):
            raise ParameterError("Dense: use_bias=False leaves no bias to regularize or constrain: drop one of these arguments")

    def hyper(self) -> list[float]:
        return [float(self.use_bias)]

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        if len(input_shape) != 1:
            raise ShapeError(f"Dense takes vectors, but each sample has shape {input_shape}: put nn.Flatten() before it")
        n_inputs, n_outputs = input_shape[0], self.n_outputs
        rules: dict[str, Any] = {"regularizer": self.weight_regularizer, "constraint": self.weight_constraint}
        tensors = [Tensor("weight", (n_inputs, n_outputs), "weight", self.weight_initializer, n_inputs, n_outputs, **rules)]
        if self.use_bias:
            rules = {"regularizer": self.bias_regularizer, "constraint": self.bias_constraint}
            tensors.append(Tensor("bias", (n_outputs,), "bias", self.bias_initializer, n_inputs, n_outputs, **rules))
        return Plan(
            (n_outputs,),
            tuple(tensors),
            activation=self.activation,
            split_rows=True,
            split_columns=True,
            gradient_unit=n_outputs,
            spreads_nan=True,
            takes_sparse=True,
            output_domain="(-inf, inf)",
        )

    def quantized(self, tensors: Mapping[str, np.ndarray], low: float, high: float) -> tuple[Layer, dict[str, np.ndarray]] | None:
        if len(tensors["weight"]) > MOST_INPUTS:
            return None
        bias = tensors["bias"] if self.use_bias else None
        return quantized_dense(tensors["weight"], bias, low, high, self.activation, self.name)

    def forward(self, call: LayerCall) -> None:
        call.y[...] = call.x @ call.parameters["weight"]
        if self.use_bias:
            call.y[...] += call.parameters["bias"]

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        y = x @ tensors["weight"]
        return y + tensors["bias"] if self.use_bias else y

    def backward(self, call: LayerCall) -> None:
        call.d_parameters["weight"][...] = call.x.T @ call.d_y
        if self.use_bias:
            call.d_parameters["bias"][...] = call.d_y.sum(axis=0, dtype=np.float64)
        if call.d_x is not None:
            call.d_x[...] = call.d_y @ call.parameters["weight"].T
