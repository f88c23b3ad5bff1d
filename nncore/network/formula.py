"""A network's prediction as a formula, for exports that predict without nncore."""

from __future__ import annotations

from typing import Any

from nncore import registry
from nncore.arguments import flag, shown
from nncore.contract import Builder, Graph
from nncore.errors import NNCoreError, ParameterError
from nncore.network.inspection import check_network
from nncore.network.sequential import Sequential
from nncore.program import formula_of_activation, formula_of_network, plan_network
from nncore.words import explains_calls


@explains_calls
def formula(network: Sequential, builder: Builder, x: Any, *, link: bool = False) -> Any:
    """Write the prediction of a network with a builder: as nodes of ONNX, lines of C, or arrays of NumPy.

    Parameters
    ----------
    network : Sequential
        A built network.
    builder : Builder
        Makes a node for each primitive. `nncore.inspection.NumPyBuilder` computes it at once.
    x : object
        The builder's node for samples, of shape ``(n, *input_shape)``.
    link : bool, default False
        Also apply the link of the loss, as `Sequential.predict_proba` does: softmax for ``softmax_cross_entropy``.

    Returns
    -------
    object
        The builder's node for the outputs, of shape ``(n, *output_shape)``.

    Raises
    ------
    NoFormulaError
        If a component has no formula; the message names layer and component.

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> from nncore.inspection import NumPyBuilder, formula
    >>> net = nn.Sequential(nn.Dense(3, activation="tanh"), nn.Dense(1)).build(2, rng=0)
    >>> X = np.ones((5, 2), "float32")
    >>> np.allclose(formula(net, NumPyBuilder(), X), net.predict(X))
    True
    """
    check_network(network)
    with_link = flag("link", link)
    blueprint = plan_network(network.layers, network.layer_names, network.input_shape)
    if not isinstance(builder, Builder):
        raise ParameterError(f"builder must be a nncore.plugin.Builder, got {shown(builder)}")
    g = Graph(builder)
    try:
        value = formula_of_network(g, blueprint, g.samples(x, network.input_shape), network.parameters, network.named_buffers())
    except (NNCoreError, MemoryError):
        raise
    except Exception as error:  # only the builder knows what its nodes are
        raise ParameterError(f"x must be a node of {type(builder).__name__}, got {shown(x)}: {error}") from error
    if with_link and network.link is not None:
        value = formula_of_activation(g, registry.resolve("activations", network.link), value)
    return value.node
