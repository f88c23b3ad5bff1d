"""`Program`: a compiled network that runs without the interpreter. The work is done in runner.c; this is its Python face."""

import functools

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_IsContiguous, PyBuffer_Release, PyObject_GetBuffer,
)
from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from nncore.abi cimport (
    NNC_ABI_MAJOR, NNC_MESSAGE_BYTES, nnc_activation, nnc_head, nnc_host, nnc_layer, nnc_layer_call, nnc_loss, nnc_loss_call,
    nnc_constraint, nnc_optimizer, nnc_regularizer, nnc_site, nnc_tensor, nnc_transform, nnc_transform_call,
)
from nncore._core.runner cimport (
    NNC_OK, NNC_LOSS_NOT_FINITE, NNC_GRADIENT_NOT_FINITE, NNC_PYTHON_RAISED, NNC_INPUT_NOT_FINITE, NNC_RULE_NOT_FINITE,
    NNC_STEP_NOT_FINITE, NNC_NO_MEMORY, NNC_FORWARD, NNC_BACKWARD, NNC_LOSS, NNC_LOSS_GRADIENT, NNC_UPDATE, NNC_RULE, NNC_TRANSFORM,
    NNC_PERTURB, NNC_OP_LAYER, NNC_OP_ACTIVATION,
    NNC_OP_PYTHON, NNC_OP_SUM, NNC_OP_CONCAT, NNC_OP_FORK, NNC_IS_LOSS, NNC_IS_OPTIMIZER, NNC_ON_RANGES, NNC_ON_TENSORS,
    NNC_IN_PYTHON, NNC_BLOCK, NNC_SITE, nnc_branch, nnc_op, nnc_transformer, nnc_note, nnc_stretch, nnc_tie, nnc_group, nnc_around,
    nnc_rule, nnc_piece, nnc_rounds, nnc_undo, nnc_task, nnc_program, nnc_course, nnc_samples, nnc_progress, nnc_runner,
)

from nncore._core.crew cimport Job, nnc_job, nnc_stop
from nncore._core.turns cimport Turn

import numpy as np
from numpy import empty, ndarray

from nncore._core import native
from nncore.errors import DataError, DtypeError, OutOfMemoryError, PluginError, ShapeError


cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() nogil


#: The runner at the CPU level that was chosen when `native` was imported.
cdef const nnc_runner *runner = <const nnc_runner *>PyCapsule_GetPointer(native.runner, "nncore._core.runner")

#: What it offers to functions of components, at the same level.
cdef const nnc_host *host = <const nnc_host *>PyCapsule_GetPointer(native.host, "nncore.host")

#: Statuses of a run that stopped early, as `Failure.status`; with any other one, a kernel reported an error.
LOSS_NOT_FINITE = NNC_LOSS_NOT_FINITE
GRADIENT_NOT_FINITE = NNC_GRADIENT_NOT_FINITE
INPUT_NOT_FINITE = NNC_INPUT_NOT_FINITE
RULE_NOT_FINITE = NNC_RULE_NOT_FINITE
STEP_NOT_FINITE = NNC_STEP_NOT_FINITE

#: What a program asks of its `Interpreter`.
FORWARD = NNC_FORWARD
BACKWARD = NNC_BACKWARD
LOSS = NNC_LOSS
LOSS_GRADIENT = NNC_LOSS_GRADIENT
UPDATE = NNC_UPDATE
PERTURB = NNC_PERTURB
RULE = NNC_RULE
TRANSFORM = NNC_TRANSFORM

#: The number of an op that stands for the loss.
IS_LOSS = NNC_IS_LOSS

#: Parameters whose squares are added up together.
BLOCK = NNC_BLOCK

#: Steps beyond those under way for which it is found out how large gradients may be.
cdef int64_t AHEAD = 1 << 20
_FLOAT32, _FLOAT64, _INT64 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)

_ROLES = {"weight": 0, "bias": 1, "scale": 2}
_KINDS = {
    "layer": NNC_OP_LAYER, "activation": NNC_OP_ACTIVATION, "python": NNC_OP_PYTHON, "sum": NNC_OP_SUM, "concat": NNC_OP_CONCAT,
    "fork": NNC_OP_FORK,
}


class Failure(Exception):
    """A run stopped: `status` is one of the constants above, `op` the number of the op (-1: the loss; behind the ops: a group's optimizer,
    and behind those a rule).

    If a function of a table failed, `returned` is what it returned, and `message` what it said.
    """

    def __init__(self, status: int, op: int, returned: int = 0, message: str = "") -> None:
        super().__init__(f"status {status} at op {op}")
        self.status = status
        self.op = op
        self.returned = returned
        self.message = message


cdef void *address(object array) except? NULL:
    """Where a C-contiguous array's numbers begin; NULL for None. The caller keeps the array alive."""
    cdef Py_buffer view
    if array is None:
        return NULL
    PyObject_GetBuffer(array, &view, PyBUF_C_CONTIGUOUS)
    PyBuffer_Release(&view)
    return view.buf


cdef void *given(object array, object dtype, Py_ssize_t columns, bint is_written, str name) except? NULL:
    """Where the numbers of an array from outside begin, known to be ones that C can use; NULL for None.

    `columns` is the size of a row, and 1 for a vector.
    """
    cdef Py_buffer view
    if array is None:
        return NULL
    if not isinstance(array, ndarray) or array.dtype != dtype:
        raise DtypeError(f"{name} must be an ndarray of {dtype}, got {getattr(array, 'dtype', type(array))}")
    try:
        PyObject_GetBuffer(array, &view, PyBUF_C_CONTIGUOUS | (PyBUF_WRITABLE if is_written else 0))
    except (ValueError, BufferError) as error:  # what NumPy says of arrays with gaps, and of read-only ones
        raise DataError(f"{name} is {'written to' if is_written else 'read'} where it lies: {error}; pass a C-contiguous copy") from None
    PyBuffer_Release(&view)
    if <size_t>view.buf % <size_t>view.itemsize != 0:
        raise DataError(f"{name} does not begin at a multiple of {view.itemsize} bytes, the size of its numbers: pass a copy")
    if view.len != len(array) * columns * view.itemsize:
        raise ShapeError(f"{name} has shape {array.shape}, rows of {columns} are needed")
    return view.buf


cdef int load_table(object capsule, str kind, object who, object needed, void *table, size_t size) except -1:
    """Copies the table of a capsule, zeros behind what it has, once it is known to have what the program calls.

    `who` is a function that returns what messages call the component.
    """
    name = f"nncore.{kind}".encode()
    if not PyCapsule_IsValid(capsule, name):
        raise PluginError(f"{who()}: the kernel is {capsule!r}, not a PyCapsule named 'nncore.{kind}'")
    cdef const nnc_head *head = <const nnc_head *>PyCapsule_GetPointer(capsule, name)
    if head.abi_major != NNC_ABI_MAJOR:
        raise PluginError(
            f"{who()}: the kernel was built for version {head.abi_major} of nncore/plugin.h, this nncore speaks version "
            f"{NNC_ABI_MAJOR}: install a matching version of the plugin"
        )
    if head.struct_size < sizeof(nnc_head):
        raise PluginError(
            f"{who()}: the kernel says it has {head.struct_size} bytes, its head alone takes {sizeof(nnc_head)}: use NNC_HEAD"
        )
    memcpy(table, head, min(size, head.struct_size))
    cdef void **functions = <void **>(<char *>table + sizeof(nnc_head))
    cdef int64_t position
    for function in needed:
        position = function.position
        if (functions[position] != NULL) != function.is_wanted:
            raise PluginError(
                f"{who()}: the kernel has {'no ' if function.is_wanted else ''}{function.name}; {function.why}. "
                "Ask for a version of the component that fits, or set its kernel to None to run it on NumPy"
            )
    return 0


cdef str said(const char *message):
    """The text in a buffer of NNC_MESSAGE_BYTES that whoever wrote it need not have ended, safe to print."""
    text = message[:NNC_MESSAGE_BYTES].partition(b"\0")[0].decode("utf-8", "ignore")
    return "".join(character if character.isprintable() else " " for character in text).strip()


cdef int32_t run_python(void *context, int32_t what, int64_t op, int64_t n_rows) noexcept with gil:
    """Does in Python what has no compiled form; an exception is kept for the caller of the run."""
    program = <Program>context
    program.python_thread = PyThread_get_thread_ident()
    try:
        program.interpreter.run(what, op, n_rows, program.program.step + 1, <uint64_t>program.program.draw, bool(program.program.training),
                                bool(program.program.use_labels), program.program.gradient_norm)
    except BaseException as error:
        program.exception = error
        return -1
    finally:
        program.python_thread = 0
    return 0


cdef class Program:
    """A compiled network. All arrays it is handed are used in place and must stay as large as they are.

    Parameters
    ----------
    spec : nncore.program.specification.ProgramSpec
    """

    cdef nnc_program program
    cdef nnc_branch *branches  # of all joints, one after the other
    cdef nnc_tensor *tensors
    cdef nnc_stretch *stretches
    cdef nnc_tie *ties
    cdef nnc_group *groups
    cdef nnc_undo *undo
    cdef nnc_around *around  # of all groups, one after the other
    cdef nnc_layer *layers  # copies of the tables that ops call, as many as ops
    cdef nnc_activation *activations
    cdef nnc_transformer *transformers
    cdef nnc_transform *transforms  # copies of the tables that transformers call, as many as transformers
    cdef nnc_loss loss
    cdef nnc_rule *rules
    cdef nnc_regularizer *regularizer_tables  # copies of the tables that rules call, as many as rules
    cdef nnc_constraint *constraint_tables
    cdef nnc_piece *pieces  # of regularizers, then of constraints
    cdef void **places  # where tensors, and then their gradients, begin: of all ops, one after the other
    cdef void **states  # where arrays of optimizers' state begin: of all tensors, one after the other
    cdef readonly object spec
    cdef object output_shape, dtype  # of an output, read more often than `spec` would make cheap
    cdef object interpreter
    cdef object exception
    cdef Turn turn  # of the network: the threads that share it share its parameters and buffers
    cdef unsigned long python_thread  # that runs a Python component for this program, or 0
    cdef const int64_t *version  # of what may change while the network lives
    cdef int64_t seen  # the version that was taken over
    cdef int64_t shown  # the second number of the version, when `extent` was found
    cdef int64_t safe_until  # the step up to which the program's safe_gradient holds
    cdef double rate_factor  # and the largest factor of learning rates
    cdef readonly bint runs_python  # a component that takes part has no kernel

    def __cinit__(self, spec):
        self.spec = spec
        self.interpreter = spec.interpreter
        self.output_shape, self.dtype = spec.output_shape, spec.dtype
        self.turn = spec.turn
        cdef nnc_program *program = &self.program
        program.n_waiting = &self.turn.turn.n_waiting
        cdef nnc_op *op
        stretches = list(spec.grouping.stretches())
        program.ops = <nnc_op *>calloc(max(len(spec.ops), 1), sizeof(nnc_op))
        program.tasks = <nnc_task *>calloc(2 * len(spec.ops) + len(spec.transforms) + 3, sizeof(nnc_task))
        program.n_sites = NNC_SITE(len(spec.ops)) + len(spec.transforms) + len(spec.rules)
        self.transformers = <nnc_transformer *>calloc(max(len(spec.transforms), 1), sizeof(nnc_transformer))
        self.transforms = <nnc_transform *>calloc(max(len(spec.transforms), 1), sizeof(nnc_transform))
        self.branches = <nnc_branch *>calloc(max(sum(len(op.branches) for op in spec.ops), 1), sizeof(nnc_branch))
        self.tensors = <nnc_tensor *>calloc(max(len(spec.grouping.tensors), 1), sizeof(nnc_tensor))
        self.stretches = <nnc_stretch *>calloc(max(len(stretches), 1), sizeof(nnc_stretch))
        self.ties = <nnc_tie *>calloc(max(len(spec.ties), 1), sizeof(nnc_tie))
        self.groups = <nnc_group *>calloc(max(len(spec.grouping.groups), 1), sizeof(nnc_group))
        self.layers = <nnc_layer *>calloc(max(len(spec.ops), 1), sizeof(nnc_layer))
        self.activations = <nnc_activation *>calloc(max(len(spec.ops), 1), sizeof(nnc_activation))
        self.around = <nnc_around *>calloc(max(sum(map(len, spec.around)), 1), sizeof(nnc_around))
        self.undo = <nnc_undo *>calloc(max(len(spec.undo), 1), sizeof(nnc_undo))
        n_states = sum(len(kept) for group in spec.state or () for kept in group.tensors)
        self.states = <void **>calloc(max(n_states, 1), sizeof(void *))
        self.places = <void **>calloc(max(2 * sum(len(op.plan.tensors) for op in spec.ops), 1), sizeof(void *))
        n_rules, n_pieces = len(spec.rules), len(spec.regularizers.pieces) + len(spec.constraints.pieces)
        self.rules = <nnc_rule *>calloc(max(n_rules, 1), sizeof(nnc_rule))
        self.regularizer_tables = <nnc_regularizer *>calloc(max(n_rules, 1), sizeof(nnc_regularizer))
        self.constraint_tables = <nnc_constraint *>calloc(max(n_rules, 1), sizeof(nnc_constraint))
        self.pieces = <nnc_piece *>calloc(max(n_pieces, 1), sizeof(nnc_piece))
        program.sites = <nnc_site *>calloc(spec.max_parts * program.n_sites, sizeof(nnc_site))
        program.notes = <nnc_note *>calloc(spec.max_parts, sizeof(nnc_note))
        if program.ops == NULL or program.tasks == NULL or self.branches == NULL or self.tensors == NULL or self.stretches == NULL \
                or self.ties == NULL or self.groups == NULL or self.layers == NULL or self.activations == NULL or self.places == NULL \
                or self.undo == NULL or self.around == NULL or self.states == NULL or self.transformers == NULL or self.transforms == NULL \
                or program.sites == NULL or program.notes == NULL \
                or self.rules == NULL or self.regularizer_tables == NULL or self.constraint_tables == NULL or self.pieces == NULL:
            raise MemoryError
        program.max_parts = spec.max_parts
        has_way_back = spec.d_output is not None
        program.is_f64 = spec.dtype == np.float64
        program.n_ops, program.n_rules = len(spec.ops), n_rules
        cdef nnc_branch *branch = self.branches
        cdef void **places = self.places
        cdef int64_t offset
        cdef Py_ssize_t k
        for i, described in enumerate(spec.ops):
            op = &program.ops[i]
            op.kind = _KINDS[described.kind]
            if op.kind == NNC_OP_LAYER:
                needed = described.needed(spec.dtype, has_way_back)
                load_table(described.capsule, "layer", described.who, needed, &self.layers[i], sizeof(nnc_layer))
                op.layer = &self.layers[i]
            elif op.kind == NNC_OP_ACTIVATION:
                needed = described.needed(spec.dtype, has_way_back)
                load_table(described.capsule, "activation", described.who, needed, &self.activations[i], sizeof(nnc_activation))
                op.activation = &self.activations[i]
            elif op.kind == NNC_OP_PYTHON and described.x is None:
                program.python_reads_input = True
            op.runs_backward, op.is_trained = described.runs_backward, described.is_trained
            op.branches, op.n_branches = branch, len(described.branches)
            for joined in described.branches:
                branch[0] = nnc_branch(address(joined.y), address(joined.d_y), joined.n_columns)
                branch += 1
            op.call.struct_size = sizeof(nnc_layer_call)
            op.call.x = address(described.x)
            op.call.y = address(described.y)
            op.call.d_y = address(described.d_y)
            op.call.d_x = address(described.d_x)
            op.call.parameters = address(described.parameters)
            op.call.d_parameters = address(described.d_parameters)
            op.call.buffers = address(described.buffers)
            op.call.cache = address(described.cache)
            op.call.n_tensors = len(described.plan.tensors)
            op.call.tensors = <const void *const *>places
            op.call.d_tensors = places + op.call.n_tensors
            for k, place in enumerate(described.tensor_places):
                offset = place * spec.dtype.itemsize
                places[k] = <char *>op.call.parameters + offset
                places[op.call.n_tensors + k] = <char *>op.call.d_parameters + offset
            places += 2 * op.call.n_tensors
            op.call.n_inputs = described.n_inputs
            op.call.n_outputs = described.n_outputs
            op.first_parameter = described.first_parameter
            n_parameters = 0 if described.parameters is None else described.parameters.size
            op.n_parameters, op.n_tied = (0, n_parameters) if described.is_tied else (n_parameters, 0)
            op.split_rows, op.split_columns = described.plan.split_rows, described.plan.split_columns
            op.gradient_unit = described.gradient_unit
            op.gradient_bound, op.gradient_terms = described.plan.gradient_bound, described.plan.gradient_terms
            op.cache_per_row = described.plan.cache_per_row
            op.work, op.work_per_row = described.plan.work, described.plan.work_per_row
            op.rooms = address(described.work)
            op.block_rows, op.sums = described.block_rows, address(described.sums)
            self.fill_sites(i, described)
        program.n_inputs, program.n_outputs, program.n_targets = spec.n_inputs, spec.n_outputs, spec.n_targets
        program.max_rows, program.slice_rows = spec.max_rows, spec.slice_rows
        program.accepts_nan = spec.accepts_nan
        program.input = address(spec.input)
        program.output = address(spec.output)
        program.d_output = address(spec.d_output)
        program.target = address(spec.target)
        program.labels = <int64_t *>address(spec.labels)
        program.weight = address(spec.weight)
        program.losses = address(spec.losses)
        if spec.loss_capsule is not None:
            load_table(spec.loss_capsule, "loss", spec.who_judges, spec.loss_needed, &self.loss, sizeof(nnc_loss))
            program.loss = &self.loss
        program.loss_needs_batch = spec.loss is not None and spec.loss.needs_batch
        program.loss_call.struct_size = sizeof(nnc_loss_call)
        program.loss_call.output, program.loss_call.d_output = program.output, program.d_output
        program.loss_call.target, program.loss_call.labels = program.target, program.labels
        program.loss_call.weight, program.loss_call.loss = program.weight, program.losses
        program.loss_call.n_outputs, program.loss_call.n_targets = program.n_outputs, program.n_targets
        self.take_transforms(spec)
        self.fill_sites(NNC_IS_LOSS, None)
        self.fill_sites(NNC_IS_OPTIMIZER, None)
        self.fill_rules()
        program.parameters = address(spec.parameters)
        program.gradients = address(spec.gradients)
        program.n_parameters = spec.parameters.size
        self.fill_groups(stretches)
        for i, tie in enumerate(spec.ties):
            self.ties[i] = nnc_tie(
                tie.op, tie.place, tie.offset, tie.rows, tie.columns, tie.transposed, tie.is_copied, tie.adds, tie.is_trained
            )
        program.ties, program.n_ties = self.ties, len(spec.ties)
        program.optimizer_hyper = <double *>address(spec.optimizer_hyper)
        program.n_hyper = spec.optimizer_hyper.shape[1]
        program.block_sums = <double *>address(spec.block_sums)
        program.accumulated = address(spec.accumulated)
        program.shadow = address(spec.shadow)
        program.average_decay, program.average_begin = spec.average.decay, spec.average.begin
        program.tile_size = 0 if spec.tiles is None else spec.tiles.shape[1]
        program.anchor = address(spec.anchor)
        if spec.anchor is not None:
            program.buffers, program.kept_buffers, program.n_buffers = address(spec.buffers), address(spec.kept_buffers), spec.buffers.size
        program.values = <double *>address(spec.values)
        for i, part in enumerate(spec.undo):
            number_bytes = part.live.itemsize if part.live.dtype in (np.float32, np.float64) else 0
            self.undo[i] = nnc_undo(address(part.live), address(part.kept), part.live.nbytes, number_bytes)
        program.undo, program.n_undo, program.is_careful = self.undo, len(spec.undo), spec.is_careful
        program.n_undo_buffers = len(spec.undo) > 0 and spec.buffers.size > 0
        program.room, program.room_bytes = address(spec.room), 0 if spec.room is None else spec.room.nbytes
        self.version = <const int64_t *>address(spec.version)
        self.seen, self.shown = self.version[0] - 1, self.version[1] - 1
        self.runs_python = (
            program.loss == NULL
            or any(op.kind == "python" for op in spec.ops)
            or any(described.capsule is None for described in (*spec.transforms, *spec.rules))
            or any(capsule is None for capsule in spec.optimizer_capsules or ())
        )
        program.python = run_python
        program.python_context = <void *>self

    cdef int take_transforms(self, spec) except -1:
        """What happens to a batch before the first op."""
        cdef nnc_program *program = &self.program
        cdef nnc_transformer *to
        for i, described in enumerate(spec.transforms):
            to = &self.transformers[i]
            if described.capsule is not None:
                load_table(described.capsule, "transform", described.who, described.needed, &self.transforms[i], sizeof(nnc_transform))
                to.table = &self.transforms[i]
            to.kept, to.n_kept = <const int64_t *>address(described.kept), len(described.kept)
            to.mixes_targets = described.component.mixes_targets
            to.call.struct_size = sizeof(nnc_transform_call)
            to.call.source, to.call.x = address(described.source.input), address(described.result.input)
            to.call.source_target, to.call.target = address(described.source.target), address(described.result.target)
            to.call.source_weight, to.call.weight = address(described.source.weight), address(described.result.weight)
            to.call.columns = <const uint8_t *>address(described.columns)
            to.call.n_inputs, to.call.n_targets = spec.n_inputs, spec.n_targets
            self.fill_sites(program.n_ops + i, described)
        program.transforms, program.n_transforms = self.transformers, len(spec.transforms)
        program.mixes_targets = any(described.component.mixes_targets for described in spec.transforms)
        program.gathered_input = address(spec.gathered.input)
        program.gathered_target = address(spec.gathered.target)
        program.gathered_weight = address(spec.gathered.weight)
        return 0

    cdef int fill_groups(self, object stretches) except -1:
        """Parameter groups: their tensors, their optimizers, and where those keep their state."""
        cdef nnc_program *program = &self.program
        cdef nnc_group *group
        cdef void **states = self.states
        cdef int64_t first_tensor = 0, first_around = 0, offset, size = self.spec.dtype.itemsize
        cdef Py_ssize_t i, k
        spec, grouping = self.spec, self.spec.grouping
        for i, span in enumerate(grouping.tensors):
            offset = span.offset
            self.tensors[i].w = <char *>program.parameters + offset * size
            self.tensors[i].g = <char *>program.gradients + offset * size
            self.tensors[i].offset, self.tensors[i].rows, self.tensors[i].columns = span.offset, span.rows, span.columns
            self.tensors[i].layer, self.tensors[i].role = span.layer, _ROLES[span.role]
        program.tensors, program.n_tensors = self.tensors, len(grouping.tensors)
        program.groups, program.n_groups, program.around = self.groups, len(grouping.groups), self.around
        for i in range(program.n_groups):
            group = &self.groups[i]
            group.first_tensor, group.how = first_tensor, NNC_IN_PYTHON
            spans = grouping.tensors_of(i)
            group.n_tensors, group.n_parameters = len(spans), sum(span.size for span in spans)
            first_tensor += group.n_tensors
            if not spec.optimizers:
                continue
            group.perturbs = spec.optimizers[i].n_passes > 1
            self.fill_around(group, first_around, spec.around[i])
            first_around += group.n_around
            kept = spec.state[i]
            if len(kept.slots) > 0:
                group.state_stride = kept.slots.strides[0] // size
            for k, arrays in enumerate(kept.tensors):
                self.tensors[group.first_tensor + k].state = states + group.own_arrays
                for array in arrays.values():
                    states[0] = address(array)
                    states += 1
            if spec.optimizer_capsules[i] is not None:
                group.how = NNC_ON_TENSORS if spec.optimizers[i].needs_tensors else NNC_ON_RANGES
                who = functools.partial(spec.who_optimizes, i)
                load_table(spec.optimizer_capsules[i], "optimizer", who, spec.optimizer_needed[i], &group.optimizer, sizeof(nnc_optimizer))
        for i, (begin, end, number, place) in enumerate(stretches):
            self.stretches[i] = nnc_stretch(begin, end, number, NULL)
            if spec.optimizers and number >= 0 and len(spec.state[number].slots) > 0:
                self.stretches[i].state = address(spec.state[number].slots[0, place:])
        program.stretches, program.n_stretches = self.stretches, len(stretches)
        return 0

    cdef int fill_around(self, nnc_group *group, int64_t first, object wrappers) except -1:
        """What is done around the steps of a group."""
        cdef nnc_around *around
        group.first_around, group.n_around = first, len(wrappers)
        for i, wrapper in enumerate(wrappers):
            around = &self.around[first + i]
            load_table(wrapper.capsule, "optimizer", wrapper.who, wrapper.needed, &around.table, sizeof(nnc_optimizer))
            around.first_number, around.first_slot = wrapper.first_number, wrapper.first_slot
            around.array = group.own_arrays if wrapper.n_slots > 0 else -1
            group.own_slots += wrapper.n_slots
            group.own_arrays += wrapper.n_slots > 0
        return 0

    cdef int fill_sites(self, int64_t op, object described) except -1:
        """What does not change from call to call of an op, of the loss, the optimizer or a transform, for every thread."""
        cdef nnc_program *program = &self.program
        cdef nnc_site site
        cdef nnc_site *to
        cdef int32_t part
        cdef int64_t room = 0
        cdef char *rooms = NULL
        memset(&site, 0, sizeof(nnc_site))
        site.struct_size, site.host, site.seed = sizeof(nnc_site), host, program.seed
        if op == NNC_IS_OPTIMIZER:
            rooms, room = <char *>address(self.spec.optimizer_work), self.spec.optimizer_work.shape[1] * self.spec.dtype.itemsize
        elif op == NNC_IS_LOSS:
            site.hyper = <const double *>address(self.spec.loss_hyper)
        elif op >= program.n_ops:
            site.hyper, site.layer = <const double *>address(described.hyper), described.layer
        else:
            site.hyper = <const double *>address(described.hyper)
            site.numbers, site.n_numbers = <const int64_t *>address(described.numbers), len(described.numbers)
            site.input_shape, site.n_input_dims = <const int64_t *>address(described.input_shape), len(described.input_shape)
            site.output_shape, site.n_output_dims = <const int64_t *>address(described.output_shape), len(described.output_shape)
            site.layer = described.layer
            rooms, room = <char *>program.ops[op].rooms, described.plan.work * self.spec.dtype.itemsize
        for part in range(program.max_parts):
            to = &program.sites[part * program.n_sites + NNC_SITE(op)]
            to[0] = site
            to.part, to.message = part, program.notes[part].message
            to.work = rooms + part * room if room > 0 else NULL
        return 0

    cdef int fill_rules(self) except -1:
        """Regularizers and constraints, with their tables and pieces."""
        cdef nnc_program *program = &self.program
        cdef nnc_rule *rule
        spec = self.spec
        for i, described in enumerate(spec.rules):
            rule, tensor, needed = &self.rules[i], described.tensor, described.needed(spec.dtype)
            rule.rows, rule.columns, rule.group = tensor.rows, tensor.columns, described.group
            if described.capsule is not None and described.kind == "regularizer":
                load_table(described.capsule, "regularizer", described.who, needed, &self.regularizer_tables[i], sizeof(nnc_regularizer))
                rule.regularizer = &self.regularizer_tables[i]
            elif described.capsule is not None:
                load_table(described.capsule, "constraint", described.who, needed, &self.constraint_tables[i], sizeof(nnc_constraint))
                rule.constraint = &self.constraint_tables[i]
            self.fill_sites(program.n_ops + len(spec.transforms) + i, described)
        program.rules = self.rules
        self.fill_rounds(&program.regularizers, spec.regularizers, self.pieces)
        self.fill_rounds(&program.constraints, spec.constraints, self.pieces + program.regularizers.n_pieces)
        return 0

    cdef int fill_rounds(self, nnc_rounds *rounds, object described, nnc_piece *pieces) except -1:
        """The pieces of one kind of rules."""
        for i, (number, first_row, n_rows, first_column, n_columns, place, stride) in enumerate(described.pieces):
            pieces[i] = nnc_piece(number, first_row, n_rows, first_column, n_columns, place, stride)
        rounds.pieces, rounds.n_pieces = pieces, len(described.pieces)
        rounds.ends, rounds.n_rounds = <const int64_t *>address(described.ends), len(described.ends)
        return 0

    def __dealloc__(self):
        free(self.program.ops)
        free(self.program.tasks)
        free(self.program.sites)
        free(self.program.notes)
        free(self.layers)
        free(self.activations)
        free(self.places)
        free(self.branches)
        free(self.tensors)
        free(self.stretches)
        free(self.transformers)
        free(self.transforms)
        free(self.ties)
        free(self.groups)
        free(self.rules)
        free(self.regularizer_tables)
        free(self.constraint_tables)
        free(self.pieces)
        free(self.undo)
        free(self.around)
        free(self.states)

    @property
    def step(self):
        """Updates done so far."""
        return self.program.step

    @step.setter
    def step(self, int64_t value):
        self.program.step = value

    @property
    def number_of_pass(self):
        """Of the forward passes between two steps, which one is under way, from 0: each draws random numbers of its own."""
        return self.program.number_of_pass

    @number_of_pass.setter
    def number_of_pass(self, int64_t value):
        self.program.number_of_pass = value

    cdef int check_entry(self) except -1:
        """A component that asks the network it is part of would wait for itself."""
        if self.python_thread != 0 and self.python_thread == PyThread_get_thread_ident():
            raise RuntimeError("a layer, activation, loss or optimizer has called the network that is running it")
        return 0

    cdef int refresh(self) except -1:
        """Takes over what has changed since the last run, under the lock and the GIL: before a step, never in one."""
        if self.version[0] == self.seen:
            return 0
        cdef int64_t version = self.version[0]
        cdef nnc_program *program = &self.program
        spec = self.spec
        spec.refresh()
        has_penalty = spec.has_penalty
        program.decays = <const double *>address(spec.decays) if has_penalty else NULL
        program.clip_norm, program.clip_value, program.seed = spec.clip_norm, spec.clip_value, spec.seed
        program.tiles = address(spec.tiles) if spec.uses_up_gradients else NULL
        cdef int64_t k
        for k in range(program.max_parts * program.n_sites):
            program.sites[k].seed = spec.seed
        self.seen, self.safe_until = version, -1
        return 0

    cdef int gate(self, list courses, int64_t n_steps) except -1:
        """Finds out, for so many steps and many more, how large gradients may be before the optimizers' steps have to be looked at."""
        cdef nnc_program *program = &self.program
        cdef double factor
        if program.is_careful or program.n_groups == 0:
            return 0
        factor = self.spec.rate_factor(courses) if courses else 1
        if self.version[1] == self.shown and factor <= self.rate_factor and n_steps <= self.safe_until - program.step:
            return 0
        n_steps = min(n_steps, 1 << 40) + AHEAD
        program.safe_gradient = self.spec.safe_gradient(factor, n_steps)
        self.shown, self.rate_factor, self.safe_until = self.version[1], factor, program.step + n_steps
        return 0

    cdef int finish(self, int32_t status) except -1:
        """Turns a status into an exception."""
        if status == NNC_OK:
            return 0
        if status == NNC_PYTHON_RAISED:
            error, self.exception = self.exception, None
            raise error
        if status == NNC_NO_MEMORY:
            raise OutOfMemoryError(
                f"a prediction needs {self.program.room_bytes / 2**20:.0f} MiB for what lies between the layers, and the system "
                "has no more to give: free some memory, or make the layers narrower"
            )
        cdef int32_t part
        for part in range(self.program.max_parts):
            if self.program.notes[part].op == self.program.failed_op:
                raise Failure(status, self.program.failed_op, self.program.notes[part].status, said(self.program.notes[part].message))
        raise Failure(status, self.program.failed_op)

    def forward(self, x, bint training, int32_t n_threads=1):
        """Run forward on `x` (n_rows, n_inputs); n_rows is at most max_rows."""
        cdef const void *data = given(x, self.dtype, self.program.n_inputs, False, "x")
        cdef int64_t n_rows = len(x)
        cdef int32_t status
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            with nogil:
                status = runner.forward(&self.program, data, n_rows, training, n_threads)
        finally:
            self.turn.leave()
        self.finish(status)

    @property
    def use_labels(self):
        """Whether the loss compares with the labels buffer or with the target buffer."""
        return bool(self.program.use_labels)

    @use_labels.setter
    def use_labels(self, bint value):
        self.program.use_labels = value

    def loss_value(self, int64_t n_rows, bint with_gradient, int32_t n_threads=1):
        """Loss of the last forward against the labels or target buffer, averaged by the weight buffer."""
        cdef double value = 0
        cdef int32_t status
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            with nogil:
                status = runner.loss_value(&self.program, n_rows, with_gradient, &value, n_threads)
        finally:
            self.turn.leave()
        self.finish(status)
        return value

    def backward(self, x, int32_t n_threads=1):
        """Fill the gradients, from the `x` of the last forward and its loss; return the value of the penalty and the regularizers."""
        cdef const void *data = given(x, self.dtype, self.program.n_inputs, False, "x")
        cdef int64_t n_rows = len(x)
        cdef double value = 0
        cdef int32_t status
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            with nogil:
                status = runner.backward(&self.program, data, n_rows, &value, n_threads)
        finally:
            self.turn.leave()
        self.finish(status)
        return value

    def update(self, int32_t n_threads=1):
        """Let the optimizer take one step."""
        cdef int32_t status
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            self.gate([], 1)
            with nogil:
                status = runner.update(&self.program, n_threads)
        finally:
            self.turn.leave()
        self.finish(status)

    cdef nnc_samples samples(self, inputs, targets, labels, weights, order):
        for name, part in (("targets", targets), ("labels", labels), ("weights", weights)):
            if part is not None and len(part) != len(inputs):
                raise ShapeError(f"{name} has {len(part)} rows, inputs have {len(inputs)}")
        return nnc_samples(
            given(inputs, self.dtype, self.program.n_inputs, False, "inputs"),
            given(targets, self.dtype, self.program.n_targets, False, "targets"),
            <const int64_t *>given(labels, _INT64, 1, False, "labels"),
            <const double *>given(weights, _FLOAT64, 1, False, "weights"),
            <const int64_t *>given(order, _INT64, 1, False, "order"),
            len(inputs) if order is None else len(order), NULL, 0,
        )

    cdef void *room(self, object outputs, const void *inputs, int64_t n_rows) except? NULL:
        """Where outputs for `n_rows` rows of inputs are to go; None is nowhere."""
        cdef char *place = <char *>given(outputs, self.dtype, self.program.n_outputs, True, "outputs")
        cdef const char *source = <const char *>inputs
        cdef int64_t size = 8 if self.program.is_f64 else 4
        if place != NULL:
            if len(outputs) != n_rows:
                raise ShapeError(f"outputs has {len(outputs)} rows, inputs have {n_rows}")
            if place < source + n_rows * self.program.n_inputs * size and source < place + n_rows * self.program.n_outputs * size:
                raise DataError("outputs lie where inputs are read: pass another array")
        return place

    def begin_train(self, inputs, targets, labels, weights, order, list courses, int64_t batch_size, int64_t accumulate, bint drop_last,
                    double seconds, progress, int32_t n_threads=1):
        """Take the turn and everything that `train` needs, so that any thread can do the rest without Python, and `Run.end` after it."""
        cdef Run run = Run.__new__(Run, self, (inputs, targets, labels, weights, order), progress)
        cdef nnc_run *asked = &run.run
        asked.trains = True
        asked.samples = self.samples(inputs, targets, labels, weights, order)
        asked.batch_size, asked.accumulate, asked.drop_last = batch_size, accumulate, drop_last
        asked.seconds, asked.n_threads = seconds, n_threads
        if batch_size < 1 or accumulate < 1 or min(batch_size, asked.samples.n_samples) > self.program.max_rows:
            raise ValueError(f"batches of {batch_size} samples do not fit {self.program.max_rows} rows")
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            self.gate(courses, asked.samples.n_samples)  # a step takes a sample at least
            if courses:
                run.begin_courses(courses)
        except BaseException:
            run.end_courses()
            self.turn.leave()
            raise
        return run

    def train(self, inputs, targets, labels, weights, order, list courses, int64_t batch_size, int64_t accumulate, bint drop_last,
              double seconds, progress, int32_t n_threads=1):
        """Train on the samples from ``progress[0]`` on, for about `seconds`; `accumulate` batches make a step.

        `courses` are the numbers that change from step to step (`nncore.program.Course`), with a factor for each step of all samples.
        `progress` is a list ``[samples done, weighted loss sum, weight sum]``, brought up to date also if the run fails.
        """
        cdef Run run = self.begin_train(
            inputs, targets, labels, weights, order, courses, batch_size, accumulate, drop_last, seconds, progress, n_threads
        )
        with nogil:
            do_run(&run.run.job, NULL)
        run.end()

    def begin_evaluate(self, inputs, targets, labels, weights, outputs, double seconds, progress, int32_t n_threads=1):
        """As `begin_train`, for `evaluate`."""
        cdef Run run = Run.__new__(Run, self, (inputs, targets, labels, weights, outputs), progress)
        cdef nnc_run *asked = &run.run
        asked.samples = self.samples(inputs, targets, labels, weights, None)
        asked.outputs = self.room(outputs, asked.samples.inputs, len(inputs))
        asked.seconds, asked.n_threads = seconds, n_threads
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
        except BaseException:
            self.turn.leave()
            raise
        return run

    def evaluate(self, inputs, targets, labels, weights, outputs, double seconds, progress, int32_t n_threads=1):
        """Sum the loss over the samples from ``progress[0]`` on, without training; `progress` as in `train`.

        `outputs` (n_samples, n_outputs) receives the network's outputs; None is nowhere.
        """
        cdef Run run = self.begin_evaluate(inputs, targets, labels, weights, outputs, seconds, progress, n_threads)
        with nogil:
            do_run(&run.run.job, NULL)
        run.end()

    def predict(self, inputs, outputs, int32_t n_threads=1, int64_t n_at_once=0):
        """Write outputs (n_rows, n_outputs) for inputs (n_rows, n_inputs).

        Python looks for signals after every `n_at_once` rows; 0 is once, at the end.
        """
        cdef const char *source = <const char *>given(inputs, self.dtype, self.program.n_inputs, False, "inputs")
        cdef int64_t n_rows = len(inputs), first = 0, rows
        cdef char *destination = <char *>self.room(outputs, source, n_rows)
        cdef int64_t size = 8 if self.program.is_f64 else 4
        cdef int32_t status = NNC_OK
        self.check_entry()
        self.turn.enter()
        try:
            self.refresh()
            while first < n_rows and status == NNC_OK:
                rows = n_rows - first if n_at_once == 0 else min(n_at_once, n_rows - first)
                with nogil:
                    status = runner.predict(&self.program, source + first * self.program.n_inputs * size, rows,
                                            destination + first * self.program.n_outputs * size, n_threads)
                first += rows
                PyErr_CheckSignals()
        finally:
            self.turn.leave()
        self.finish(status)

    def predict_one(self, x):
        """Outputs for one sample, or None if `x` is anything but an ndarray (n_inputs,) of the program's dtype that it
        accepts, or its outputs call for a closer look.

        What `predict` does for one row, without what that costs in Python.
        """
        cdef Py_buffer view
        cdef int32_t status = NNC_OK
        cdef void *destination
        if type(x) is not ndarray:
            return None
        PyObject_GetBuffer(x, &view, PyBUF_STRIDES | PyBUF_FORMAT)
        try:
            if not (view.ndim == 1 and view.shape[0] == self.program.n_inputs and view.strides[0] == view.itemsize
                    and <size_t>view.buf % <size_t>view.itemsize == 0
                    and view.format[0] == (c'd' if self.program.is_f64 else c'f') and view.format[1] == 0):
                return None
            output = empty(self.output_shape, self.dtype)
            destination = address(output)
            self.check_entry()
            self.turn.enter()
            try:
                self.refresh()
                with nogil:
                    status = runner.predict(&self.program, view.buf, 1, destination, 1)
            finally:
                self.turn.leave()
        finally:
            PyBuffer_Release(&view)
        if status == NNC_INPUT_NOT_FINITE:
            return None
        self.finish(status)
        if self.program.accepts_nan and not all_finite(output):  # is NaN the reason?
            return None
        return output


cdef struct nnc_run:
    nnc_job job  # first, so that the job is the run
    nnc_program *program
    bint trains  # else it evaluates
    nnc_samples samples
    nnc_progress sums
    void *outputs
    int64_t batch_size, accumulate
    int32_t drop_last, n_threads, status
    double seconds


cdef void do_run(nnc_job *job, nnc_stop stop) noexcept nogil:
    """The work of a run, in any thread."""
    cdef nnc_run *run = <nnc_run *>job
    run.program.stop = stop
    if run.trains:
        run.status = runner.train(run.program, &run.samples, run.batch_size, run.accumulate, run.drop_last, run.seconds, &run.sums,
                                  run.n_threads)
    else:
        run.status = runner.evaluate(run.program, &run.samples, run.outputs, run.seconds, &run.sums, run.n_threads)


cdef class Run(Job):
    """A call of a program that has begun: the turn is taken. A crew, or the program itself, does the work, and then `end` is called."""

    cdef nnc_run run
    cdef Program program
    cdef tuple arrays  # in use
    cdef list progress
    cdef list courses  # or None
    cdef nnc_course *moved
    cdef dict own  # what is made for the members of the run that move numbers, by op
    cdef bint is_over

    def __cinit__(self, Program program, tuple arrays, list progress):
        self.program, self.arrays, self.progress = program, arrays, progress
        self.run.program = &program.program
        self.run.sums = nnc_progress(progress[0], progress[1], progress[2])
        self.run.job.work = do_run
        self.job = &self.run.job

    def __dealloc__(self):
        free(self.moved)

    cdef int begin_courses(self, list courses) except -1:
        """Lets numbers move."""
        self.moved = <nnc_course *>calloc(len(courses), sizeof(nnc_course))
        if self.moved == NULL:
            raise MemoryError
        self.courses, self.own = courses, {}
        self.program.interpreter.follow(courses)
        for i, course in enumerate(courses):
            self.moved[i].place = self.place_of(course, &self.moved[i].stride)
            self.moved[i].base, self.moved[i].factors = self.moved[i].place[0], <const double *>address(course.factors)
        self.run.samples.courses, self.run.samples.n_courses = self.moved, len(courses)
        return 0

    cdef double *place_of(self, object course, int64_t *stride) except NULL:
        """Where a course writes its number."""
        cdef nnc_program *program = self.run.program
        cdef int64_t n, op
        cdef int32_t part
        cdef double *numbers
        stride[0] = 0
        if course.limit == "clip_norm":
            return &program.clip_norm
        if course.limit == "clip_value":
            return &program.clip_value
        numbers = <double *>address(course.numbers)
        if course.op is None:
            return numbers + <int64_t>course.index
        op, n = course.op, (len(course.numbers) + 7) // 8 * 8  # members that write do not share cache lines
        stride[0] = n
        if op not in self.own:
            self.own[op] = np.zeros((program.max_parts, n))
            self.own[op][:, : len(course.numbers)] = course.numbers
            for part in range(program.max_parts):
                program.sites[part * program.n_sites + NNC_SITE(op)].hyper = <const double *>address(self.own[op][part])
        return <double *>address(self.own[op]) + <int64_t>course.index

    cdef int end_courses(self) except -1:
        """Lets every number be again what it is without a schedule."""
        cdef nnc_program *program = self.run.program
        cdef nnc_course *moved = self.moved
        cdef int64_t op
        cdef int32_t part
        cdef Py_ssize_t i
        if self.courses is None:
            return 0
        for i in range(len(self.courses)):
            if moved[i].place == NULL:
                continue
            if moved[i].stride == 0:
                moved[i].place[0] = moved[i].base
            else:
                op = self.courses[i].op
                for part in range(program.max_parts):
                    program.sites[part * program.n_sites + NNC_SITE(op)].hyper = <const double *>address(self.courses[i].numbers)
        self.courses = self.own = None
        self.program.interpreter.settle()
        return 0

    @property
    def runs_python(self):
        """Whether a component without a kernel takes part, so that only the thread that began it may do the work."""
        return self.program.runs_python

    @property
    def seconds(self):
        """How long a crew has worked on it."""
        return self.run.job.seconds

    def end(self):
        """By the thread that began it: leave the turn, bring `progress` up to date, and raise what stopped the run. Once is enough."""
        if self.is_over:
            return
        self.is_over = True
        try:
            self.end_courses()
        finally:
            self.program.turn.leave()
        cdef nnc_progress *sums = &self.run.sums
        self.progress[:] = [sums.n_done, sums.loss_sum, sums.weight_sum]
        self.program.finish(self.run.status)


def permutation(int64_t n, uint64_t seed, uint64_t epoch) -> ndarray:
    """The numbers 0 to n - 1 (below 2**32 - 1) shuffled, an int64 array of shape (n,); `seed` and `epoch` decide how."""
    order = empty(n, np.int64)
    cdef int64_t *data = <int64_t *>address(order)
    with nogil:
        runner.permute(data, n, seed, epoch)
    return order


def ready_rows(data, tuple shape, dtype, allow_nan=None):
    """`data` as it is, if it is an ndarray (n_rows, *shape) of `dtype` that C can read where it lies, and has a row; else None.

    With `allow_nan`, True or False, its numbers must also be finite, or NaN if that is allowed.
    """
    cdef Py_buffer view
    cdef Py_ssize_t i
    cdef int64_t n
    cdef bint is_ready, may_be_nan
    if type(data) is not ndarray:
        return None
    own = data.dtype
    if own is not dtype and own != dtype:
        return None
    PyObject_GetBuffer(data, &view, PyBUF_STRIDES)
    try:
        is_ready = view.ndim == len(shape) + 1 and view.len > 0 and <size_t>view.buf % <size_t>view.itemsize == 0
        for i in range(len(shape)):
            is_ready = is_ready and view.shape[i + 1] == shape[i]
        is_ready = is_ready and PyBuffer_IsContiguous(&view, c'C')
        if is_ready and allow_nan is not None:
            n, may_be_nan = view.len // view.itemsize, allow_nan
            with nogil:
                if view.itemsize == 8:
                    is_ready = runner.all_finite_f64(<const double *>view.buf, n, may_be_nan)
                else:
                    is_ready = runner.all_finite_f32(<const float *>view.buf, n, may_be_nan)
    finally:
        PyBuffer_Release(&view)
    return data if is_ready else None


def ready_labels(y, int64_t n_labels):
    """A copy of `y`, if it is an ndarray (n,) of int64 from 0 to ``n_labels - 1``; else None.

    The core trusts that labels stay in range, so nobody else may write to them.
    """
    cdef Py_buffer view
    cdef Py_ssize_t i
    cdef int64_t label
    cdef bint is_ready
    cdef int64_t *to
    if type(y) is not ndarray:
        return None
    own = y.dtype
    if own is not _INT64 and own != _INT64:
        return None
    PyObject_GetBuffer(y, &view, PyBUF_STRIDES)
    try:
        is_ready = view.ndim == 1
        if is_ready:
            labels = empty(view.shape[0], _INT64)
            to = <int64_t *>address(labels)
            for i in range(view.shape[0]):
                memcpy(&label, <const char *>view.buf + i * view.strides[0], sizeof(int64_t))
                is_ready = is_ready and 0 <= label < n_labels
                to[i] = label
    finally:
        PyBuffer_Release(&view)
    return labels if is_ready else None


def are_rows(order, int64_t n_rows) -> bool:
    """Whether every number of an int64 array is that of one of so many rows, from 0 on."""
    cdef const int64_t *data = <const int64_t *>given(order, _INT64, 1, False, "order")
    cdef int64_t i, lowest = 0, highest = -1, n = len(order)
    with nogil:
        for i in range(n):
            lowest, highest = min(lowest, data[i]), max(highest, data[i])
    return lowest >= 0 and highest < n_rows


def all_finite(values, bint allow_nan=False) -> bool:
    """Whether every number of a contiguous float32 or float64 array is finite, or NaN if that is allowed; allocates nothing."""
    cdef bint is_f64 = values.dtype == np.float64
    cdef const void *data = given(values.reshape(-1), _FLOAT64 if is_f64 else _FLOAT32, 1, False, "values")
    cdef int64_t n = values.size
    cdef int32_t finite
    with nogil:
        if is_f64:
            finite = runner.all_finite_f64(<const double *>data, n, allow_nan)
        else:
            finite = runner.all_finite_f32(<const float *>data, n, allow_nan)
    return bool(finite)
