"""Gated linear unit: half of the features times gates from the other half."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from nncore.errors import ParameterError, ShapeError
from nncore.plugin import Activation, ActivationLike, Graph, Kernel, Layer, LayerCall, Plan, Value, formula_of, resolve


class GLU(Layer):
    """Gated linear unit: y = a ⊙ φ(b), with a the first half of the features and b the second.

    Put it behind ``Dense(2 * n)`` for n gated units. The activation chooses the variant: ``"sigmoid"`` is GLU, ``"relu"`` ReGLU, ``"gelu"``
    GEGLU, ``"silu"`` SwiGLU, and ``"identity"`` the bilinear unit.

    Parameters
    ----------
    activation : str or Activation, default "sigmoid"
        φ, any activation that has a derivative.
    name : str, optional
        Name of the layer, which summaries and files use; by default kind and number, as in ``dense_1``.

    Raises
    ------
    ParameterError
        If `activation` is not an activation, or has no useful derivative.
    ShapeError
        When the network is built, if samples are not vectors of an even number of features.

    Notes
    -----
    ``d_x`` is φ(b) ⊙ ``d_y`` in its first half and φ'(b)·(a ⊙ ``d_y``) in its second. The halves are those of PyTorch's ``GLU``.
    `SwiGLU` and `MultiplicativeInteraction` bring the dense layer with them.

    References
    ----------
    Dauphin, Fan, Auli & Grangier, "Language modeling with gated convolutional networks", ICML 2017. Shazeer, "GLU variants improve
    transformer", 2020.

    Examples
    --------
    >>> import nncore as nn
    >>> nn.Sequential(nn.Dense(2 * 8), nn.GLU("gelu"), nn.Dense(1)).build(3).named_parameters()["dense_2.weight"].shape
    (8, 1)
    """

    kernel = Kernel("nncore._core.native:layer_glu", never_fails=True)
    examples = ({}, {"activation": "silu"}, {"activation": {"name": "leaky_relu", "slope": 0.2}})
    #: Tests try these: even numbers of features.
    input_shapes: ClassVar[tuple[tuple[int, ...], ...]] = ((4,), (2,), (8,), (30,), (1022,))

    def __init__(self, activation: ActivationLike = "sigmoid", *, name: str | None = None) -> None:
        self.activation: Activation = resolve("activations", activation, "GLU: activation")
        self.name = name

    def validate(self) -> None:
        if not self.activation.trainable:
            raise ParameterError(
                f"GLU: {self.activation!r} has no useful derivative, so nothing before it could be trained: use sigmoid or tanh instead"
            )

    @property
    def inner_activation(self) -> Activation:
        return self.activation

    def hyper(self) -> list[float]:
        return self.activation.hyper()

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        if len(input_shape) != 1:
            raise ShapeError(f"GLU takes vectors, but each sample has shape {input_shape}: put nn.Flatten() before it")
        if input_shape[0] % 2:
            raise ShapeError(
                f"GLU takes an even number of features, half of them for gates, got {input_shape[0]}: put nn.Dense(2 * n) before it"
            )
        n = input_shape[0] // 2
        self.activation.check_columns(n)
        numbers = (int(self.activation.needs_input),)
        return Plan((n,), cache_per_row=n, numbers=numbers, split_rows=True, output_domain="(-inf, inf)", flops=n)

    def forward(self, call: LayerCall) -> None:
        a, b = np.split(call.x, 2, axis=1)
        gate = self.activation.forward(b)
        call.cache[...] = gate.ravel()
        call.y[...] = a * gate

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        n = x.sample_shape[-1] // 2
        return g.columns(x, range(n)) * formula_of(self.activation)(g, g.columns(x, range(n, 2 * n)))

    def backward(self, call: LayerCall) -> None:
        if call.d_x is None:
            return
        a, b = np.split(call.x, 2, axis=1)
        gate = call.cache.reshape(a.shape)
        through = self.activation.backward(b if self.activation.needs_input else gate, gate, a * call.d_y)
        call.d_x[...] = np.hstack([gate * call.d_y, through])
