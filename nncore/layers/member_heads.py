"""A separate dense layer for each member of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from nncore.layers.members import check_members, members
from nncore.plugin import ActivationLike, Graph, InitializerLike, Kernel, Layer, LayerCall, Plan, Tensor, Value, resolvable


class MemberHeads(Layer):
    """A separate dense layer for each member j of an ensemble, such as its output layer: yⱼ = φ(xⱼ·Wⱼ + bⱼ).

    Samples have the shape (n_members, d). Before a final `MeanMembers`, this is the output layer of each member.

    Parameters
    ----------
    n_outputs : int
        Number of units of each member.
    activation : str, Activation or None, default None
        φ, applied to each member.
    use_bias : bool, default True
        False leaves b out.
    weight_initializer, bias_initializer : str or Initializer, default "uniform_fan_in"
        Initial values of W and b, drawn for each member.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Raises
    ------
    ParameterError
        If `n_outputs` is not a whole number of at least 1.
    ShapeError
        When the network is built, if a sample does not have the shape (n_members, d).

    Notes
    -----
    Tensors: ``weight`` (n_members, d, n_outputs) and ``bias`` (n_members, n_outputs). Sums being over rows: d_Wⱼ = Σ xⱼᵀ·d_yⱼ,
    d_bⱼ = Σ d_yⱼ, d_xⱼ = d_yⱼ·Wⱼᵀ.

    References
    ----------
    Gorishniy, Kotelnikov & Babenko, "TabM: advancing tabular deep learning with parameter-efficient ensembling", ICLR 2025.
    """

    ranges: ClassVar[dict[str, str]] = {"n_outputs": "[1, 2147483647]"}
    whole: ClassVar[tuple[str, ...]] = ("n_outputs",)
    flags: ClassVar[tuple[str, ...]] = ("use_bias",)
    input_shapes: ClassVar[tuple[tuple[int, ...], ...]] = ((3, 4), (1, 7), (5, 1), (2, 30))
    examples = ({"n_outputs": 3},)
    kernel = Kernel("nncore._core.native:layer_member_heads", never_fails=True)

    def __init__(
        self,
        n_outputs: int,
        activation: ActivationLike | None = None,
        *,
        use_bias: bool = True,
        weight_initializer: InitializerLike = "uniform_fan_in",
        bias_initializer: InitializerLike = "uniform_fan_in",
        name: str | None = None,
    ) -> None:
        self.n_outputs = n_outputs
        self.activation = resolvable("activations", activation, "MemberHeads: activation")
        self.use_bias = use_bias
        self.weight_initializer = resolvable("initializers", weight_initializer, "MemberHeads: weight_initializer")
        self.bias_initializer = resolvable("initializers", bias_initializer, "MemberHeads: bias_initializer")
        self.name = name

    def hyper(self) -> list[float]:
        return [float(self.use_bias)]

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        check_members("MemberHeads", input_shape, 2)
        (k, d), n = input_shape, self.n_outputs
        tensors = [Tensor("weight", (k, d, n), "weight", self.weight_initializer, d, n, per_member=True)]
        if self.use_bias:
            tensors.append(Tensor("bias", (k, n), "bias", self.bias_initializer, d, n, per_member=True))
        return Plan(
            (k, n),
            tuple(tensors),
            activation=self.activation,
            activation_rows=k,
            split_rows=True,
            gradient_unit=n,
            output_domain="(-inf, inf)",
        )

    def forward(self, call: LayerCall) -> None:
        k = call.input_shape[0]
        y = members(call.x, k).swapaxes(0, 1) @ call.parameters["weight"]  # (n_members, n_rows, n_outputs)
        members(call.y, k)[...] = y.swapaxes(0, 1)
        if self.use_bias:
            members(call.y, k)[...] += call.parameters["bias"]

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        k, d = x.sample_shape
        flat = g.reshape(x, (k * d,))
        heads = [g.columns(flat, range(j * d, (j + 1) * d)) @ g.rows(tensors["weight"], j) for j in range(k)]
        if self.use_bias:
            heads = [head + g.rows(tensors["bias"], j) for j, head in enumerate(heads)]
        return g.reshape(g.concat(heads), (k, self.n_outputs))

    def backward(self, call: LayerCall) -> None:
        k, weight = call.input_shape[0], call.parameters["weight"]
        x, d_y = members(call.x, k).swapaxes(0, 1), members(call.d_y, k).swapaxes(0, 1)
        call.d_parameters["weight"][...] = x.swapaxes(1, 2) @ d_y
        if self.use_bias:
            call.d_parameters["bias"][...] = d_y.sum(axis=1, dtype=np.float64)
        if call.d_x is not None:
            members(call.d_x, k)[...] = (d_y @ weight.swapaxes(1, 2)).swapaxes(0, 1)
