"""An activation with a learned strength for each unit."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from nncore.errors import ParameterError
from nncore.plugin import Activation, ActivationLike, Graph, Kernel, Layer, LayerCall, Plan, Tensor, Value, formula_of, resolve


class ParametricActivation(Layer):
    """An activation with a learned strength α for each unit, from the identity (α = 0) to φ (α = 1): y = x + α ⊙ (φ(x) − x).

    Parameters
    ----------
    activation : str or Activation
        φ, any activation that has a derivative.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Raises
    ------
    ParameterError
        If `activation` is not an activation, or has no useful derivative.

    Notes
    -----
    Tensor: ``alpha`` of the shape of a sample, with the role of a scale, initially 1: the network starts with φ. `weight_decay` does not
    apply to it unless a parameter group sets it, which draws units towards the identity. ``d_x`` = φ'(x)·(α ⊙ ``d_y``)
    + (1 − α) ⊙ ``d_y``, and ``d_alpha`` is the sum of ``d_y`` ⊙ (φ(x) − x) over the rows.

    Put it behind a `Dense` without an activation. That layer draws its initial weights for the identity: choose an initializer for φ with
    ``weight_initializer``.

    References
    ----------
    He et al., "Delving deep into rectifiers", 2015 (a learned slope, PReLU). Holzmüller, Grinsztajn & Steinwart, "Better by default: strong
    pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024: this form, in RealMLP, at a tenth of the learning rate.

    Examples
    --------
    >>> import nncore as nn
    >>> net = nn.Sequential(nn.Dense(2), nn.ParametricActivation("selu"), nn.Dense(1)).build(3)
    >>> net.named_parameters()["parametric_activation_1.alpha"]
    array([1., 1.], dtype=float32)
    """

    kernel = Kernel("nncore._core.native:layer_parametric_activation", never_fails=True)
    examples = ({"activation": "selu"}, {"activation": "mish"}, {"activation": {"name": "leaky_relu", "slope": 0.2}})

    def __init__(self, activation: ActivationLike, *, name: str | None = None) -> None:
        self.activation: Activation = resolve("activations", activation, "ParametricActivation: activation")
        self.name = name

    def validate(self) -> None:
        if not self.activation.trainable:
            raise ParameterError(
                f"ParametricActivation: {self.activation!r} has no useful derivative, so nothing before it could be trained: use sigmoid "
                "or tanh instead"
            )

    @property
    def inner_activation(self) -> Activation:
        return self.activation

    def hyper(self) -> list[float]:
        return self.activation.hyper()

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        n = math.prod(input_shape)
        self.activation.check_columns(n)
        return Plan(
            input_shape,
            (Tensor("alpha", input_shape, "scale", {"name": "constant", "value": 1.0}, 1, 1),),
            cache_per_row=n,
            numbers=(int(self.activation.needs_input),),
            split_rows=True,
            gradient_unit=1,
            # They read none, but how large φ(x) may be is not known: with this, the host looks at gradients before it uses them.
            reads_parameters_in_gradient=True,
            output_domain="(-inf, inf)",
            flops=4 * n,
        )

    def forward(self, call: LayerCall) -> None:
        a = self.activation.forward(call.x)
        call.cache[...] = a.ravel()
        call.y[...] = call.x + call.parameters["alpha"].ravel() * (a - call.x)

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        n = (math.prod(x.sample_shape),)
        z = g.reshape(x, n)
        return z + g.reshape(tensors["alpha"], n) * (formula_of(self.activation)(g, z) - z)

    def backward(self, call: LayerCall) -> None:
        a = call.cache.reshape(call.x.shape)
        alpha, d_alpha = call.parameters["alpha"].ravel(), call.d_parameters["alpha"]
        d_alpha[...] = (call.d_y * (a - call.x)).sum(axis=0, dtype=np.float64).reshape(d_alpha.shape)
        if call.d_x is not None:
            through = self.activation.backward(call.x if self.activation.needs_input else a, a, alpha * call.d_y)
            call.d_x[...] = through + (1 - alpha) * call.d_y
