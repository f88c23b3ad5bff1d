"""`Compiled`: a network in the form that C runs, built from the specification of a program. This file also checks arrays and tables from
outside."""

import functools

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from nncore.abi cimport (
    NNC_ABI_MAJOR, NNC_MESSAGE_BYTES, nnc_activation, nnc_constraint, nnc_head, nnc_layer, nnc_layer_call, nnc_loss_call, nnc_optimizer,
    nnc_regularizer, nnc_sparse_rows, nnc_tensor, nnc_transform, nnc_transform_call,
)
from nncore._core.gil cimport give_gil_away, take_gil_back
from nncore._core.runner cimport (
    NNC_OP_LAYER, NNC_OP_ACTIVATION, NNC_OP_PYTHON, NNC_OP_SUM, NNC_OP_CONCAT, NNC_OP_FORK, NNC_IS_LOSS, NNC_IS_OPTIMIZER, NNC_ON_RANGES,
    NNC_ON_TENSORS, NNC_IN_PYTHON, NNC_SITE, nnc_note, nnc_op, nnc_samples, nnc_sparse, nnc_task,
)

import numpy as np
from numpy import ndarray

from nncore._core import native
from nncore.errors import DataError, DtypeError, PluginError, ShapeError


cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() nogil


#: The runner at the CPU level that was chosen when `native` was imported.
cdef const nnc_runner *runner = <const nnc_runner *>PyCapsule_GetPointer(native.runner, "nncore._core.runner")

#: The host's services for components, at the same level.
cdef const nnc_host *host = <const nnc_host *>PyCapsule_GetPointer(native.host, "nncore.host")

_FLOAT64, _INT32, _INT64 = np.dtype(np.float64), np.dtype(np.int32), np.dtype(np.int64)
_ROLES = {"weight": 0, "bias": 1, "scale": 2}
_KINDS = {
    "layer": NNC_OP_LAYER, "activation": NNC_OP_ACTIVATION, "python": NNC_OP_PYTHON, "sum": NNC_OP_SUM, "concat": NNC_OP_CONCAT,
    "fork": NNC_OP_FORK,
}


cdef void *address(object array) except? NULL:
    """Where a C-contiguous array's numbers begin; NULL for None. The caller keeps the array alive."""
    cdef Py_buffer view
    if array is None:
        return NULL
    PyObject_GetBuffer(array, &view, PyBUF_C_CONTIGUOUS)
    PyBuffer_Release(&view)
    return view.buf


cdef void *given(object array, object dtype, Py_ssize_t columns, bint is_written, str name) except? NULL:
    """Where the numbers of an array from outside begin, after a check that C can use them; NULL for None.

    `columns` is the size of a row, and 1 for a vector.
    """
    cdef Py_buffer view
    if array is None:
        return NULL
    if not isinstance(array, ndarray) or array.dtype != dtype:
        raise DtypeError(f"{name} must be an ndarray of {dtype}, got {getattr(array, 'dtype', type(array))}")
    try:
        PyObject_GetBuffer(array, &view, PyBUF_C_CONTIGUOUS | (PyBUF_WRITABLE if is_written else 0))
    except (ValueError, BufferError) as error:  # NumPy's errors for arrays with gaps, and for read-only ones
        raise DataError(f"{name} is {'written to' if is_written else 'read'} where it lies: {error}; pass a C-contiguous copy") from None
    PyBuffer_Release(&view)
    if <size_t>view.buf % <size_t>view.itemsize != 0:
        raise DataError(f"{name} does not begin at a multiple of {view.itemsize} bytes, the size of its numbers: pass a copy")
    if view.len != len(array) * columns * view.itemsize:
        raise ShapeError(f"{name} has shape {array.shape}, rows of {columns} are needed")
    return view.buf


cdef int load_table(object capsule, str kind, object who, object needed, void *table, size_t size) except -1:
    """Checks that the table of a capsule has the functions that the program calls, and copies it. Fields that it does not have stay zero.

    `who` is a function that returns the component's name for messages.
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
    """The text of a message buffer of NNC_MESSAGE_BYTES, safe to print. It may lack the final zero."""
    text = message[:NNC_MESSAGE_BYTES].partition(b"\0")[0].decode("utf-8", "ignore")
    return "".join(character if character.isprintable() else " " for character in text).strip()


cdef int32_t run_python(void *context, int32_t what, int64_t op, int64_t n_rows) noexcept with gil:
    """Runs a component without a kernel, in Python. Keeps an exception for the caller of the run."""
    program = <Compiled>context
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


_NONE = np.empty(0, np.int64)


cdef class SparseRows:
    """Rows of a sparse matrix, which a program reads in place.

    From now on only `values` may be written to: the core trusts the other arrays.

    Parameters
    ----------
    begins, ends : ndarray of int64, shape (n_rows,)
        Where the numbers of each row begin and end in `columns` and `values`.
    columns : ndarray of int32
        The column of each number, in ascending order within a row.
    values : ndarray of float32 or float64
        The numbers, all of them finite.
    n_columns : int

    Raises
    ------
    DataError
        If rows are not within the arrays, or columns are out of range or not in ascending order.
    """

    def __cinit__(self, begins, ends, columns, values, int64_t n_columns):
        self.take(begins, ends, columns, values, n_columns)
        cdef const int64_t *begin = self.rows.begins
        cdef const int64_t *end = self.rows.ends
        cdef const int32_t *column = self.rows.columns
        cdef int64_t i, k, n = len(begins), n_numbers = len(columns)
        cdef bint is_sound = len(ends) == n and len(values) == n_numbers
        if is_sound:
            given_away = give_gil_away(n_numbers * 1e-9, 1)
            for i in range(n):
                is_sound = is_sound and 0 <= begin[i] <= end[i] <= n_numbers
                if is_sound and begin[i] < end[i]:
                    is_sound = column[begin[i]] >= 0 and column[end[i] - 1] < n_columns
                    for k in range(begin[i] + 1, end[i]):
                        is_sound = is_sound and column[k - 1] < column[k]
            take_gil_back(given_away)
        if not is_sound:
            raise DataError("these are no sparse rows: begins, ends and columns do not fit together")

    cdef int take(self, begins, ends, columns, values, int64_t n_columns) except -1:
        """Takes arrays, after a check of their dtypes."""
        cdef nnc_sparse_rows *rows = &self.rows
        self.begins, self.ends, self.columns, self.values, self.n_columns = begins, ends, columns, values, n_columns
        rows.struct_size = sizeof(nnc_sparse_rows)
        rows.begins = <const int64_t *>given(begins, _INT64, 1, False, "begins")
        rows.ends = <const int64_t *>given(ends, _INT64, 1, False, "ends")
        rows.columns = <const int32_t *>given(columns, _INT32, 1, False, "columns")
        rows.values = given(values, values.dtype, 1, False, "values")
        return 0

    def __len__(self):
        return len(self.begins)

    def __getitem__(self, chosen):
        """Some of the rows, by a slice or an array of indices. Columns and values are not copied."""
        cdef SparseRows some = SparseRows.__new__(SparseRows, _NONE, _NONE, self.columns[:0], self.values[:0], self.n_columns)
        begins, ends = (np.ascontiguousarray(places[chosen]) for places in (self.begins, self.ends))
        some.take(begins, ends, self.columns, self.values, self.n_columns)
        return some

    def in_dtype(self, values):
        """The same rows with other `values`, of the same length."""
        cdef SparseRows other = SparseRows.__new__(SparseRows, _NONE, _NONE, self.columns[:0], self.values[:0], self.n_columns)
        if len(values) != len(self.values):
            raise ShapeError(f"{len(self.values)} numbers, {len(values)} in their place")
        other.take(self.begins, self.ends, self.columns, values, self.n_columns)
        return other


cdef class Compiled:
    """What `Program` runs. It uses all arrays of the specification in place; they must not be resized.

    Parameters
    ----------
    spec : nncore.program.specification.ProgramSpec
    """

    def __cinit__(self, spec):
        self.spec = spec
        self.interpreter = spec.interpreter
        self.output_shape, self.dtype = spec.output_shape, spec.dtype
        self.row_seconds, self.update_seconds = spec.forward_seconds(1), spec.step_seconds(0)
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
        self.sparse = <nnc_sparse *>calloc(max(sum(len(tensors) for tensors in spec.sparse), 1), sizeof(nnc_sparse))
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
                or self.sparse == NULL or program.sites == NULL or program.notes == NULL \
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
                if described.inner is not None:
                    needed = described.inner.needed(spec.dtype, has_way_back)
                    load_table(
                        described.inner.capsule, "activation", described.inner.who, needed, &self.activations[i], sizeof(nnc_activation)
                    )
                    op.call.activation = &self.activations[i]
            elif op.kind == NNC_OP_ACTIVATION:
                needed = described.needed(spec.dtype, has_way_back)
                load_table(described.capsule, "activation", described.who, needed, &self.activations[i], sizeof(nnc_activation))
                op.activation = &self.activations[i]
                op.rows_per_sample = described.rows_per_sample
                op.leaves_slope = described.may_leave_slope and described.runs_backward and (
                    op.activation.forward_with_slope_f64 != NULL if program.is_f64 else op.activation.forward_with_slope_f32 != NULL
                )
            elif op.kind == NNC_OP_PYTHON and described.x is None:
                program.python_reads_input = True
            op.n_together = described.n_together
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
            op.spreads_nan = described.kind == "layer" and described.plan.spreads_nan
            op.cache_per_row = described.plan.cache_per_row
            op.work, op.work_per_row = described.plan.work, described.plan.work_per_row
            op.rooms = address(described.work)
            op.block_rows, op.sums = described.block_rows, address(described.sums)
            op.batch_sums.own, op.n_batch_sums = <double *>address(described.batch_sums), described.plan.batch_sums
            self.fill_sites(i, described)
        program.n_inputs, program.n_outputs, program.n_targets = spec.n_inputs, spec.n_outputs, spec.n_targets
        program.max_rows, program.slice_rows = spec.max_rows, spec.slice_rows
        program.accepts_nan = spec.accepts_nan
        program.is_sparse = spec.places is not None
        if program.is_sparse:
            program.begins = <int64_t *>address(spec.places[0])
            program.ends = <int64_t *>address(spec.places[1])
            program.sorts_inputs = any(op.reads_sparse and op.is_trained for op in spec.ops)
        program.input = address(spec.input)
        program.output = address(spec.output)
        program.d_output = address(spec.d_output)
        program.target = address(spec.target)
        program.labels = <int64_t *>address(spec.labels)
        program.weight = address(spec.weight)
        program.losses = address(spec.losses)
        program.n_members, program.n_together = spec.n_members, spec.n_together
        if spec.one_member is not None:
            program.member_output, program.member_d_output = address(spec.one_member.output), address(spec.one_member.d_output)
            program.member_losses = address(spec.one_member.losses)
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
        self.fill_sparse()
        for i, tie in enumerate(spec.ties):
            self.ties[i] = nnc_tie(
                tie.op, tie.place, tie.offset, tie.rows, tie.columns, tie.transposed, tie.is_copied, tie.adds, tie.is_trained
            )
        program.ties, program.n_ties = self.ties, len(spec.ties)
        program.optimizer_hyper = <double *>address(spec.optimizer_hyper)
        program.n_hyper = spec.optimizer_hyper.shape[1]
        program.block_sums = <double *>address(spec.block_sums)
        program.accumulated = address(spec.accumulated)
        program.shadow, program.average_rest = address(spec.shadow), address(spec.average_rest)
        program.average_decay, program.average_begin = spec.average.decay, spec.average.begin
        program.tile_size = 0 if spec.tiles is None else spec.tiles.shape[1]
        if spec.touched is not None:
            program.touched, program.touched_size = <uint64_t *>address(spec.touched), spec.touched.shape[1]
            program.touched_words = spec.touched_words
        program.n_shards, program.waiting, program.piece_size = spec.shards.n, address(spec.shards.waiting), spec.shards.piece_size
        program.waiting_size = 0 if spec.shards.waiting is None else spec.shards.waiting.shape[1]
        program.rounds = spec.rounds
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
        """Fills in the transforms of a batch, which come before the first op."""
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
        """Fills in the parameter groups: their tensors, their optimizers, and where these keep their state."""
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
            group.is_lazy, group.skips_zero = grouping.groups[i].lazy, spec.skips_zero[i]
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

    cdef int fill_sparse(self) except -1:
        """Fills in the tensors of which a batch touches few rows."""
        cdef nnc_sparse *sparse = self.sparse
        for i, tensors in enumerate(self.spec.sparse):
            self.program.ops[i].sparse, self.program.ops[i].n_sparse = sparse, len(tensors)
            for tensor, span, group, place in tensors:
                sparse[0] = nnc_sparse(tensor, span.offset, span.rows, span.columns, group, NULL)
                if self.spec.optimizers and group >= 0 and len(self.spec.state[group].slots) > 0:
                    sparse.state = address(self.spec.state[group].slots[0, place:])
                sparse += 1
        return 0

    cdef int fill_around(self, nnc_group *group, int64_t first, object wrappers) except -1:
        """Fills in the optimizer wrappers of a group."""
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
        """Fills in the sites of an op, of the loss, the optimizer, a transform or a rule, for every thread: what does not change from call
        to call."""
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
        """Fills in regularizers and constraints, with their tables and pieces."""
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
        """Fills in the pieces of one kind of rule, and their rounds."""
        for i, (number, first_row, n_rows, first_column, n_columns, place, stride) in enumerate(described.pieces):
            pieces[i] = nnc_piece(number, first_row, n_rows, first_column, n_columns, place, stride)
        rounds.pieces, rounds.n_pieces = pieces, len(described.pieces)
        rounds.ends, rounds.n_rounds = <const int64_t *>address(described.ends), len(described.ends)
        return 0

    def __dealloc__(self):
        free(self.program.sorted)
        free(self.program.ops)
        free(self.program.tasks)
        free(self.program.sites)
        free(self.program.notes)
        free(self.layers)
        free(self.activations)
        free(self.places)
        free(self.sparse)
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

    cdef int refresh(self) except -1:
        """Takes over settings that have changed since the last run.

        The caller holds the lock and the GIL: so it happens before a step, never in one.
        """
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

    cdef const void *given_inputs(self, inputs, str name) except? NULL:
        """Inputs from outside, as C reads them."""
        cdef SparseRows rows
        if not self.program.is_sparse:
            return given(inputs, self.dtype, self.program.n_inputs, False, name)
        if not isinstance(inputs, SparseRows):
            raise DtypeError(f"{name} must be sparse, as this program was compiled for, got {type(inputs)}")
        rows = inputs
        if rows.n_columns != self.program.n_inputs or rows.values.dtype != self.dtype:
            found = f"{rows.n_columns} columns of {rows.values.dtype}"
            raise ShapeError(f"{name} has {found}, {self.program.n_inputs} of {self.dtype} are needed")
        return &rows.rows

    cdef nnc_samples samples(self, inputs, targets, labels, weights, order):
        """Data from outside, as C reads it."""
        for name, part in (("targets", targets), ("labels", labels), ("weights", weights)):
            if part is not None and len(part) != len(inputs):
                raise ShapeError(f"{name} has {len(part)} rows, inputs have {len(inputs)}")
        return nnc_samples(
            self.given_inputs(inputs, "inputs"),
            given(targets, self.dtype, self.program.n_targets, False, "targets"),
            <const int64_t *>given(labels, _INT64, 1, False, "labels"),
            <const double *>given(weights, _FLOAT64, 1, False, "weights"),
            <const int64_t *>given(order, _INT64, 1, False, "order"),
            len(inputs) if order is None else len(order), NULL, 0,
        )
