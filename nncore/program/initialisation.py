"""Initial values of a planned network: draw every tensor, then run data-dependent initializers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from nncore import registry
from nncore._core import Program
from nncore.blocks import memory_for, rows_at_once
from nncore.contract import Activation, Initializer, Layer, LayerView, Plan, Tensor
from nncore.errors import ParameterError, ShapeError
from nncore.program.compiler import compile_program
from nncore.program.groups import group_tensors
from nncore.program.knobs import Knobs
from nncore.program.memory import REMEDY, named_views
from nncore.program.planning import Blueprint, is_differentiable
from nncore.program.program_spec import ProgramSpec
from nncore.program.specification import Op, Stage
from nncore.program.vectors import Vectors

#: Largest size in bytes of the samples for data-dependent initializers, and of the outputs of all layers for them.
BATCH_BYTES, VALUE_BYTES = 32 * 2**20, 256 * 2**20


def looked_at(n_samples: int, bytes_per_sample: int, blueprint: Blueprint | None = None) -> slice:
    """Evenly spaced samples, enough for data-dependent initializers.

    Parameters
    ----------
    n_samples, bytes_per_sample : int
        Number and size of the samples.
    blueprint : Blueprint, optional
        Network whose initializers determine the number of samples.
    """
    wanted, width = Initializer.batch_rows, 0
    if blueprint is not None:
        wanted = max((initializer.batch_rows for initializer in _looking(blueprint)), default=wanted)
        width = blueprint.n_inputs + sum(stage.n_outputs for stage in blueprint.stages)
    # Each value has a gradient too: 16 bytes in float64.
    at_once = min(rows_at_once(bytes_per_sample, wanted, of=BATCH_BYTES), rows_at_once(16 * width, of=VALUE_BYTES))
    return slice(None, None, -(-n_samples // at_once))


def _looking(blueprint: Blueprint) -> list[Initializer]:
    """The data-dependent initializers of a network."""
    pairs = [(stage, tensor) for stage in blueprint.stages for tensor in stage.own_tensors if tensor.role == "weight"]
    found = [initializer_of(stage, tensor, is_last=stage is blueprint.stages[-1]) for stage, tensor in pairs]
    return [initializer for initializer in found if initializer.needs_batch]


#: For a network's last layer without an activation: small initial outputs, which training need not unlearn.
LINEAR_OUTPUT = "uniform_fan_in"


def initializer_of(stage: Stage, tensor: Tensor, *, is_last: bool = False) -> Initializer:
    """The initializer of a tensor, or the default for its layer's activation or for the last layer."""
    if tensor.initializer is not None:
        return registry.resolve("initializers", tensor.initializer)
    is_linear = stage.activation is None or stage.activation.output_domain == "input"
    activation = stage.activation or Activation
    return registry.resolve("initializers", LINEAR_OUTPUT if is_last and is_linear else activation.initializer)


def initialise(
    blueprint: Blueprint,
    vectors: Vectors,
    rng: np.random.Generator,
    batch: np.ndarray | None,
    carried: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> None:
    """Fill parameters and buffers, tensor by tensor from one generator.

    Parameters
    ----------
    blueprint : Blueprint
    vectors : Vectors
    rng : Generator
    batch : ndarray of shape (n_rows, n_inputs) or None
        Batch in the network's dtype, for initializers with `needs_batch`.
    carried : mapping of str to ndarray
        Given values of tensors and buffers, by name. Nothing is drawn for them.

    Raises
    ------
    ParameterError
        If an initializer needs a batch and there is none.
    ShapeError
        If given values do not fit their layer.
    """
    if carried:
        _check_carried(blueprint, carried)
    to_refine: list[tuple[Stage, Tensor, Initializer]] = []
    for stage in blueprint.stages:
        views = named_views(stage.own_tensors, vectors.parameters[stage.parameters])
        for tensor in stage.own_tensors:
            if (values := carried.get(f"{stage.name}.{tensor.name}")) is not None:
                views[tensor.name][...] = values
                continue
            initializer = initializer_of(stage, tensor, is_last=stage is blueprint.stages[-1])
            if initializer.needs_batch and tensor.role == "weight":
                if batch is None:
                    raise ParameterError(f"{stage.name}: {initializer!r} needs data: pass batch=X to build, or call fit instead")
                to_refine.append((stage, tensor, initializer))
            with memory_for(f"the first values of {stage.name}.{tensor.name} in float64", 8 * tensor.size, REMEDY):
                views[tensor.name][...] = initializer.sample(rng, tensor.shape, tensor.fan_in, tensor.fan_out)
        buffers = named_views(stage.plan.buffers, vectors.buffers[stage.buffers])
        for buffer in stage.plan.buffers:
            buffers[buffer.name][...] = carried.get(f"{stage.name}.{buffer.name}", buffer.value)
    if batch is not None and to_refine:
        seen = _without_noise(blueprint)
        knobs = Knobs(blueprint=seen, grouping=group_tensors({}, seen))
        program = compile_program(knobs, vectors, max_rows=len(batch), training=True)
        looked_into = [(seen.stages[stage.index], tensor, initializer) for stage, tensor, initializer in to_refine]
        for stage, tensor, initializer in looked_into:
            _refine(program, vectors, stage, tensor, initializer, batch, rng)
        if is_differentiable(blueprint):
            _refine_together(program, vectors, looked_into, batch, rng)


def _without_noise(blueprint: Blueprint) -> Blueprint:
    """The network without layers that act only in training, such as dropout, whose noise would count as variance of the data."""
    views = {
        stage.index: replace(stage, plan=Plan(stage.plan.output_shape, is_view=True))
        for stage in blueprint.stages
        if stage.plan.training_only and not stage.plan.tensors
    }
    return replace(blueprint, stages=tuple(views.get(stage.index, stage) for stage in blueprint.stages))


def _check_carried(blueprint: Blueprint, carried: Mapping[str, np.ndarray]) -> None:
    needed = {f"{s.name}.{tensor.name}": tensor.shape for s in blueprint.stages for tensor in s.own_tensors}
    needed |= {f"{s.name}.{buffer.name}": buffer.shape for s in blueprint.stages for buffer in s.plan.buffers}
    for name, values in carried.items():
        layer, _, tensor = name.rpartition(".")
        if name not in needed:
            raise ShapeError(f"{layer}: it has values of a trained network for {tensor!r}, a tensor that it no longer has")
        if needed[name] != values.shape:
            raise ShapeError(
                f"{layer}: it comes from a trained network with {tensor!r} of shape {values.shape}, but here needs shape {needed[name]}: "
                "give it inputs of the same width as there, or use a new layer"
            )


def _refine(
    program: Program[ProgramSpec],
    vectors: Vectors,
    stage: Stage,
    tensor: Tensor,
    initializer: Initializer,
    batch: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Run a layer's initializer on the inputs that the layer receives for `batch`."""
    _forward(program, vectors, batch)
    op = _op_of(program, stage)
    x = batch if op.x is None else op.x[: len(batch)]
    weight, bias = _weight_and_bias(stage, tensor, vectors)
    initializer.refine(rng, x, weight, bias)


def _forward(program: Program[ProgramSpec], vectors: Vectors, batch: np.ndarray) -> None:
    """Forward pass of the batch as in training. Running statistics do not change."""
    running_statistics = vectors.buffers.copy()
    program.forward(batch, True)
    vectors.buffers[...] = running_statistics


def _op_of(program: Program[ProgramSpec], stage: Stage) -> Op:
    return next(op for op in program.spec.ops if isinstance(op.component, Layer) and op.stage is stage and not op.joint)


def _weight_and_bias(stage: Stage, tensor: Tensor, vectors: Vectors) -> tuple[np.ndarray, np.ndarray | None]:
    views = named_views(stage.own_tensors, vectors.parameters[stage.parameters])
    return views[tensor.name], next((views[t.name] for t in stage.own_tensors if t.role == "bias"), None)


@dataclass(frozen=True)
class _NetworkView:
    """`nncore.contract.NetworkView` of a network that is being initialised."""

    program: Program[ProgramSpec]
    vectors: Vectors
    batch: np.ndarray
    layers: Sequence[LayerView]

    def forward(self) -> np.ndarray:
        _forward(self.program, self.vectors, self.batch)
        return self.program.spec.output[: len(self.batch)].copy()

    def backward(self, d_output: np.ndarray) -> None:
        assert self.program.spec.d_output is not None, "a training program has a way back"
        self.program.spec.d_output[: len(self.batch)] = d_output
        self.program.backward(self.batch)
        self.vectors.gradients[...] = 0  # discard them


def _refine_together(
    program: Program[ProgramSpec],
    vectors: Vectors,
    refined: Sequence[tuple[Stage, Tensor, Initializer]],
    batch: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Run initializers that adapt the whole network, once for each class of them."""
    first: dict[type[Initializer], Initializer] = {}
    layers: dict[type[Initializer], list[LayerView]] = {}
    for stage, tensor, initializer in refined:
        op = _op_of(program, stage)
        if initializer.looks_at_network and op.d_y is not None:
            x = batch if op.x is None else op.x[: len(batch)]
            view = LayerView(stage.name, *_weight_and_bias(stage, tensor, vectors), x, op.d_y[: len(batch)])
            first.setdefault(type(initializer), initializer)
            layers.setdefault(type(initializer), []).append(view)
    for cls, initializer in first.items():
        initializer.refine_together(rng, _NetworkView(program, vectors, batch, layers[cls]))
