"""Quantize a trained network to int8 for prediction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from nncore import registry
from nncore.arguments import is_number, listed, shown
from nncore.blocks import blocks
from nncore.contract import Layer, copied_deeply
from nncore.data import as_matrix, as_samples
from nncore.errors import DataError, ParameterError, ShapeError
from nncore.network.input_ranges import InputRange
from nncore.network.network import Network
from nncore.network.stage_values import stage_values
from nncore.program import Blueprint, Stage, plan_network

N = TypeVar("N", bound=Network)


def quantized(network: N, X: Any, percentile: float, skip: Iterable[str]) -> N:
    """`Sequential.quantize`."""
    blueprint = plan_network(network.layers, network.layer_names, network.input_shape)
    left_out = _checked_names(skip, blueprint)
    if not is_number(percentile) or not 50 < percentile <= 100:
        raise ParameterError(f"percentile must be a number above 50, at most 100, got {shown(percentile)}")
    new = _Quantized(network, blueprint, _ranges(network, blueprint, X, float(percentile)), left_out)
    if not new.values:
        raise ParameterError(
            f"there is no layer to quantize{' except those in skip' if left_out else ''}: quantize replaces Dense layers, and this network "
            f"has {listed(network.layer_names, most=6)}"
        )
    made = type(network)(*new.layers)
    made.allocate(network.input_shape, copied_deeply(network.loss), None, network.dtype)
    for before, after in zip(blueprint.stages, made._built.stages, strict=True):
        values = new.values[before.index] if before.index in new.values else _values_of(network, before)
        for name, view in after.own_views(made._flat.parameters, made._flat.buffers).items():
            view[...] = values[name]
    made.metadata, made.encoding = copied_deeply(network.metadata), copied_deeply(network.encoding)
    made.absent.update({what: absent for what, absent in network.absent.items() if what == "loss"})
    return made


def _values_of(network: Network, stage: Stage) -> dict[str, np.ndarray]:
    """Tensors and buffers of a stage by name; tied ones as the layer uses them."""
    return stage.views(network._flat.parameters) | stage.own_views(network._flat.parameters, network._flat.buffers)


def _checked_names(skip: Iterable[str], blueprint: Blueprint) -> set[str]:
    """The checked names of layers to skip. Those inside a layer have its name first: ``"residual_1.dense_2"``."""
    asked = [] if isinstance(skip, str) or not isinstance(skip, Iterable) else list(skip)
    if isinstance(skip, str) or not isinstance(skip, Iterable) or not all(isinstance(name, str) for name in asked):
        raise ParameterError(f"skip must be a list of names of layers, got {shown(skip)}")
    names = [stage.name for stage in blueprint.stages]
    if unknown := [name for name in asked if name not in names]:
        raise ParameterError(f"skip names an unknown layer {unknown[0]!r:.60}; there are {', '.join(names)}")
    return set(asked)


def _ranges(network: Network, blueprint: Blueprint, X: Any, percentile: float) -> dict[int, InputRange]:
    """The ranges of the inputs of each stage that runs.

    Raises
    ------
    ShapeError, DtypeError, DataError
        If `predict` does not take X, or it is empty.
    """
    samples = as_samples(X, "X_calibration", network.input_shape, network.dtype, blueprint.accepts_nan)
    if not len(samples):
        raise ShapeError("X_calibration has no samples: pass a few hundred like those to be predicted")
    width = blueprint.n_inputs + sum(stage.n_outputs for stage in blueprint.stages)
    stages = [stage for stage in blueprint.stages if not stage.plan.branches]
    ranges = {stage.index: InputRange(len(samples) * stage.n_inputs, percentile) for stage in stages if _can_change(stage.layer)}
    for rows in blocks(len(samples), width * network.dtype.itemsize):
        values = stage_values(network, blueprint, as_matrix(samples[rows], network.dtype))
        for index, inputs in ranges.items():
            inputs.add(values[blueprint.stages[index].sources[0]])
    return ranges


def _can_change(layer: Layer) -> bool:
    return type(layer).quantized is not Layer.quantized


@dataclass
class _Quantized:
    """The layers of the new network, one for each old layer, and the values of new layers.

    Attributes
    ----------
    layers : list of Layer
    values : dict of int to dict
        Tensors and buffers by name, by the numbers of the stages, which are those of the old network.
    """

    network: Network
    blueprint: Blueprint
    ranges: dict[int, InputRange]
    left_out: set[str]
    layers: list[Layer] = field(init=False)
    values: dict[int, dict[str, np.ndarray]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._needed: set[str] = set()  # layers whose tensors later, unquantized layers use
        stages = list(self.blueprint.stages)
        self.layers = [self._layer(stages) for _ in self.network.layers][::-1]

    def _layer(self, stages: list[Stage]) -> Layer:
        """The replacement of the last layer. Its stages, with those of layers inside first, are taken from the list."""
        stage = stages.pop()
        if not stage.plan.branches:
            return self._one(stage)
        n_values = len(self.values)
        branches = [[self._layer(stages) for _ in branch][::-1] for branch in reversed(stage.plan.branches)][::-1]
        if len(self.values) == n_values:
            return copied_deeply(stage.layer)
        name, activation = stage.layer.name, stage.plan.activation
        if stage.plan.merge == "concat":
            return registry.resolve("layers", {"name": "concat", "branches": branches, "activation": activation}).named(name)
        inside, shortcut = branches
        described = {"name": "residual", "layers": inside, "shortcut": shortcut, "activation": activation}
        return registry.resolve("layers", described).named(name)

    def _one(self, stage: Stage) -> Layer:
        """A layer without branches."""
        if _can_change(stage.layer) and stage.name not in self.left_out and stage.name not in self._needed:
            tensors, inputs = _values_of(self.network, stage), self.ranges[stage.index]
            if not all(np.isfinite(tensors[tensor.name]).all() for tensor in stage.plan.tensors):
                raise ParameterError(f"{stage.name} has weights that are not finite: train it again, with a lower learning rate")
            if not inputs.is_finite:
                raise DataError(f"X_calibration leads to inputs of {stage.name} that are not finite: pass samples that predict takes")
            if (new := stage.layer.quantized(tensors, *inputs.ends())) is not None:
                layer, self.values[stage.index] = new
                return layer
        self._needed |= {tensor.tied_to.rpartition(".")[0] for tensor in stage.plan.tensors if tensor.tied_to is not None}
        return copied_deeply(stage.layer)
