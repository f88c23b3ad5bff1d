"""Dense layer with int8 products, for prediction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import ActivationLike, Buffer, Graph, Kernel, Layer, LayerCall, Plan, Value, resolvable

#: Whole numbers that an input becomes: 0 to this.
LARGEST_CODE = 255
#: A weight becomes a whole number of at most this magnitude.
LARGEST_WEIGHT = 127
#: Smallest step, whose reciprocal is finite in float32.
_SMALLEST, _LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
#: Number of terms whose sum int32 can hold: each is at most 255 · 128.
MOST_INPUTS = 2**16
#: Memory of a call, in numbers (gemm_int8.h). Half of one for each input of a row, so many for each input in a panel of weights, and
#: so many for sums, with room to align them.
_OF_PANEL, _OF_SUMS = 8, 13 * 32 + 16


class QuantizedDense(Layer):
    """Dense layer with int8 weights and inputs, for prediction; `Sequential.quantize` makes them of trained `Dense` layers.

    y = φ(s ⊙ Σₖ (qₖ − z)·wₖ + b) with w in 8 bits and q = round(x / s₀) + z clipped to 0 to 255. Products have 8 bits and sums 32, so they
    are exact. Inputs are clipped to [−z·s₀, (255 − z)·s₀]. No gradient passes through it.

    Parameters
    ----------
    n_outputs : int
        Number of units.
    activation : str, Activation or None, default None
        φ, computed in the dtype of the network; None is the identity.
    input_scale : float in (0, inf), default 1/127
        s₀, width of one of the 256 steps of an input.
    input_zero_point : int from 0 to 255, default 128
        z, the step of an input of 0.
    use_bias : bool, default True
        False leaves b out.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Notes
    -----
    Buffers, initially zeros and ones: ``weight`` w of shape ``(n_inputs, n_outputs)``, int8; ``scale`` s and ``bias`` of shape
    ``(n_outputs,)``. A scale is s₀ times the width of one of the 255 steps of the unit's weights. There may be at most 65,536 inputs.

    References
    ----------
    Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference", CVPR 2018.

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> net = nn.Sequential(nn.Dense(3)).build(2, rng=0)
    >>> quantized = net.quantize(np.random.default_rng(0).normal(size=(100, 2)), skip=())
    >>> quantized.named_buffers()["quantized_dense_1.weight"].dtype
    dtype('int8')
    """

    ranges = {"n_outputs": "[1, 2147483647]", "input_scale": "(0, inf)", "input_zero_point": "[0, 255]"}
    whole = ("n_outputs", "input_zero_point")
    flags = ("use_bias",)
    examples = ({"n_outputs": 5}, {"n_outputs": 35, "input_zero_point": 0, "use_bias": False})
    trainable = False
    kernel = Kernel("nncore._core.native:layer_quantized_dense", never_fails=True)

    def __init__(
        self,
        n_outputs: int,
        activation: ActivationLike | None = None,
        *,
        input_scale: float = 1 / 127,
        input_zero_point: int = 128,
        use_bias: bool = True,
        name: str | None = None,
    ) -> None:
        self.n_outputs = n_outputs
        self.activation = resolvable("activations", activation, "QuantizedDense: activation")
        self.input_scale = input_scale
        self.input_zero_point = input_zero_point
        self.use_bias = use_bias
        self.name = name

    def hyper(self) -> list[float]:
        return [self.input_scale, float(self.input_zero_point), float(self.use_bias)]

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        if len(input_shape) != 1:
            raise ShapeError(f"QuantizedDense takes vectors, but each sample has shape {input_shape}: put nn.Flatten() before it")
        n_inputs, n_outputs = input_shape[0], self.n_outputs
        if n_inputs > MOST_INPUTS:
            raise ShapeError(f"QuantizedDense takes at most {MOST_INPUTS:,} inputs, since sums have 32 bits; got {n_inputs:,}")
        scale = Buffer("scale", (n_outputs,), 1.0, interval="(0, inf)")
        bias = (Buffer("bias", (n_outputs,)),) if self.use_bias else ()
        padded = n_inputs + -n_inputs % 4
        return Plan(
            (n_outputs,),
            buffers=(scale, *bias, Buffer("weight", (n_inputs, n_outputs), dtype="int8")),
            activation=self.activation,
            work=_OF_PANEL * padded + _OF_SUMS,
            work_per_row=padded // 2,
            split_rows=True,
            output_domain="(-inf, inf)",
            flops=2 * n_inputs * n_outputs,
        )

    def forward(self, call: LayerCall) -> None:
        zero, number = self.input_zero_point, call.x.dtype.type
        with np.errstate(all="ignore"):
            steps = call.x * number(1 / self.input_scale)
        # NaN becomes the smallest. Sums of whole numbers are exact in float64.
        codes = np.rint(np.clip(np.where(np.isnan(steps), number(-zero), steps), number(-zero), number(LARGEST_CODE - zero)))
        sums = codes.astype(np.float64) @ call.buffers["weight"].astype(np.float64)
        call.y[...] = sums.astype(call.y.dtype) * call.buffers["scale"]
        if self.use_bias:
            call.y[...] += call.buffers["bias"]

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        codes = g.quantize(x, 1 / self.input_scale, self.input_zero_point)
        y = g.integer_matmul(codes, tensors["weight"], self.input_zero_point) * tensors["scale"]
        return y + tensors["bias"] if self.use_bias else y


def quantized_dense(
    weight: np.ndarray, bias: np.ndarray | None, low: float, high: float, activation: ActivationLike | None, name: str | None
) -> tuple[QuantizedDense, dict[str, np.ndarray]]:
    """The layer for trained weights, and the values of its buffers.

    The weights of each unit become whole numbers from −127 to 127, its largest one ±127. The steps of inputs go from `low` to `high`, one
    of them at 0.

    Parameters
    ----------
    weight : ndarray of shape (n_inputs, n_outputs)
    bias : ndarray of shape (n_outputs,) or None
    low, high : float
        The range of the inputs, with 0 in it.
    activation : Activation, str or None
    name : str or None
    """
    step = max((high - low) / LARGEST_CODE, _SMALLEST) if high > low else 1.0
    widths = np.maximum(np.abs(weight).max(axis=0) / LARGEST_WEIGHT, _SMALLEST).astype(np.float64)
    layer = QuantizedDense(
        weight.shape[1],
        activation,
        input_scale=float(np.float32(step)),
        input_zero_point=min(max(round(-low / step), 0), LARGEST_CODE),
        use_bias=bias is not None,
        name=name,
    )
    values = {
        "weight": np.rint(weight / widths).astype(np.int8),
        "scale": np.clip(widths * layer.input_scale, _SMALLEST, _LARGEST).astype(weight.dtype),
    }
    return layer, values | ({} if bias is None else {"bias": bias})
