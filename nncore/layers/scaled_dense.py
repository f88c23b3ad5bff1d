"""A fully connected layer with a learned factor for each input."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import (
    ActivationLike,
    Graph,
    InitializerLike,
    Kernel,
    Layer,
    LayerCall,
    Plan,
    Tensor,
    Value,
    resolvable,
)


class ScaledDense(Layer):
    """Fully connected layer with a learned factor for each input: y = φ((x ⊙ s)·W + b).

    It computes what `Scale` and `Dense` compute one after the other. As the first layer it also reads sparse samples, which `Scale` does
    not. `RealMLPClassifier` and `RealMLPRegressor` begin with it if they are trained on a sparse X.

    Parameters
    ----------
    n_outputs : int
        Number of units.
    activation : str, Activation or None, default None
        φ. None is the identity.
    weight_initializer : str, Initializer or None, default None
        Initial values of W, as in `Dense`.
    bias_initializer : str or Initializer, default "uniform_fan_in"
        Initial values of b.
    use_bias : bool, default True
        False leaves b out.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``scaled_dense_1``.

    Notes
    -----
    Tensors: ``weight`` of shape ``(n_inputs, n_outputs)``, ``bias`` of shape ``(n_outputs,)``, and ``scale`` of shape ``(n_inputs,)``,
    initially 1. With ``g = xᵀ·d_z``: ``d_W = s ⊙ g`` by rows, and ``d_s`` is the sum over each row of ``W ⊙ g``.

    Examples
    --------
    >>> import nncore as nn
    >>> net = nn.Sequential(nn.ScaledDense(64, activation="selu"), nn.Dense(1)).build(3)
    >>> net.named_parameters()["scaled_dense_1.scale"]
    array([1., 1., 1.], dtype=float32)
    """

    ranges = {"n_outputs": "[1, 2147483647]"}
    whole = ("n_outputs",)
    flags = ("use_bias",)
    examples = ({"n_outputs": 5}, {"n_outputs": 5, "use_bias": False})
    kernel = Kernel("nncore._core.native:layer_scaled_dense", never_fails=True)

    def __init__(
        self,
        n_outputs: int,
        activation: ActivationLike | None = None,
        *,
        weight_initializer: InitializerLike | None = None,
        bias_initializer: InitializerLike = "uniform_fan_in",
        use_bias: bool = True,
        name: str | None = None,
    ) -> None:
        self.n_outputs = n_outputs
        self.activation = resolvable("activations", activation, "ScaledDense: activation")
        self.weight_initializer = resolvable("initializers", weight_initializer, "ScaledDense: weight_initializer")
        self.bias_initializer = resolvable("initializers", bias_initializer, "ScaledDense: bias_initializer")
        self.use_bias = use_bias
        self.name = name

    def hyper(self) -> list[float]:
        return [float(self.use_bias)]

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        if len(input_shape) != 1:
            raise ShapeError(f"ScaledDense takes vectors, but each sample has shape {input_shape}: put nn.Flatten() before it")
        n_inputs, n_outputs = input_shape[0], self.n_outputs
        tensors = [Tensor("weight", (n_inputs, n_outputs), "weight", self.weight_initializer, n_inputs, n_outputs)]
        if self.use_bias:
            tensors.append(Tensor("bias", (n_outputs,), "bias", self.bias_initializer, n_inputs, n_outputs))
        tensors.append(Tensor("scale", (n_inputs,), "scale", {"name": "constant", "value": 1.0}, 1, 1))
        return Plan(
            (n_outputs,),
            tuple(tensors),
            activation=self.activation,
            split_rows=True,
            split_columns=True,
            gradient_unit=math.gcd(n_inputs, n_outputs),
            reads_parameters_in_gradient=True,
            spreads_nan=True,
            takes_sparse=True,
            output_domain="(-inf, inf)",
        )

    def forward(self, call: LayerCall) -> None:
        call.y[...] = (call.x * call.parameters["scale"]) @ call.parameters["weight"]
        if self.use_bias:
            call.y[...] += call.parameters["bias"]

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        y = (x * tensors["scale"]) @ tensors["weight"]
        return y + tensors["bias"] if self.use_bias else y

    def backward(self, call: LayerCall) -> None:
        weight, scale, both = call.parameters["weight"], call.parameters["scale"], call.x.T @ call.d_y
        call.d_parameters["weight"][...] = scale[:, None] * both
        call.d_parameters["scale"][...] = (weight * both).sum(axis=1, dtype=np.float64)
        if self.use_bias:
            call.d_parameters["bias"][...] = call.d_y.sum(axis=0, dtype=np.float64)
        if call.d_x is not None:
            call.d_x[...] = (call.d_y @ weight.T) * scale
