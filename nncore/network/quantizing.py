"""Quantize a trained network to int8 for prediction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

import numpy as np

from nncore import registry
from nncore.arguments import is_number, listed, shown
from nncore.blocks import blocks, rows_at_once
from nncore.contract import Layer, copied_deeply
from nncore.data import as_matrix, as_samples, some_rows
from nncore.errors import DataError, ParameterError, ShapeError
from nncore.network.input_ranges import InputRange
from nncore.network.network import Network
from nncore.network.stage_values import stage_outputs, stage_values
from nncore.program import NETWORK_INPUT, Blueprint, Stage, plan_network

N = TypeVar("N", bound=Network)

#: Layers of fewer inputs or outputs stay in float, if the user does not say otherwise. Rounding their inputs, or scaling their sums, takes
#: more time than int8 saves in the products.
SMALL = 32
#: Ranges that are tried if the user chooses none.
PERCENTILES = (100.0, 99.99, 99.9, 99.5, 99.0)
#: Calibration samples on which they are compared.
COMPARED = 512


def quantized(network: N, X: Any, percentile: float | None, skip: Iterable[str] | None) -> N:
    """`Sequential.quantize`."""
    blueprint = plan_network(network.layers, network.layer_names, network.input_shape)
    left_out = _small(blueprint) if skip is None else _checked_names(skip, blueprint)
    if percentile is not None and (not is_number(percentile) or not 50 < percentile <= 100):
        raise ParameterError(f"percentile must be None, or a number above 50 and at most 100, got {shown(percentile)}")
    new = _Quantized(network, blueprint, _Calibration.of(network, blueprint, X, percentile), left_out)
    if not new.values:
        raise ParameterError(f"there is no layer to quantize{_reason(network, left_out, skip)}")
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


def _reason(network: Network, left_out: set[str], skip: Iterable[str] | None) -> str:
    if left_out and skip is None:
        have = "has" if len(left_out) == 1 else "have"
        return (
            f": {listed(sorted(left_out), most=6)} {have} fewer than {SMALL} inputs or outputs, which int8 does not make faster; skip=(), "
            "or --all-layers at the command line, quantizes such layers too"
        )
    return (
        f"{' except those in skip' if left_out else ''}: quantize replaces Dense layers, and this network has "
        f"{listed(network.layer_names, most=6)}"
    )


def _small(blueprint: Blueprint) -> set[str]:
    """Names of the layers that could be quantized, and are not faster then."""
    return {stage.name for stage in blueprint.stages if _can_change(stage) and min(stage.n_inputs, stage.n_outputs) < SMALL}


def _can_change(stage: Stage) -> bool:
    return not stage.plan.branches and type(stage.layer).quantized is not Layer.quantized


def _checked_names(skip: Iterable[str], blueprint: Blueprint) -> set[str]:
    """The checked names of layers to skip. Those inside a layer have its name first: ``"residual_1.dense_2"``."""
    asked = [] if isinstance(skip, str) or not isinstance(skip, Iterable) else list(skip)
    if isinstance(skip, str) or not isinstance(skip, Iterable) or not all(isinstance(name, str) for name in asked):
        raise ParameterError(f"skip must be a list of names of layers, got {shown(skip)}")
    names = [stage.name for stage in blueprint.stages]
    if unknown := [name for name in asked if name not in names]:
        raise ParameterError(f"skip names an unknown layer {unknown[0]!r:.60}; there are {', '.join(names)}")
    return set(asked)


@dataclass
class _Calibration:
    """What the calibration samples say of the inputs of layers.

    Attributes
    ----------
    network : Network
    blueprint : Blueprint
    percentiles : tuple of float
        Those to choose from.
    ranges : dict of int to InputRange
        By the numbers of stages.
    values : dict of int to ndarray
        Outputs of each stage for some samples, if there is a choice.
    """

    network: Network
    blueprint: Blueprint
    percentiles: tuple[float, ...]
    ranges: dict[int, InputRange]
    values: dict[int, np.ndarray]

    @classmethod
    def of(cls, network: Network, blueprint: Blueprint, X: Any, percentile: float | None) -> Self:
        """Look at the samples.

        Raises
        ------
        ShapeError, DtypeError, DataError
            If `predict` does not take X, or it is empty.
        """
        samples = as_samples(X, "X_calibration", network.input_shape, network.dtype, blueprint.accepts_nan)
        if not len(samples):
            raise ShapeError("X_calibration has no samples: pass a few hundred like those to be predicted")
        percentiles = PERCENTILES if percentile is None else (float(percentile),)
        bytes_per_row = (blueprint.n_inputs + sum(stage.n_outputs for stage in blueprint.stages)) * network.dtype.itemsize
        ranges = {
            stage.index: InputRange(len(samples) * stage.n_inputs, min(percentiles)) for stage in blueprint.stages if _can_change(stage)
        }
        for rows in blocks(len(samples), bytes_per_row):
            values = stage_values(network, blueprint, as_matrix(samples[rows], network.dtype))
            for index, inputs in ranges.items():
                inputs.add(values[blueprint.stages[index].sources[0]])
        values = {}
        if len(percentiles) > 1:
            spread = np.linspace(0, len(samples) - 1, rows_at_once(bytes_per_row, min(len(samples), COMPARED))).astype(int)
            values = stage_values(network, blueprint, as_matrix(some_rows(samples, spread), network.dtype))
        return cls(network, blueprint, percentiles, ranges, values)

    def layer(self, stage: Stage, tensors: Mapping[str, np.ndarray]) -> tuple[Layer, dict[str, np.ndarray]] | None:
        """The layer in place of a stage, and its values, with the range that changes the outputs of the network least."""
        ends = list(dict.fromkeys(self.ranges[stage.index].ends(percentile) for percentile in self.percentiles))
        found = [stage.layer.quantized(tensors, *pair) for pair in ends]
        made = [one for one in found if one is not None]
        return min(made, key=lambda one: self._change(stage, *one)) if len(made) > 1 else found[0]

    def _change(self, stage: Stage, layer: Layer, values: dict[str, np.ndarray]) -> float:
        """Mean squared difference of the network's outputs if `layer` takes the place of a stage and all others stay float."""
        trial = replace(stage, layer=layer, plan=layer.plan(stage.input_shape))
        known = {index: outputs for index, outputs in self.values.items() if index < stage.index}
        with np.errstate(all="ignore"):
            known[stage.index] = stage_outputs(trial, [self.values[stage.sources[0]]], values, values, self.network)
            last = self.blueprint.stages[-1].index
            outputs = stage_values(self.network, self.blueprint, self.values[NETWORK_INPUT], known=known)[last]
            change = float(np.mean((outputs.astype(np.float64) - self.values[last]) ** 2))
        return change if change == change else np.inf


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
    calibration: _Calibration
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
        if _can_change(stage) and stage.name not in self.left_out and stage.name not in self._needed:
            tensors, inputs = _values_of(self.network, stage), self.calibration.ranges[stage.index]
            if not all(np.isfinite(tensors[tensor.name]).all() for tensor in stage.plan.tensors):
                raise ParameterError(f"{stage.name} has weights that are not finite: train it again, with a lower learning rate")
            if not inputs.is_finite:
                raise DataError(f"X_calibration leads to inputs of {stage.name} that are not finite: pass samples that predict takes")
            if (new := self.calibration.layer(stage, tensors)) is not None:
                layer, self.values[stage.index] = new
                return layer
        self._needed |= {tensor.tied_to.rpartition(".")[0] for tensor in stage.plan.tensors if tensor.tied_to is not None}
        return copied_deeply(stage.layer)
