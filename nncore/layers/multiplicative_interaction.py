"""A dense layer whose units are products of two affine functions."""

from __future__ import annotations

from nncore.plugin import InitializerLike, Layer, Plan, resolvable


class MultiplicativeInteraction(Layer):
    """Dense layer for interactions of columns, whose units are products: y = (x·V + c) ⊙ (x·W + b).

    One unit can be the exact product of two inputs, such as an area or a revenue. A `Dense` needs many units for that.

    Parameters
    ----------
    n_outputs : int
        Number of units.
    weight_initializer : str, Initializer or None, default None
        Initial values of V and W. None is that of a `Dense` without an activation, which preserves a variance of 1.
    bias_initializer : str or Initializer, default "uniform_fan_in"
        Initial values of c and b.
    use_bias : bool, default True
        False leaves out c and b: outputs are then quadratic forms, without linear terms.
    name : str, optional
        Name of the layer, which its tensors, summaries and files use; by default kind and number, as in ``dense_1``.

    Notes
    -----
    The layer of Jayakumar et al. is f(x, z) = zᵀ·𝕎·x + zᵀ·U + V·x + b, 𝕎 a tensor of three dimensions. This one has z = x and, for each
    unit, a matrix of rank one in 𝕎. Sums of several units, in the next layer, have any rank.

    It consists of ``Dense(2 * n_outputs)`` and ``GLU("identity")``. ``multiplicative_interaction_1.dense_1.weight`` of shape
    ``(n_inputs, 2 * n_outputs)`` holds V and W side by side. Outputs grow with the square of the inputs: standardise the inputs.

    References
    ----------
    Jayakumar, Czarnecki, Menick, Schwarz, Rae, Osindero, Teh, Harley & Pascanu, "Multiplicative interactions and where to find them", ICLR
    2020.

    Examples
    --------
    >>> import nncore as nn
    >>> net = nn.Sequential(nn.MultiplicativeInteraction(16), nn.Dense(1)).build(3)
    >>> net.named_parameters()["multiplicative_interaction_1.dense_1.weight"].shape
    (3, 32)
    """

    ranges = {"n_outputs": "[1, 1073741823]"}
    whole = ("n_outputs",)
    flags = ("use_bias",)
    examples = ({"n_outputs": 5}, {"n_outputs": 4, "use_bias": False})

    def __init__(
        self,
        n_outputs: int,
        *,
        weight_initializer: InitializerLike | None = None,
        bias_initializer: InitializerLike = "uniform_fan_in",
        use_bias: bool = True,
        name: str | None = None,
    ) -> None:
        self.n_outputs = n_outputs
        self.weight_initializer = resolvable("initializers", weight_initializer, "MultiplicativeInteraction: weight_initializer")
        self.bias_initializer = resolvable("initializers", bias_initializer, "MultiplicativeInteraction: bias_initializer")
        self.use_bias = use_bias
        self.name = name

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        dense = {
            "name": "dense",
            "n_outputs": 2 * self.n_outputs,
            "weight_initializer": self.weight_initializer,
            "bias_initializer": self.bias_initializer,
            "use_bias": self.use_bias,
        }
        return Plan(input_shape, branches=((dense, {"name": "glu", "activation": "identity"}),))
