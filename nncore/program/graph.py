"""The ops of a program and their buffers: values in the forward pass, gradients in the backward pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from nncore import registry
from nncore.contract import Activation, Layer, native_kernel
from nncore.program.memory import Arena, SharedRoom, aligned_bytes
from nncore.program.planning import Blueprint
from nncore.program.specification import NETWORK_INPUT, Branch, Op, Stage
from nncore.program.vectors import Vectors


class GraphBuilder:
    """Arranges the ops of a program, each after those that it reads."""

    def __init__(
        self,
        blueprint: Blueprint,
        vectors: Vectors,
        max_rows: int,
        max_parts: int,
        training: bool,
        frozen: Collection[str],
        input_gradient: bool,
        arena: Arena,
        room: SharedRoom | None,
        height: int,
        is_sparse: bool,
        n_together: int,
    ) -> None:
        self.blueprint, self.vectors, self.max_rows, self.max_parts, self.training = blueprint, vectors, max_rows, max_parts, training
        self.n_together = n_together  # rows of a batch that are one row of the members' layers
        self.height = height  # of the trees of shards; 0 without shards
        self.input_gradient = input_gradient  # whether the gradient with respect to the inputs is computed
        self.has_way_back = training or input_gradient
        self.frozen = frozen  # names of untrained tensors
        self.dtype = vectors.parameters.dtype
        self._own = arena.take
        self._zeros = self._own if room is None else room.take
        self.is_sparse = is_sparse
        # A run in its own memory reads inputs in place, and so does any run on sparse rows.
        gathers = room is None and not is_sparse
        self.input = self.matrix(blueprint.n_inputs) if gathers else np.empty((0, blueprint.n_inputs), self.dtype)
        self._readers = Counter(source for stage in blueprint.stages for source in stage.sources)

    def matrix(self, columns: int, n_together: int = 1) -> np.ndarray:
        rows = self.max_rows // n_together
        return self._zeros(rows * columns, self.dtype).reshape(rows, columns)

    def _together(self, stage: Stage) -> int:
        """Rows of a batch that are one row of a stage."""
        return self.n_together if stage.index in self.blueprint.member_stages else 1

    # ---- forward ------------------------------------------------------------------------------------------------------------

    def ops(self) -> list[Op]:
        """The ops with all forward buffers. The last one computes the output of the network."""
        ops: list[Op] = []
        values: dict[int, int] = {NETWORK_INPUT: NETWORK_INPUT}  # the op that computes each stage's output
        for stage in self.blueprint.stages:
            if stage.plan.branches:
                ops.append(self._joint_op(stage, [values[source] for source in stage.sources], ops))
                values[stage.index] = len(ops) - 1
            elif self._runs(stage):
                ops.append(self._layer_op(stage, values[stage.sources[0]], ops))
                values[stage.index] = len(ops) - 1
            else:
                values[stage.index] = values[stage.sources[0]]
            if stage.activation is not None:
                ops.append(self._activation_op(stage.activation, stage, values[stage.index], ops))
                values[stage.index] = len(ops) - 1
        if not ops:  # only views: a program still copies its input to its output
            ops.append(self._activation_op(registry.resolve("activations", "identity"), self.blueprint.stages[0], NETWORK_INPUT, ops))
        return ops

    def _runs(self, stage: Stage) -> bool:
        """Whether the layer itself computes something."""
        plan = stage.plan
        is_mean = self.training and self.blueprint.n_members > 0 and stage is self.blueprint.stages[-1]
        is_copy = plan.own_samples and self.n_together > 1
        return bool(plan.branches) or not (plan.is_view or (plan.training_only and not self.training) or is_mean or is_copy)

    def _layer_op(self, stage: Stage, source: int, ops: Sequence[Op]) -> Op:
        plan, n_together = stage.plan, self._together(stage)
        n_rows = self.max_rows // n_together
        parameters, d_parameters = self._tensors(stage)
        keeps_cache = self.has_way_back or native_kernel(stage.layer) is None
        op = Op(
            stage.layer,
            stage,
            _value(ops, source, n_rows),
            self.matrix(stage.n_outputs, n_together),
            stage.n_inputs,
            stage.n_outputs,
            (source,),
            n_together,
            reads_sparse=self.is_sparse and source == NETWORK_INPUT,
            parameters=parameters,
            d_parameters=d_parameters,
            is_trained=self.training and any(stage.full_name(tensor) not in self.frozen for tensor in plan.tensors),
            buffers=self.vectors.buffers[stage.buffers] if plan.buffers else None,
            cache=self._own(plan.cache + plan.cache_per_row * n_rows, self.dtype) if keeps_cache else None,
            work=self._own(size, self.dtype) if (size := plan.work * self.max_parts + plan.work_per_row * n_rows) else None,
        )
        if self.height and plan.batch_sums and op.capsule is not None:
            size = (1 + self.height) * plan.batch_sums * stage.n_inputs
            op.batch_sums = self._own(size, np.dtype(np.float64)).reshape(1 + self.height, plan.batch_sums, stage.n_inputs)
        # Layers that read sparse rows keep their sums short themselves.
        if parameters is not None and op.is_trained and not op.reads_sparse and 0 < op.block_rows < n_rows:
            op.sums = aligned_bytes(2 * parameters.nbytes).view(self.dtype).reshape(2, parameters.size)
        return op

    def _tensors(self, stage: Stage) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Parameters and gradients of a layer, tensor by tensor: parts of the flat vectors, or memory of the op."""
        tensors, vectors = stage.plan.tensors, self.vectors
        if not tensors:
            return None, None
        where = slice(stage.offsets[0], stage.offsets[0] + sum(tensor.size for tensor in tensors))
        if not stage.is_tied:
            return vectors.parameters[where], vectors.gradients[where]
        own, d_own = (self._own(where.stop - where.start, self.dtype) for _ in range(2))
        return vectors.parameters[where] if stage.lies_in_one_piece else own, d_own

    def _activation_op(self, activation: Activation, stage: Stage, source: int, ops: Sequence[Op]) -> Op:
        n, n_together = stage.n_outputs if self._runs(stage) else stage.n_inputs, self._together(stage)
        x = _value(ops, source, self.max_rows // n_together)
        # In place unless something else reads the buffer: another branch, or in the backward pass this activation or the previous one,
        # whose output it is. (A layer never reads its own output.) The user's input must not be overwritten.
        may_overwrite = x is not None and (self._runs(stage) or self._is_read_once(stage.sources[0]))
        if not self.has_way_back:
            return Op(activation, stage, x, _owned(x) if may_overwrite else self.matrix(n, n_together), n, n, (source,), n_together)
        may_overwrite = may_overwrite and isinstance(ops[source].component, Layer)
        y = _owned(x) if may_overwrite and not activation.needs_input else self.matrix(n, n_together)
        return Op(activation, stage, x, y, n, n, (source,), n_together, may_leave_slope=may_overwrite and activation.needs_input)

    def _is_read_once(self, source: int) -> bool:
        """Whether only one stage reads an output, also if it is passed on from an earlier stage."""
        if source == NETWORK_INPUT or self._readers[source] > 1:
            return False
        stage = self.blueprint.stages[source]
        return self._runs(stage) or stage.activation is not None or self._is_read_once(stage.sources[0])

    def _joint_op(self, stage: Stage, sources: Sequence[int], ops: Sequence[Op]) -> Op:
        widths = [self.blueprint.n_inputs if source == NETWORK_INPUT else ops[source].n_outputs for source in sources]
        branches = tuple(Branch(_value(ops, source, self.max_rows), None, width) for source, width in zip(sources, widths, strict=True))
        y, n = self.matrix(stage.n_outputs), stage.n_outputs
        return Op(stage.layer, stage, None, y, n, n, tuple(sources), joint=stage.plan.merge, branches=branches)

    # ---- backward -----------------------------------------------------------------------------------------------------------

    def link_gradients(self, ops: Sequence[Op]) -> tuple[list[Op], np.ndarray, np.ndarray | None]:
        """Allocate gradient buffers for every op between the loss and trained tensors or inputs.

        Returns
        -------
        ops : list of Op
            Ops, with a fork after every op whose gradient is a sum.
        d_output : ndarray of shape (max_rows, n_outputs)
            Gradient of the network's output.
        d_input : ndarray of shape (max_rows, n_inputs) or None
            Gradient of the network's input, if it is needed.
        """
        asks: list[bool] = []  # whether an op, or any op before it, needs a gradient

        def asks_for(source: int) -> bool:
            return self.input_gradient if source == NETWORK_INPUT else asks[source]

        for op in ops:
            asks.append(op.is_trained or any(asks_for(source) for source in op.sources))
        d_output = self.matrix(ops[-1].n_outputs, ops[-1].n_together)
        # For each op, by reader: its gradient, and whether others read it. The last list is for the input, at NETWORK_INPUT.
        handed: list[list[tuple[np.ndarray, bool]]] = [[] for _ in (*ops, "input")]
        handed[len(ops) - 1].append((d_output, False))
        linked: list[Op] = []
        for number in range(len(ops) - 1, -1, -1):
            op = ops[number]
            if asks[number]:
                if len(handed[number]) > 1:
                    linked.append(self._fork(op, [buffer for buffer, _ in handed[number]], op.y))
                    op.d_y, is_shared = linked[-1].d_x, False
                else:
                    op.d_y, is_shared = handed[number][0]
                    op.d_y = op.d_y.reshape(op.y.shape)  # the next op may take rows together
                asked = [source if asks_for(source) else None for source in op.sources]
                for source, given in zip(asked, self._hand_on(op, is_shared, asked), strict=True):
                    if source is not None and given is not None:
                        handed[source].append(given)
            linked.append(op)
        if not self.input_gradient:
            return linked[::-1], d_output, None
        gradients = [buffer for buffer, _ in handed[NETWORK_INPUT]]
        if len(gradients) > 1:
            linked.append(self._fork(ops[0], gradients, self.input))
            return linked[::-1], d_output, _owned(linked[-1].d_x)
        return linked[::-1], d_output, gradients[0]

    def _hand_on(self, op: Op, is_shared: bool, asked: Sequence[int | None]) -> list[tuple[np.ndarray, bool] | None]:
        """Buffers for the gradients of an op's sources, and whether others read them too."""
        d_y = _owned(op.d_y)
        if op.joint == "sum":  # each term of a sum has the gradient of the sum
            n_asked = sum(source is not None for source in asked)
            return [(d_y, is_shared or n_asked > 1)] * len(asked)
        if op.joint == "concat":
            buffers = [None if source is None else self.matrix(b.n_columns) for source, b in zip(asked, op.branches, strict=True)]
            op.branches = tuple(Branch(b.y, buffer, b.n_columns) for b, buffer in zip(op.branches, buffers, strict=True))
            return [None if buffer is None else (buffer, False) for buffer in buffers]
        if asked[0] is None:
            return [None]
        in_place = isinstance(op.component, Activation) and not is_shared
        op.d_x = d_y if in_place else self.matrix(op.n_inputs, op.n_together)
        return [(op.d_x, False)]

    def _fork(self, op: Op, gradients: Sequence[np.ndarray], y: np.ndarray) -> Op:
        """Make an op that sums the gradients of `y` (an op's output or the input) from all its readers."""
        n = y.shape[1]
        branches = tuple(Branch(None, gradient, n) for gradient in gradients)
        return Op(op.component, op.stage, None, y, n, n, joint="fork", branches=branches, d_x=self.matrix(n))


def _value(ops: Sequence[Op], source: int, n_rows: int) -> np.ndarray | None:
    """The input of an op as a matrix with `n_rows` rows; None for the program's input."""
    return None if source == NETWORK_INPUT else ops[source].y.reshape(n_rows, -1)


def _owned(array: np.ndarray | None) -> np.ndarray:
    assert array is not None, "asked for only where it was given"
    return array
