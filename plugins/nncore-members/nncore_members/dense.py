"""The layer of BatchEnsemble: the NumPy methods, and the plan."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Activation, Initializer, Kernel, Layer, LayerCall, Plan, Tensor
from nncore_members.ends import check_members, members

#: Numbers that a thread scales at a time: large enough that a product of them is worth while, small enough for its second-level cache.
BLOCK_NUMBERS = 131072


class MembersDense(Layer):
    """yⱼ = φ(((xⱼ ⊙ rⱼ)·W) ⊙ sⱼ + bⱼ) for members j of an ensemble, on samples of shape (n_members, d).

    The weight W is shared; each member scales its inputs by its own r, its outputs by its own s, and has its own bias.

    Parameters
    ----------
    n_outputs : int
        Units of each member.
    activation : str or Activation, optional
        φ, applied by the host.
    scale_inputs : bool, default True
        Whether there is r. Without r, s and b the members are the same.
    scale_outputs : bool, default True
        Whether there is s.
    use_bias : bool, default True
        Whether there is b.
    weight_initializer : str or Initializer, optional
        First values of W. Default: what the activation recommends.
    input_initializer : str or Initializer, default "random_signs"
        First values of r. TabM takes random signs in the first layer and ones in the others.
    output_initializer : str, Initializer or dict, optional
        First values of s. Default: ones.
    bias_initializer : str or Initializer, default "zeros"
        First values of b.

    Raises
    ------
    ParameterError
        If `n_outputs` is not a whole number of at least 1.

    Notes
    -----
    Tensors: ``weight`` (d, n_outputs), ``input_scale`` (n_members, d), ``output_scale`` (n_members, n_outputs) and ``bias`` (n_members,
    n_outputs). With u = (x ⊙ r)·W, d_z = d_y ⊙ s and v = d_z·Wᵀ, sums being over rows and, for W, members: d_W = Σ (x ⊙ r)ᵀ·d_z,
    d_r = Σ x ⊙ v, d_s = Σ d_y ⊙ u, d_b = Σ d_y, d_x = v ⊙ r.

    References
    ----------
    Wen, Tran and Ba, "BatchEnsemble: an alternative approach to efficient ensemble and lifelong learning", 2020. Gorishniy, Kotelnikov and
    Babenko, "TabM: advancing tabular deep learning with parameter-efficient ensembling", 2025.
    """

    ranges: ClassVar[dict[str, str]] = {"n_outputs": "[1, 2147483647]"}
    whole: ClassVar[tuple[str, ...]] = ("n_outputs",)
    examples = ({"n_outputs": 5}, {"n_outputs": 4, "scale_inputs": False}, {"n_outputs": 3, "scale_outputs": False, "use_bias": False})
    kernel = Kernel("nncore_members.native:members_dense", never_fails=True)

    def __init__(
        self,
        n_outputs: int,
        activation: str | Activation | None = None,
        *,
        scale_inputs: bool = True,
        scale_outputs: bool = True,
        use_bias: bool = True,
        weight_initializer: str | Initializer | None = None,
        input_initializer: str | Initializer = "random_signs",
        output_initializer: str | Initializer | dict[str, object] | None = None,
        bias_initializer: str | Initializer = "zeros",
    ) -> None:
        self.n_outputs = n_outputs
        self.activation = activation
        self.scale_inputs = scale_inputs
        self.scale_outputs = scale_outputs
        self.use_bias = use_bias
        self.weight_initializer = weight_initializer
        self.input_initializer = input_initializer
        self.output_initializer = {"name": "constant", "value": 1.0} if output_initializer is None else output_initializer
        self.bias_initializer = bias_initializer

    def hyper(self) -> list[float]:
        """Nothing: a kernel finds the numbers of the plan."""
        return []

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        check_members("MembersDense", input_shape)
        if len(input_shape) != 2:
            raise ShapeError(f"MembersDense takes samples of shape (n_members, d), each has shape {input_shape}: put nn.Flatten() first")
        (k, d), n = input_shape, self.n_outputs
        tensors = [Tensor("weight", (d, n), "weight", self.weight_initializer, d, n)]
        if self.scale_inputs:
            tensors.append(Tensor("input_scale", (k, d), "scale", self.input_initializer, d, n))
        if self.scale_outputs:
            tensors.append(Tensor("output_scale", (k, n), "scale", self.output_initializer, d, n))
        if self.use_bias:
            tensors.append(Tensor("bias", (k, n), "bias", self.bias_initializer, d, n))
        at_once = max(1, BLOCK_NUMBERS // (k * (d + n)))
        kept = (n if self.scale_outputs else 0) + (d if self.scale_inputs else 0)
        return Plan(
            (k, n),
            tuple(tensors),
            activation=self.activation,
            cache_per_row=k * kept,
            work=at_once * k * (d + n),
            numbers=(at_once, int(self.scale_inputs), int(self.scale_outputs), int(self.use_bias)),
            split_rows=True,
            gradient_unit=math.gcd(d, n),
            gradient_terms=k,
            reads_parameters_in_gradient=True,
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

    def backward(self, call: LayerCall) -> None:
        k, weight = call.input_shape[0], call.parameters["weight"]
        inputs, d_y = self._scaled_inputs(call), members(call.d_y, k)
        d_z = d_y * call.parameters["output_scale"] if self.scale_outputs else d_y
        call.d_parameters["weight"][...] = inputs.reshape(-1, weight.shape[0]).T @ d_z.reshape(-1, weight.shape[1])
        if self.scale_outputs:
            call.d_parameters["output_scale"][...] = (d_y * (inputs @ weight)).sum(axis=0, dtype=np.float64)
        if self.use_bias:
            call.d_parameters["bias"][...] = d_y.sum(axis=0, dtype=np.float64)
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
