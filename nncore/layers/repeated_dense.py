"""The first dense layer of an ensemble whose members share a weight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from nncore.errors import ParameterError, ShapeError
from nncore.layers.members import members, tensors_of_outputs
from nncore.plugin import ActivationLike, Graph, InitializerLike, Kernel, Layer, LayerCall, Plan, Tensor, Value, resolvable


class RepeatedDense(Layer):
    """The first dense layer of an ensemble whose members share the weight: yⱼ = φ(((x ⊙ rⱼ)·W) ⊙ sⱼ + bⱼ) for each member j.

    It computes what `RepeatMembers` and `MembersDense` compute one after the other: (d,) becomes (n_members, n_outputs). As the first layer
    it also reads sparse samples. `TabMClassifier` and `TabMRegressor` begin with it if they are trained on a sparse X.

    Parameters
    ----------
    n_members : int
        Number of members of the ensemble.
    n_outputs : int
        Number of units of each member.
    activation : str, Activation or None, default None
        φ, applied to each member.
    scale_outputs : bool, default True
        False leaves s out.
    use_bias : bool, default True
        False leaves b out.
    share_bias : bool, default False
        True uses the same b for all members.
    weight_initializer : str or Initializer, default "uniform_fan_in"
        Initial values of W.
    input_initializer : str or Initializer, default "random_signs"
        Initial values of r, which make the members differ.
    output_initializer : str, Initializer or None, default None
        Initial values of s. None is ones.
    bias_initializer : str or Initializer, default "uniform_fan_in"
        Initial values of b: one draw for all members.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``repeated_dense_1``.

    Raises
    ------
    ParameterError
        If `n_members` or `n_outputs` is not a whole number of at least 1, or `share_bias` has no bias to share.
    ShapeError
        When the network is built, if samples are not vectors.

    Notes
    -----
    Tensors: ``weight`` (d, n_outputs), ``input_scale`` (n_members, d), ``output_scale`` (n_members, n_outputs) and ``bias`` (n_members,
    n_outputs) or, if it is shared, (n_outputs,). With gⱼ = xᵀ·d_yⱼ: d_W = Σⱼ rⱼ ⊙ gⱼ ⊙ sⱼ, with r by rows and s by columns. d_rⱼ is the sum
    over each row of W ⊙ gⱼ ⊙ sⱼ.

    Examples
    --------
    >>> import nncore as nn
    >>> net = nn.Sequential(nn.RepeatedDense(4, 16, "relu"), nn.MemberHeads(2), nn.MeanMembers("softmax")).build(3)
    >>> [view.shape for view in net.named_parameters().values()][:4]
    [(3, 16), (4, 3), (4, 16), (4, 16)]
    """

    ranges: ClassVar[dict[str, str]] = {"n_members": "[1, 1000000]", "n_outputs": "[1, 2147483647]"}
    whole: ClassVar[tuple[str, ...]] = ("n_members", "n_outputs")
    flags: ClassVar[tuple[str, ...]] = ("scale_outputs", "use_bias", "share_bias")
    examples = (
        {"n_members": 3, "n_outputs": 5},
        {"n_members": 2, "n_outputs": 4, "scale_outputs": False, "share_bias": True},
        {"n_members": 2, "n_outputs": 1, "use_bias": False},
    )
    kernel = Kernel("nncore._core.native:layer_repeated_dense", never_fails=True)

    def __init__(
        self,
        n_members: int,
        n_outputs: int,
        activation: ActivationLike | None = None,
        *,
        scale_outputs: bool = True,
        use_bias: bool = True,
        share_bias: bool = False,
        weight_initializer: InitializerLike = "uniform_fan_in",
        input_initializer: InitializerLike = "random_signs",
        output_initializer: InitializerLike | None = None,
        bias_initializer: InitializerLike = "uniform_fan_in",
        name: str | None = None,
    ) -> None:
        self.n_members = n_members
        self.n_outputs = n_outputs
        self.activation = resolvable("activations", activation, "RepeatedDense: activation")
        self.scale_outputs = scale_outputs
        self.use_bias = use_bias
        self.share_bias = share_bias
        self.weight_initializer = resolvable("initializers", weight_initializer, "RepeatedDense: weight_initializer")
        self.input_initializer = resolvable("initializers", input_initializer, "RepeatedDense: input_initializer")
        self.output_initializer = resolvable("initializers", output_initializer, "RepeatedDense: output_initializer")
        self.bias_initializer = resolvable("initializers", bias_initializer, "RepeatedDense: bias_initializer")
        self.name = name

    def validate(self) -> None:
        if self.share_bias and not self.use_bias:
            raise ParameterError("RepeatedDense: use_bias=False leaves no bias to share: drop it, or share_bias")

    def hyper(self) -> list[float]:
        """Nothing: a kernel finds the numbers of the plan."""
        return []

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        if len(input_shape) != 1:
            raise ShapeError(f"RepeatedDense takes vectors, but each sample has shape {input_shape}: put nn.Flatten() before it")
        d, k, n = input_shape[0], self.n_members, self.n_outputs
        tensors = [
            Tensor("weight", (d, n), "weight", self.weight_initializer, d, n),
            Tensor("input_scale", (k, d), "scale", self.input_initializer, d, n, per_member=True),
            *tensors_of_outputs(self, k, d),
        ]
        return Plan(
            (k, n),
            tuple(tensors),
            activation=self.activation,
            activation_rows=k,
            cache_per_row=k * n if self.scale_outputs else 0,
            numbers=(int(self.scale_outputs), (1 if self.share_bias else k) if self.use_bias else 0),
            split_rows=True,
            gradient_unit=math.gcd(d, n),
            gradient_terms=k,
            reads_parameters_in_gradient=True,
            spreads_nan=True,
            takes_sparse=True,
            output_domain="(-inf, inf)",
            flops=2 * k * d * n + k * (d + n * self.scale_outputs + n * self.use_bias),
        )

    def forward(self, call: LayerCall) -> None:
        y = (call.x[:, None] * call.parameters["input_scale"]) @ call.parameters["weight"]
        if self.scale_outputs:
            y *= call.parameters["output_scale"]
        if self.use_bias:
            y += call.parameters["bias"]
        members(call.y, self.n_members)[...] = y

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        n_inputs = x.sample_shape[-1]
        repeated = g.reshape(g.columns(x, [*range(n_inputs)] * self.n_members), (self.n_members, n_inputs))
        y = (repeated * tensors["input_scale"]) @ tensors["weight"]
        if self.scale_outputs:
            y = y * tensors["output_scale"]
        return y + tensors["bias"] if self.use_bias else y

    def backward(self, call: LayerCall) -> None:
        weight, r, d_y = call.parameters["weight"], call.parameters["input_scale"], members(call.d_y, self.n_members)
        inputs = call.x[:, None] * r
        d_z = d_y * call.parameters["output_scale"] if self.scale_outputs else d_y
        call.d_parameters["weight"][...] = np.einsum("ijd,ijn->dn", inputs, d_z)
        v = d_z @ weight.T
        call.d_parameters["input_scale"][...] = (call.x[:, None] * v).sum(axis=0, dtype=np.float64)
        if self.scale_outputs:
            call.d_parameters["output_scale"][...] = (d_y * (inputs @ weight)).sum(axis=0, dtype=np.float64)
        if self.use_bias:
            call.d_parameters["bias"][...] = d_y.sum(axis=(0, 1) if self.share_bias else 0, dtype=np.float64)
        if call.d_x is not None:
            call.d_x[...] = (v * r).sum(axis=1)
