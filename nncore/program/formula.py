"""Write the prediction of a planned network as a formula, stage by stage."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import reduce
from operator import add

import numpy as np

from nncore.contract import Activation, Graph, Layer, Plan, Value, formula_of, formula_result
from nncore.errors import NoFormulaError, PluginError
from nncore.program.kernels import named
from nncore.program.planning import Blueprint
from nncore.program.specification import NETWORK_INPUT, Stage


class _Tensors(Mapping[str, Value]):
    """Tensors and buffers of a layer as values. Each becomes a constant on first use."""

    def __init__(self, g: Graph, arrays: Mapping[str, np.ndarray], prefix: str) -> None:
        self._graph, self._arrays, self._prefix = g, arrays, prefix
        self._values: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        if name not in self._arrays:
            raise PluginError(f"its formula reads {name!r}, its plan has {', '.join(self._arrays) or 'no tensors'}")
        if name not in self._values:
            self._values[name] = self._graph.constant(self._arrays[name], self._prefix + name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def formula_of_activation(g: Graph, activation: Activation, z: Value, rows: int = 1) -> Value:
    """φ of a value of any shape, for each sample or for each of its `rows`. The result has the shape of `z`."""
    n = math.prod(z.sample_shape)
    columns = (n,) if rows == 1 else (rows, n // rows)
    return g.reshape(formula_result(formula_of(activation)(g, g.reshape(z, columns)), g, columns), z.sample_shape)


def formula_of_layer(g: Graph, layer: Layer, plan: Plan, x: Value, arrays: Mapping[str, np.ndarray], prefix: str = "") -> Value:
    """The output of a layer in prediction, without its activation. `arrays` are its tensors and buffers by name."""
    return formula_result(formula_of(layer)(g, x, _Tensors(g, arrays, prefix)), g, plan.output_shape)


def formula_of_network(g: Graph, blueprint: Blueprint, x: Value, parameters: np.ndarray, buffers: Mapping[str, np.ndarray]) -> Value:
    """The output of a network for samples x.

    Parameters
    ----------
    g : Graph
    blueprint : Blueprint
    x : Value of shape (n, *input_shape)
    parameters : ndarray of shape (n_parameters,)
        Flat vector in the layout of the network's parameters.
    buffers : mapping of str to ndarray
        By name: ``"batch_norm_1.mean"``.

    Returns
    -------
    Value of shape (n, *output_shape)

    Raises
    ------
    NoFormulaError, PluginError
        The message names the layer, and the component with its plugin.
    """
    values = {NETWORK_INPUT: x}
    for stage in blueprint.stages:
        values[stage.index] = _formula_of_stage(g, stage, [values[source] for source in stage.sources], parameters, buffers)
    return values[blueprint.stages[-1].index] if blueprint.stages else x


def _formula_of_stage(g: Graph, stage: Stage, inputs: list[Value], parameters: np.ndarray, buffers: Mapping[str, np.ndarray]) -> Value:
    plan = stage.plan
    component: Layer | Activation = stage.layer
    try:
        if plan.branches:
            value = reduce(add, inputs) if plan.merge == "sum" else g.concat(inputs)
        elif plan.is_view or plan.training_only:
            value = g.reshape(inputs[0], plan.output_shape)
        else:
            arrays = stage.views(parameters) | {buffer.name: buffers[f"{stage.name}.{buffer.name}"] for buffer in plan.buffers}
            value = formula_of_layer(g, stage.layer, plan, inputs[0], arrays, f"{stage.name}.")
        if stage.activation is not None:
            component = stage.activation
            value = formula_of_activation(g, stage.activation, value, plan.activation_rows)
    except (NoFormulaError, PluginError) as error:
        who = named("layers" if isinstance(component, Layer) else "activations", component)
        raise type(error)(f"{stage.name}, {who}: {error}") from None
    return value
