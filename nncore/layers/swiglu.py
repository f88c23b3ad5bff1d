"""Dense layer of gated units: SwiGLU, GEGLU, ReGLU and GLU."""

from __future__ import annotations

from nncore.errors import ParameterError
from nncore.plugin import Activation, ActivationLike, InitializerLike, Layer, Plan, resolvable, resolve


class SwiGLU(Layer):
    """SwiGLU, a dense layer with gated units: y = (x·V + c) ⊙ φ(x·W + b) with φ = `silu`.

    Parameters
    ----------
    n_outputs : int
        Number of units.
    activation : str or Activation, default "silu"
        φ. ``"gelu"`` makes it GEGLU, ``"relu"`` ReGLU, ``"sigmoid"`` the GLU of Dauphin et al.
    weight_initializer : str, Initializer or None, default None
        Initial values of V and W. None is that of a `Dense` without an activation.
    bias_initializer : str or Initializer, default "uniform_fan_in"
        Initial values of c and b.
    use_bias : bool, default True
        False leaves out c and b, as in the paper.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Notes
    -----
    It consists of ``Dense(2 * n_outputs)`` and a `GLU`. ``swiglu_1.dense_1.weight`` of shape ``(n_inputs, 2 * n_outputs)`` holds V and W
    side by side, ``swiglu_1.dense_1.bias`` c and b. It has twice the weights of a `Dense` of the same width: to compare the two, the paper
    uses 2/3 of the units.

    References
    ----------
    Shazeer, "GLU variants improve transformer", 2020.

    Examples
    --------
    >>> import nncore as nn
    >>> net = nn.Sequential(nn.SwiGLU(64), nn.Dense(1)).build(3)
    >>> net.named_parameters()["swiglu_1.dense_1.weight"].shape
    (3, 128)
    """

    ranges = {"n_outputs": "[1, 1073741823]"}
    whole = ("n_outputs",)
    flags = ("use_bias",)
    examples = ({"n_outputs": 5}, {"n_outputs": 4, "activation": "gelu", "use_bias": False})

    def __init__(
        self,
        n_outputs: int,
        activation: ActivationLike = "silu",
        *,
        weight_initializer: InitializerLike | None = None,
        bias_initializer: InitializerLike = "uniform_fan_in",
        use_bias: bool = True,
        name: str | None = None,
    ) -> None:
        self.n_outputs = n_outputs
        self.activation: Activation = resolve("activations", activation, "SwiGLU: activation")
        self.weight_initializer = resolvable("initializers", weight_initializer, "SwiGLU: weight_initializer")
        self.bias_initializer = resolvable("initializers", bias_initializer, "SwiGLU: bias_initializer")
        self.use_bias = use_bias
        self.name = name

    def validate(self) -> None:
        if not self.activation.trainable:
            raise ParameterError(
                f"SwiGLU: {self.activation!r} has no useful derivative, so nothing before it could be trained: use sigmoid or tanh instead"
            )

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        dense = {
            "name": "dense",
            "n_outputs": 2 * self.n_outputs,
            "weight_initializer": self.weight_initializer,
            "bias_initializer": self.bias_initializer,
            "use_bias": self.use_bias,
        }
        return Plan(input_shape, branches=((dense, {"name": "glu", "activation": self.activation}),))
