"""From layers to a program: plan shapes and tensors, lay out the buffers, list the ops.

`plan_network` decides once what a network consists of; `compile_program` then makes a `Program` for a batch size, for training or
for prediction. Every buffer is a NumPy array, so that compiled kernels and Python components work on the same memory.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nncore import registry
from nncore._core.program import PENALTY_BLOCK, Program
from nncore.errors import NotTrainableError, PluginError, ShapeError
from nncore.interpreter import Interpreter, named_views
from nncore.plugin import Activation, Layer, Loss, Optimizer, TensorSpan, native_kernel
from nncore.specification import Op, ProgramSpec, Stage
from nncore.threads import usable_cpus

ALIGNMENT = 64  # bytes: a cache line, and the widest vector

#: Second-level cache of a core, about: what a slice of rows, or a tile of gradients, and the weights in use are to fit into together.
CACHE_BYTES = 1024 * 1024
#: Of what lies between the ops while a slice of rows goes through them.
SLICE_BYTES = CACHE_BYTES // 4
#: Fewer rows than this do not pay for packing the weights they meet.
MIN_SLICE_ROWS = 512
#: Of gradients that are used up as they are made.
TILE_BYTES = CACHE_BYTES
#: Threads that a program has room for, at least.
MIN_PARTS = 8


#: Vectors that are read side by side begin at different places of a page (of 4 kB): at the same place, they drive each other out of the
#: first-level cache. So many bytes lie between those places.
PAGE, STAGGER = 4096, 17 * ALIGNMENT
_staggers = itertools.cycle(range(0, PAGE, STAGGER))


def aligned_zeros(size: int, dtype: np.dtype) -> np.ndarray:
    """A zeroed vector that begins on a cache line, each one at another place of a page."""
    raw = np.zeros(size * dtype.itemsize + PAGE, np.uint8)
    start = (next(_staggers) - raw.ctypes.data) % PAGE
    return raw[start : start + size * dtype.itemsize].view(dtype)


def zero_state(optimizer: Optimizer, n: int, dtype: np.dtype) -> np.ndarray:
    """State (n_slots, n) of an optimizer, every vector of it aligned like `aligned_zeros`; contiguous for one that wants structure."""
    stride = n
    if not optimizer.needs_tensors:
        stride += (STAGGER - n * dtype.itemsize) % PAGE // dtype.itemsize
    return aligned_zeros(optimizer.n_slots * stride, dtype).reshape(optimizer.n_slots, stride)[:, :n]


@dataclass(frozen=True)
class Blueprint:
    """A planned network: its stages, and every tensor's place."""

    input_shape: tuple[int, ...]
    stages: tuple[Stage, ...]
    spans: tuple[TensorSpan, ...]
    n_parameters: int
    n_buffers: int

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.stages[-1].plan.output_shape if self.stages else self.input_shape

    @property
    def n_inputs(self) -> int:
        return math.prod(self.input_shape)

    @property
    def n_outputs(self) -> int:
        return math.prod(self.output_shape)

    @property
    def accepts_nan(self) -> bool:
        """Whether the layer that looks at the inputs first takes NaN."""
        plans = (stage.plan for stage in self.stages if not stage.plan.is_view or stage.activation is not None)
        return next((plan.accepts_nan for plan in plans), False)

    def parameter_views(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Named views of a flat vector laid out like the parameters."""
        return {f"{s.name}.{name}": view for s in self.stages for name, view in named_views(s.plan.tensors, vector[s.parameters]).items()}

    def buffer_views(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Named views of a flat vector laid out like the untrained state."""
        return {f"{s.name}.{name}": view for s in self.stages for name, view in named_views(s.plan.buffers, vector[s.buffers]).items()}


def layer_names(layers: Sequence[Layer]) -> list[str]:
    """``dense_1``, ``dropout_1``, ``dense_2``: kind and count, in layer order."""
    counts: dict[str, int] = {}
    names = []
    for layer in layers:
        try:
            kind = registry.qualified_name("layers", type(layer)).rpartition("/")[2]
        except LookupError:  # a class of the user's own
            kind = type(layer).__name__.lower()
        counts[kind] = counts.get(kind, 0) + 1
        names.append(f"{kind}_{counts[kind]}")
    return names


def plan_network(layers: Sequence[Layer], names: Sequence[str], input_shape: tuple[int, ...]) -> Blueprint:
    """Infer shapes from the first layer to the last and place every tensor.

    Raises
    ------
    ShapeError
        If a layer cannot take what the one before it gives; the message names the layer.
    """
    stages: list[Stage] = []
    spans: list[TensorSpan] = []
    shape, n_parameters, n_buffers = input_shape, 0, 0
    for index, (name, layer) in enumerate(zip(names, layers, strict=True)):
        try:
            plan = layer.plan(shape)
            activation: Activation | None = None if plan.activation is None else registry.resolve("activations", plan.activation)
            if activation is not None:
                activation.check_columns(math.prod(plan.output_shape))
        except ShapeError as error:
            raise ShapeError(f"{name}: {error}") from None
        first_parameter, first_buffer = n_parameters, n_buffers
        for tensor in plan.tensors:
            rows = tensor.shape[0] if len(tensor.shape) > 1 else 1
            columns = tensor.size // rows
            spans.append(TensorSpan(f"{name}.{tensor.name}", tensor.role, index, n_parameters, rows, columns))
            n_parameters += tensor.size
        n_buffers += sum(buffer.size for buffer in plan.buffers)
        parameters, buffers = slice(first_parameter, n_parameters), slice(first_buffer, n_buffers)
        stages.append(Stage(name, index, layer, plan, activation, shape, parameters, buffers))
        shape = plan.output_shape
    return Blueprint(input_shape, tuple(stages), tuple(spans), n_parameters, n_buffers)


@dataclass(frozen=True)
class Vectors:
    """The flat vectors of a network; programs for any batch size share them."""

    parameters: np.ndarray  # (n_parameters,)
    gradients: np.ndarray  # (n_parameters,)
    buffers: np.ndarray  # (n_buffers,)
    state: np.ndarray | None = None  # (n_slots, n_parameters)


def check_trainable(blueprint: Blueprint) -> None:
    """Raise `NotTrainableError` if a gradient would have to pass through an activation that has none, or nothing is trained."""
    if blueprint.n_parameters == 0:
        raise NotTrainableError("this network has no parameters to train: add a Dense layer")
    for stage in blueprint.stages:
        trains_before = any(s.plan.tensors for s in blueprint.stages[: stage.index + 1])
        if stage.activation is not None and not stage.activation.trainable and trains_before:
            raise NotTrainableError(
                f"{stage.name}: {stage.activation!r} has no useful derivative, so nothing before it can be trained by gradients; "
                "use sigmoid or tanh for training, or call predict only"
            )


def compile_program(
    blueprint: Blueprint,
    vectors: Vectors,
    *,
    training: bool,
    max_rows: int | None = None,
    loss: Loss | None = None,
    optimizer: Optimizer | None = None,
    weight_decay: float = 0.0,
    seed: int = 0,
) -> Program:
    """Make the program for batches of up to `max_rows` rows; None is for prediction, which takes any number of rows in slices.

    A training program keeps every layer's output, and the gradient at it, for the second phase of a step (runner.h). A prediction program
    leaves out layers that only train.
    """
    dtype = vectors.parameters.dtype
    max_parts = max(usable_cpus(), MIN_PARTS)
    slice_rows = _slice_rows(blueprint, dtype, training)
    if max_rows is None:
        max_rows = slice_rows * MIN_PARTS
    builder = _Builder(blueprint, vectors, max_rows, max_parts, training)
    ops = builder.ops()
    n_outputs = blueprint.n_outputs
    n_targets = n_outputs if loss is None else loss.n_targets(n_outputs)
    loss_kernel = None if loss is None else native_kernel(loss)
    optimizer_kernel = None if optimizer is None else native_kernel(optimizer)
    first_trained_op = next((i for i, op in enumerate(ops) if op.d_parameters is not None), len(ops))
    d_output = builder.link_gradients(ops, first_trained_op) if training else None
    steps_anywhere = optimizer is not None and optimizer_kernel is not None and not optimizer.needs_tensors
    spec = ProgramSpec(
        dtype=dtype,
        ops=ops,
        first_trained_op=first_trained_op,
        n_inputs=blueprint.n_inputs,
        n_outputs=n_outputs,
        n_targets=n_targets,
        output_shape=blueprint.output_shape,
        max_rows=max_rows,
        slice_rows=max_rows if any(op.kind == "python" for op in ops) else slice_rows,
        max_parts=max_parts,
        accepts_nan=blueprint.accepts_nan,
        input=builder.input,
        output=ops[-1].y,
        d_output=d_output,
        target=builder.matrix(n_targets),
        labels=np.zeros(max_rows, np.int64),
        weight=aligned_zeros(max_rows, dtype),
        losses=aligned_zeros(max_rows, dtype),
        loss=loss,
        loss_capsule=None if loss_kernel is None else loss_kernel.load(),
        loss_hyper=np.array([] if loss is None else loss.hyper(), np.float64),
        parameters=vectors.parameters,
        gradients=vectors.gradients,
        state=vectors.state,
        penalties=np.zeros(-(-blueprint.n_parameters // PENALTY_BLOCK)) if weight_decay else None,
        tiles=_tiles(ops, vectors, max_parts) if training and steps_anywhere and not weight_decay else None,
        spans=blueprint.spans,
        optimizer=optimizer,
        optimizer_capsule=None if optimizer_kernel is None else optimizer_kernel.load(),
        optimizer_hyper=np.array([] if optimizer is None else optimizer.hyper(), np.float64),
        weight_decay=weight_decay,
        seed=seed,
    )
    spec.interpreter = Interpreter(spec)
    return Program(spec)


def _slice_rows(blueprint: Blueprint, dtype: np.dtype, training: bool) -> int:
    """How many rows go through the ops together, so that what lies between two ops stays in the cache."""
    widths = blueprint.n_inputs + sum(stage.n_outputs for stage in blueprint.stages) * (2 if training else 1)
    return max(MIN_SLICE_ROWS, SLICE_BYTES // (widths * dtype.itemsize))


def _tiles(ops: Sequence[Op], vectors: Vectors, max_parts: int) -> np.ndarray | None:
    """Room for tiles of gradients, if all gradients together would not stay in the cache."""
    dtype = vectors.parameters.dtype
    if vectors.parameters.nbytes < CACHE_BYTES:
        return None
    size = max([TILE_BYTES // dtype.itemsize, *(op.gradient_unit for op in ops)])
    return aligned_zeros(max_parts * size, dtype).reshape(max_parts, size)


class _Builder:
    """Lays out the ops of one program."""

    def __init__(self, blueprint: Blueprint, vectors: Vectors, max_rows: int, max_parts: int, training: bool) -> None:
        self.blueprint, self.vectors, self.max_rows, self.max_parts, self.training = blueprint, vectors, max_rows, max_parts, training
        self.dtype = vectors.parameters.dtype
        self.input = self.matrix(blueprint.n_inputs)

    def matrix(self, columns: int) -> np.ndarray:
        return aligned_zeros(self.max_rows * columns, self.dtype).reshape(self.max_rows, columns)

    def ops(self) -> list[Op]:
        """The ops in forward order, with all forward buffers."""
        ops: list[Op] = []
        x: np.ndarray | None = None  # None: the input of the program
        for stage in self.blueprint.stages:
            if not stage.plan.is_view and (self.training or not stage.plan.training_only):
                ops.append(self.layer_op(stage, x))
                x = ops[-1].y
            if stage.activation is not None:
                ops.append(self.activation_op(stage.activation, stage, x, ops))
                x = ops[-1].y
        if not ops:  # nothing but views: a program still copies its input to its output
            last = self.blueprint.stages[-1]
            ops.append(self.activation_op(registry.resolve("activations", "identity"), last, None, ops))
        return ops

    def layer_op(self, stage: Stage, x: np.ndarray | None) -> Op:
        plan, vectors = stage.plan, self.vectors
        if plan.split_rows and plan.tensors and not plan.gradient_unit and native_kernel(stage.layer) is not None:
            raise PluginError(
                f"{stage.layer!r}: a compiled layer with parameters and split_rows needs gradient functions and gradient_unit"
            )
        if (plan.split_rows and plan.cache) or (plan.split_columns and plan.scratch_per_row):
            pairs = "split_rows does not go with cache (but with cache_per_row), nor split_columns with scratch_per_row"
            raise PluginError(f"{stage.layer!r}: in a plan {pairs}")
        keeps_cache = self.training or native_kernel(stage.layer) is None
        return Op(
            stage.layer,
            stage,
            x,
            self.matrix(stage.n_outputs),
            stage.n_inputs,
            stage.n_outputs,
            parameters=vectors.parameters[stage.parameters] if plan.tensors else None,
            d_parameters=vectors.gradients[stage.parameters] if plan.tensors else None,
            buffers=vectors.buffers[stage.buffers] if plan.buffers else None,
            cache=aligned_zeros(plan.cache + plan.cache_per_row * self.max_rows, self.dtype) if keeps_cache else None,
            scratch=aligned_zeros(plan.scratch * self.max_parts + plan.scratch_per_row * self.max_rows, self.dtype),
        )

    def activation_op(self, activation: Activation, stage: Stage, x: np.ndarray | None, ops: list[Op]) -> Op:
        n = stage.n_outputs
        # In place unless the way back still needs what would be overwritten: the user's input, this activation's own input, or
        # the output of another activation (a layer never reads its own output).
        if x is not None and (not self.training or (not activation.needs_input and isinstance(ops[-1].component, Layer))):
            return Op(activation, stage, x, x, n, n)
        return Op(activation, stage, x, self.matrix(n), n, n)

    def link_gradients(self, ops: list[Op], first_trained_op: int) -> np.ndarray:
        """Give the gradient buffers of the way back, which ends at the first trained op; return that of the network's output."""
        d_y = d_output = self.matrix(ops[-1].n_outputs)
        for number in range(len(ops) - 1, first_trained_op - 1, -1):
            op = ops[number]
            op.d_y = d_y
            if number > first_trained_op:  # nobody asks for the first one's d_x
                op.d_x = d_y = d_y if isinstance(op.component, Activation) else self.matrix(op.n_inputs)
        return d_output
