"""Compile a planned network to a program: the ops and their memory.

`compile_program` makes a `Program` for a batch size, for training or for prediction. Every buffer is a NumPy array, so that compiled
kernels and Python components use the same memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nncore import registry
from nncore._core import BLOCK, Program
from nncore.contract import Loss, Optimizer, Transform, native_kernel, wrappers_of
from nncore.program.graph import GraphBuilder
from nncore.program.groups import group_tensors
from nncore.program.interpreter import Interpreter
from nncore.program.kernels import Needed, compiled_wrappers, needed
from nncore.program.knobs import Knobs
from nncore.program.memory import ALIGNMENT, Arena, SharedRoom, aligned_zeros
from nncore.program.planning import Blueprint, plan_network
from nncore.program.program_spec import OneMember, ProgramSpec, Shards
from nncore.program.reach import skips_zero
from nncore.program.rules import rounds_of
from nncore.program.specification import Averaging, Op, Sparse, Undo
from nncore.program.state import needed_work
from nncore.program.threads import usable_cpus
from nncore.program.transforming import BatchBuffers, transform_ops
from nncore.program.vectors import Vectors

#: Approximate size of a core's second-level cache: a slice of rows, or a tile of gradients, and the weights in use should fit into it.
CACHE_BYTES = 1024 * 1024
#: Size of the buffers between the ops for a slice of rows.
SLICE_BYTES = CACHE_BYTES // 4
#: Smallest number of rows of a product for which packing the weights pays.
MIN_PRODUCT_ROWS = 512
#: Largest size of a slice of several rows: a wider network reads its weights more often instead.
LARGEST_SLICE_BYTES = 20 * CACHE_BYTES
#: Size of tiles of gradients that are consumed as they are computed.
TILE_BYTES = CACHE_BYTES
#: Bits in a word, for the masks of touched rows.
WORD = 64
#: Number of gradients that are summed together along a tree of shards.
PIECE_BYTES = CACHE_BYTES // 16
#: Smallest number of threads that a program has buffers for.
MIN_PARTS = 8

NO_AVERAGE = Averaging()


def compile_program(
    knobs: Knobs,
    vectors: Vectors,
    *,
    training: bool,
    max_rows: int | None = None,
    average: Averaging = NO_AVERAGE,
    accumulates: bool = False,
    input_gradient: bool = False,
    transforms: Sequence[Transform] = (),
    shards: int = 1,
    rounds: bool = False,
    sparse_inputs: bool = False,
    own_samples: bool = False,
) -> Program[ProgramSpec]:
    """Make a program for batches of up to `max_rows` rows; None is for prediction, which takes any number of rows in slices.

    A training program stores every layer's output and its gradient, for the second phase of a step (runner.h). A prediction program leaves
    out layers that only train, and arguments of the loss for training. With `accumulates` several batches may make a step. With
    `input_gradient` it computes gradients of the inputs, also through a prediction. `transforms` change each training batch. `shards` is
    the number of parts of a batch (shards.h). With `rounds` it computes matrix products of layers in bfloat16. Inputs are sparse with
    `sparse_inputs`, else dense. With `own_samples` members that do not share batches have samples of their own. Those of all members
    follow one another in a batch, and are one row of the members' layers. The numbers in `knobs` may change later, but not the structure
    of the network.
    """
    blueprint, grouping, loss = knobs.blueprint, knobs.grouping, knobs.loss_for(training)
    assert blueprint is not None, "a network is planned before it is compiled"
    assert grouping is not None, "its tensors are grouped"
    dtype = vectors.parameters.dtype
    max_parts = max(usable_cpus(), MIN_PARTS)
    n_together = blueprint.n_together if own_samples else 1
    slice_rows = _slice_rows(blueprint, dtype, training, sparse_inputs) * n_together
    if max_rows is None:
        max_rows = slice_rows * MIN_PARTS
    n_targets = blueprint.n_outputs if loss is None else loss.n_targets(blueprint.n_outputs)
    shared = None
    if not (training or input_gradient) and _is_compiled(blueprint, loss):
        numbers = 2 + n_targets + 2 * sum(stage.n_outputs for stage in blueprint.stages)
        shared = SharedRoom(max_rows * (numbers * dtype.itemsize + 8), 4 + 2 * max(1, len(blueprint.stages)))
    arena = Arena()
    zeros = arena.take if shared is None else shared.take
    height = (shards - 1).bit_length()
    builder = GraphBuilder(
        blueprint, vectors, max_rows, max_parts, training, grouping.frozen, input_gradient, arena, shared, height, sparse_inputs, n_together
    )
    ops = builder.ops()
    output = ops[-1].y
    n_outputs = blueprint.n_outputs
    has_members = training and blueprint.n_members > 0 and n_together == 1
    loss_kernel = None if loss is None else native_kernel(loss)
    optimizers = grouping.optimizers(knobs.optimizer) if training and knobs.optimizer is not None else ()
    kernels = [native_kernel(optimizer) for optimizer in optimizers]
    d_output = d_input = None
    if builder.has_way_back:
        ops, d_output, d_input = builder.link_gradients(ops)
    if n_together > 1 and d_output is not None:  # each row has the output of one member
        output, d_output = output.reshape(max_rows, n_outputs), d_output.reshape(max_rows, n_outputs)
    batch = BatchBuffers(builder.input, builder.matrix(n_targets), zeros(max_rows, dtype))
    transformed, gathered = transform_ops(transforms, blueprint, n_targets, batch)
    rules = knobs.rules() if training else []
    may_fail = [rule for rule in rules if rule.kind == "constraint" and (rule.kernel is None or not rule.kernel.never_fails)]
    regularizers = rounds_of("regularizer", rules)
    compiled = [pair for pair in enumerate(optimizers) if kernels[pair[0]] is not None]
    room = max((needed_work(own, grouping.tensors_of(number)) for number, own in compiled), default=0)
    can_fail = any(kernel is None or not kernel.never_fails for kernel in kernels)
    has_two_passes = any(optimizer.n_passes > 1 for optimizer in optimizers)
    runs_python = (
        any(op.kind == "python" for op in ops)
        or any(op.capsule is None for op in transformed)
        or any(rule.kernel is None for rule in rules)
        or (loss is not None and loss_kernel is None)
    )
    placed = grouping.placed() if training and any(op.sparse_tensors for op in ops) else {}
    sparse = [op.sparse(placed) if placed else [] for op in ops]
    is_elementwise = not any(optimizer.needs_tensors for optimizer in optimizers)
    steps_anywhere = bool(optimizers) and not can_fail and is_elementwise and not has_two_passes
    tiles = _tiles(ops, vectors, max_parts) if training and steps_anywhere and not (accumulates or may_fail) else None
    touched_words, touched = _touched(sparse, max_parts) if tiles is not None and shards == 1 and not average.decay else (0, None)
    spec = ProgramSpec(
        knobs=knobs,
        dtype=dtype,
        ops=ops,
        ties=[tie for number, op in enumerate(ops) for tie in op.ties(number, grouping.frozen)],
        n_inputs=blueprint.n_inputs,
        n_outputs=n_outputs,
        n_targets=n_targets,
        output_shape=blueprint.output_shape,
        max_rows=max_rows,
        slice_rows=max_rows if any(op.kind == "python" for op in ops) else slice_rows,
        max_parts=max_parts,
        accepts_nan=blueprint.accepts_nan,
        input=batch.input,
        places=np.zeros((2, max_rows), np.int64) if sparse_inputs else None,
        output=output,
        d_output=d_output,
        d_input=d_input,
        target=batch.target,
        labels=zeros(max_rows, np.dtype(np.int64)),
        weight=batch.weight,
        losses=zeros(max_rows, dtype),
        n_together=n_together,
        one_member=OneMember(builder.matrix(n_outputs), builder.matrix(n_outputs), zeros(max_rows, dtype)) if has_members else None,
        transforms=transformed,
        gathered=gathered,
        training=training,
        loss=loss,
        loss_capsule=None if loss_kernel is None else loss_kernel.load(),
        loss_hyper=np.empty(0 if loss is None else len(loss.hyper())),
        loss_needed=[] if loss is None else _needed_of(loss, n_outputs, dtype),
        parameters=vectors.parameters,
        gradients=vectors.gradients,
        state=vectors.state,
        shadow=vectors.shadow if average.decay else None,
        average_rest=vectors.average_rest if average.decay else None,
        tiles=tiles,
        sparse=sparse,
        touched=touched,
        touched_words=touched_words,
        shards=_shards(shards, height, ops, dtype, max_parts),
        rounds=rounds,
        anchor=arena.take(blueprint.n_parameters, dtype) if has_two_passes else None,
        buffers=vectors.buffers,
        kept_buffers=arena.take(vectors.buffers.size, dtype) if has_two_passes else None,
        undo=_undo(vectors, average, arena) if training else [],
        is_careful=can_fail or bool(may_fail) or runs_python,
        room=None if shared is None else shared.room,
        accumulated=arena.take(blueprint.n_parameters, dtype) if accumulates else None,
        optimizers=optimizers,
        skips_zero=[skips_zero(own) for own in optimizers],
        optimizer_capsules=[None if kernel is None else _capsule(own) for own, kernel in zip(optimizers, kernels, strict=True)],
        around=[[] if kernel is None else compiled_wrappers(own, dtype) for own, kernel in zip(optimizers, kernels, strict=True)],
        optimizer_needed=[_needed_of_optimizer(wrappers_of(own)[1], dtype) for own in optimizers],
        optimizer_hyper=np.zeros((len(grouping.groups), 0)) if knobs.optimizer is None else grouping.hyper(knobs.optimizer),
        optimizer_work=arena.take(max_parts * room, dtype).reshape(max_parts, room),
        grouping=grouping,
        average=average,
        decays=np.zeros(len(grouping.tensors)),
        rules=rules,
        regularizers=regularizers,
        constraints=rounds_of("constraint", rules),
        values=np.zeros(len(regularizers.pieces)),
        block_sums=np.zeros(-(-blueprint.n_parameters // BLOCK)),
    )
    spec.interpreter = Interpreter(spec)
    return Program(spec)


def compile_loss(loss: Loss, n_outputs: int, n_rows: int, dtype: np.dtype) -> Program[ProgramSpec]:
    """Make a program without layers for a network's outputs: its `evaluate` calls the loss once for up to `n_rows` rows."""
    blueprint = plan_network([registry.resolve("layers", "flatten")], ["outputs"], (n_outputs,))
    vectors = Vectors(aligned_zeros(0, dtype), aligned_zeros(0, dtype), aligned_zeros(0, dtype))
    knobs = Knobs(blueprint=blueprint, grouping=group_tensors({}, blueprint), loss=loss)
    return compile_program(knobs, vectors, training=False, max_rows=n_rows)


def compile_link(link: str | dict[str, Any], n_outputs: int, dtype: np.dtype) -> Program[ProgramSpec]:
    """Make a program of one activation for a network's outputs: its `predict` applies it to any number of rows."""
    layer = registry.resolve("layers", {"name": "activation", "activation": link})
    blueprint = plan_network([layer], ["link"], (n_outputs,))
    vectors = Vectors(aligned_zeros(0, dtype), aligned_zeros(0, dtype), aligned_zeros(0, dtype))
    knobs = Knobs(blueprint=blueprint, grouping=group_tensors({}, blueprint))
    max_rows = max(usable_cpus(), MIN_PARTS, SLICE_BYTES // (2 * n_outputs * dtype.itemsize))
    return compile_program(knobs, vectors, training=False, max_rows=max_rows)


def _is_compiled(blueprint: Blueprint, loss: Loss | None) -> bool:
    """Whether no part of a prediction runs in Python, which would use its buffers."""
    layers = [stage.layer for stage in blueprint.stages if not (stage.plan.is_view or stage.plan.branches)]
    activations = [stage.activation for stage in blueprint.stages]
    return all(native_kernel(component) is not None for component in (*layers, *activations, loss) if component is not None)


def _slice_rows(blueprint: Blueprint, dtype: np.dtype, training: bool, sparse_inputs: bool) -> int:
    """Number of rows that go through the ops together, so that buffers between two ops stay in the cache."""
    widths = (0 if sparse_inputs else blueprint.n_inputs) + sum(stage.n_outputs for stage in blueprint.stages) * (2 if training else 1)
    row_bytes = widths * dtype.itemsize
    # A sample has several rows of a product: positions of a convolution, or members of an ensemble.
    packed = sum(tensor.size for stage in blueprint.stages for tensor in stage.plan.tensors)
    met = sum(tensor.size * stage.plan.gradient_terms for stage in blueprint.stages for tensor in stage.plan.tensors)
    worth_packing = -(-MIN_PRODUCT_ROWS * packed // met) if packed else MIN_PRODUCT_ROWS
    return max(1, min(worth_packing, LARGEST_SLICE_BYTES // row_bytes), SLICE_BYTES // row_bytes)


def _needed_of(loss: Loss, n_outputs: int, dtype: np.dtype) -> list[Needed]:
    """Functions of a loss, for the kinds of targets that it accepts."""
    targets = loss.targets_for(n_outputs)
    return needed("loss", ["real", "labels"] if targets == "both" else [targets], dtype)


def _capsule(optimizer: Optimizer) -> object:
    """Kernel of the optimizer inside all wrappers; it has one if the whole has one."""
    kernel = native_kernel(wrappers_of(optimizer)[1])
    assert kernel is not None, "the whole has a kernel"
    return kernel.load()


def _needed_of_optimizer(optimizer: Optimizer, dtype: np.dtype) -> list[Needed]:
    """Functions of an optimizer that is not a wrapper."""
    perturbs = optimizer.n_passes > 1
    why = f"its class {'overrides' if perturbs else 'does not override'} perturb"
    return needed("optimizer", ["step"], dtype) + needed("optimizer", ["perturb"], dtype, why, perturbs)


def _undo(vectors: Vectors, average: Averaging, arena: Arena) -> list[Undo]:
    """Data that a step changes, buffers first, each with memory for its previous value."""
    live = [("running statistics of layers", vectors.buffers)] if vectors.buffers.size else []
    live.append(("", vectors.parameters))
    if average.decay:
        live += [("the average of the parameters", vector) for vector in (vectors.shadow, vectors.average_rest) if vector is not None]
    for group in vectors.state or ():
        arrays = group.slots if len(group.slots) else [array.reshape(-1) for kept in group.tensors for array in kept.values()]
        live += [("the state of the optimizer", array) for array in arrays]
    return [Undo(what, array, arena.take(array.size, array.dtype)) for what, array in live]


def _shards(n: int, height: int, ops: Sequence[Op], dtype: np.dtype, max_parts: int) -> Shards:
    """Memory for gradients that wait for others in the trees of all threads."""
    if not height:
        return Shards()
    piece_size = max([PIECE_BYTES // dtype.itemsize, *(op.gradient_unit for op in ops)])
    return Shards(n, aligned_zeros(max_parts * height * piece_size, dtype).reshape(max_parts, height * piece_size), piece_size)


def _touched(sparse: Sequence[Sequence[Sparse]], max_parts: int) -> tuple[int, np.ndarray | None]:
    """Number of words that the largest tensor needs for its rows, and memory for three masks of them: `nnc_touched`."""
    rows = max((span.rows for tensors in sparse for _, span, _, _ in tensors), default=0)
    if rows == 0:
        return 0, None
    words = -(-rows // WORD)
    size = 2 * words + -(-words // WORD)
    size += -size % (ALIGNMENT // 8)
    return words, aligned_zeros(max_parts * size, np.dtype(np.uint64)).reshape(max_parts, size)


def _tiles(ops: Sequence[Op], vectors: Vectors, max_parts: int) -> np.ndarray | None:
    """Memory for tiles of gradients, if all gradients together do not fit into the cache.

    Parameters are then updated before other gradients are computed. So the functions of those must not read parameters or fail, and no
    gradient may be a sum over layers.
    """
    dtype = vectors.parameters.dtype
    if vectors.parameters.nbytes < CACHE_BYTES:
        return None
    late = [op for op in ops if op.is_trained and op.gradient_unit > 0]
    if any(op.is_tied for op in ops) or any(
        op.plan.reads_parameters_in_gradient or op.kernel is None or not op.kernel.never_fails for op in late
    ):
        return None
    words = [WORD * (tensor.size // tensor.shape[0]) for op in ops for _, tensor in op.sparse_tensors]
    size = max([TILE_BYTES // dtype.itemsize, *(op.gradient_unit for op in ops), *words])
    return aligned_zeros(max_parts * size, dtype).reshape(max_parts, size)
