"""Dense layer of an ensemble whose members share a weight (BatchEnsemble)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.arguments import shown, whole_numbers
from nncore.errors import ParameterError, ShapeError
from nncore.layers.members import ONES, OneForEachGroup, check_members, members, tensors_of_outputs
from nncore.plugin import ActivationLike, Graph, InitializerLike, Kernel, Layer, LayerCall, Plan, Tensor, Value, resolvable

#: Numbers that a thread scales at a time: enough for a fast matrix product, few enough for its second-level cache.
BLOCK_NUMBERS = 131072
#: Rows at a time where nothing is scaled, and so no memory is needed.
MANY = 2**31


class MembersDense(Layer):
    """Dense layer of an ensemble whose members share the weight (BatchEnsemble, TabM): yⱼ = φ(((xⱼ ⊙ rⱼ)·W) ⊙ sⱼ + bⱼ).

    Samples have the shape (n_members, d). Each member j scales its inputs by its own r and its outputs by its own s, and adds its own b.
    Without r and s the layer is a `Dense` that is applied to each member.

    Parameters
    ----------
    n_outputs : int
        Number of units of each member.
    activation : str, Activation or None, default None
        φ, applied to each member.
    scale_inputs : bool, default True
        False leaves r out.
    scale_outputs : bool, default True
        False leaves s out.
    use_bias : bool, default True
        False leaves b out.
    share_bias : bool, default False
        True uses the same b for all members.
    weight_initializer : str or Initializer, default "uniform_fan_in"
        Initial values of W.
    input_initializer : str, Initializer or None, default "random_signs"
        Initial values of r, which make the members differ. None is ones, which TabM uses in all layers but the first.
    input_groups : sequence of int or None, default None
        Number of neighbouring inputs that come from one column of the table, for each column: ``[1, 1, 4]`` for two numbers and a category
        of four levels. The inputs of a column then start with the same value of r. None: each input has its own.
    output_initializer : str, Initializer or None, default None
        Initial values of s. None is ones.
    bias_initializer : str or Initializer, default "uniform_fan_in"
        Initial values of b: one draw for all members.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Raises
    ------
    ParameterError
        If `n_outputs` or one of `input_groups` is not a whole number of at least 1, or an argument needs r, s or b that another one leaves
        out.
    ShapeError
        When the network is built, if a sample does not have the shape (n_members, d), or `input_groups` does not sum to d.

    Notes
    -----
    Tensors: ``weight`` (d, n_outputs), ``input_scale`` (n_members, d), ``output_scale`` (n_members, n_outputs) and ``bias`` (n_members,
    n_outputs) or, if it is shared, (n_outputs,). `weight_decay` applies only to the weight. Gradients, with u = (x ⊙ r)·W, d_z = d_y ⊙ s
    and v = d_z·Wᵀ: d_W = Σ (x ⊙ r)ᵀ·d_z, d_r = Σ x ⊙ v, d_s = Σ d_y ⊙ u, d_b = Σ d_y, d_x = v ⊙ r. Sums are over rows, and over members for
    shared tensors.

    TabM is `RepeatMembers`, this layer with ReLU and `Dropout` three times, `MemberHeads` and `MeanMembers`. TabM-mini has r only in the
    first of these layers, no s, and a shared bias: ``scale_outputs=False, share_bias=True``, and ``scale_inputs=False`` from the second on.

    References
    ----------
    Wen, Tran & Ba, "BatchEnsemble: an alternative approach to efficient ensemble and lifelong learning", ICLR 2020. Gorishniy, Kotelnikov
    & Babenko, "TabM: advancing tabular deep learning with parameter-efficient ensembling", ICLR 2025.
    """

    ranges: ClassVar[dict[str, str]] = {"n_outputs": "[1, 2147483647]"}
    whole: ClassVar[tuple[str, ...]] = ("n_outputs",)
    flags: ClassVar[tuple[str, ...]] = ("scale_inputs", "scale_outputs", "use_bias", "share_bias")
    input_shapes: ClassVar[tuple[tuple[int, ...], ...]] = ((3, 4), (1, 7), (5, 1), (2, 30))
    examples = ({"n_outputs": 5}, {"n_outputs": 4, "scale_inputs": False, "scale_outputs": False, "share_bias": True})
    kernel = Kernel("nncore._core.native:layer_members_dense", never_fails=True)

    def __init__(
        self,
        n_outputs: int,
        activation: ActivationLike | None = None,
        *,
        scale_inputs: bool = True,
        scale_outputs: bool = True,
        use_bias: bool = True,
        share_bias: bool = False,
        weight_initializer: InitializerLike = "uniform_fan_in",
        input_initializer: InitializerLike | None = "random_signs",
        input_groups: Sequence[int] | None = None,
        output_initializer: InitializerLike | None = None,
        bias_initializer: InitializerLike = "uniform_fan_in",
        name: str | None = None,
    ) -> None:
        self.n_outputs = n_outputs
        self.activation = resolvable("activations", activation, "MembersDense: activation")
        self.scale_inputs = scale_inputs
        self.scale_outputs = scale_outputs
        self.use_bias = use_bias
        self.share_bias = share_bias
        self.weight_initializer = resolvable("initializers", weight_initializer, "MembersDense: weight_initializer")
        self.input_initializer = resolvable("initializers", input_initializer, "MembersDense: input_initializer")
        self.input_groups = None if input_groups is None else _sizes(input_groups)
        self.output_initializer = resolvable("initializers", output_initializer, "MembersDense: output_initializer")
        self.bias_initializer = resolvable("initializers", bias_initializer, "MembersDense: bias_initializer")
        self.name = name

    def validate(self) -> None:
        if self.share_bias and not self.use_bias:
            raise ParameterError("MembersDense: use_bias=False leaves no bias to share: drop it, or share_bias")
        if self.input_groups is not None and not self.scale_inputs:
            raise ParameterError("MembersDense: input_groups needs r, which scale_inputs=False leaves out: drop one of the two")

    def hyper(self) -> list[float]:
        """Nothing: a kernel finds the numbers of the plan."""
        return []

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        check_members("MembersDense", input_shape, 2)
        (k, d), n = input_shape, self.n_outputs
        tensors = [Tensor("weight", (d, n), "weight", self.weight_initializer, d, n)]
        if self.scale_inputs:
            first = self.input_initializer or ONES
            if self.input_groups is not None:
                if sum(self.input_groups) != d:
                    raise ShapeError(f"MembersDense: input_groups sums to {sum(self.input_groups)}, and each member has {d} inputs")
                first = OneForEachGroup(first, self.input_groups)
            tensors.append(Tensor("input_scale", (k, d), "scale", first, d, n, per_member=True))
        tensors += tensors_of_outputs(self, k, d)
        has_scales = self.scale_inputs or self.scale_outputs
        at_once = max(1, BLOCK_NUMBERS // (k * (d + n))) if has_scales else MANY
        kept = (n if self.scale_outputs else 0) + (d if self.scale_inputs else 0)
        bias_rows = (1 if self.share_bias else k) if self.use_bias else 0
        return Plan(
            (k, n),
            tuple(tensors),
            activation=self.activation,
            activation_rows=k,
            cache_per_row=k * kept,
            work=at_once * k * (d + n) if has_scales else 0,
            numbers=(at_once, int(self.scale_inputs), int(self.scale_outputs), bias_rows),
            split_rows=True,
            gradient_unit=math.gcd(d, n) if self.scale_inputs else n,
            gradient_terms=k,
            reads_parameters_in_gradient=has_scales,
            backward_fills_cache=self.scale_inputs,
            output_domain="(-inf, inf)",
            flops=2 * k * d * n + k * (d * self.scale_inputs + n * self.scale_outputs + n * self.use_bias),
        )

    def forward(self, call: LayerCall) -> None:
        k = call.input_shape[0]
        y = self._scaled_inputs(call) @ call.parameters["weight"]
        if self.scale_outputs:
            y *= call.parameters["output_scale"]
        if self.use_bias:
            y += call.parameters["bias"]
        members(call.y, k)[...] = y

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        y = (x * tensors["input_scale"] if self.scale_inputs else x) @ tensors["weight"]
        if self.scale_outputs:
            y = y * tensors["output_scale"]
        return y + tensors["bias"] if self.use_bias else y

    def backward(self, call: LayerCall) -> None:
        k, weight = call.input_shape[0], call.parameters["weight"]
        inputs, d_y = self._scaled_inputs(call), members(call.d_y, k)
        d_z = d_y * call.parameters["output_scale"] if self.scale_outputs else d_y
        call.d_parameters["weight"][...] = inputs.reshape(-1, weight.shape[0]).T @ d_z.reshape(-1, weight.shape[1])
        if self.scale_outputs:
            call.d_parameters["output_scale"][...] = (d_y * (inputs @ weight)).sum(axis=0, dtype=np.float64)
        if self.use_bias:
            call.d_parameters["bias"][...] = d_y.sum(axis=(0, 1) if self.share_bias else 0, dtype=np.float64)
        v = d_z @ weight.T
        if self.scale_inputs:
            call.d_parameters["input_scale"][...] = (members(call.x, k) * v).sum(axis=0, dtype=np.float64)
            v = v * call.parameters["input_scale"]
        if call.d_x is not None:
            members(call.d_x, k)[...] = v

    def _scaled_inputs(self, call: LayerCall) -> np.ndarray:
        """x ⊙ r, shape (n_rows, n_members, d)."""
        x = members(call.x, call.input_shape[0])
        return x * call.parameters["input_scale"] if self.scale_inputs else x


def _sizes(groups: Any) -> list[int]:
    sizes = whole_numbers(groups)
    if not sizes or min(sizes) < 1:
        raise ParameterError(
            f"MembersDense: input_groups must be None or whole numbers of at least 1, one for each column, got {shown(groups)}"
        )
    return sizes
