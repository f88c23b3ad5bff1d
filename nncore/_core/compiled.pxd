# Declarations of compiled.pyx for other modules of the core. `runner` and `host` are at the CPU level that was chosen when `native` was
# imported: the functions of the runner, and the host's services for components.

from libc.stdint cimport int64_t, uint8_t

from nncore.abi cimport (
    nnc_activation, nnc_constraint, nnc_host, nnc_layer, nnc_loss, nnc_optimizer, nnc_regularizer, nnc_site, nnc_sparse_rows, nnc_tensor,
    nnc_transform,
)
from nncore._core.runner cimport (
    nnc_around, nnc_branch, nnc_group, nnc_op, nnc_piece, nnc_program, nnc_rounds, nnc_rule, nnc_runner, nnc_samples, nnc_sparse,
    nnc_stretch, nnc_tie, nnc_transformer, nnc_undo,
)
from nncore._core.turns cimport Turn

cdef const nnc_runner *runner
cdef const nnc_host *host

cdef void *address(object array) except? NULL
cdef void *given(object array, object dtype, Py_ssize_t columns, bint is_written, str name) except? NULL
cdef int load_table(object capsule, str kind, object who, object needed, void *table, size_t size) except -1
cdef str said(const char *message)


cdef class SparseRows:
    cdef nnc_sparse_rows rows
    cdef readonly object begins, ends, columns, values
    cdef readonly int64_t n_columns

    cdef int take(self, begins, ends, columns, values, int64_t n_columns) except -1


cdef class Compiled:
    cdef nnc_program program
    cdef nnc_branch *branches  # of all joints, one after the other
    cdef nnc_tensor *tensors
    cdef nnc_stretch *stretches
    cdef nnc_tie *ties
    cdef nnc_group *groups
    cdef nnc_undo *undo
    cdef nnc_around *around  # of all groups, one after the other
    cdef nnc_layer *layers  # copies of the tables that ops call, one for each op
    cdef nnc_activation *activations
    cdef nnc_transformer *transformers
    cdef nnc_transform *transforms  # copies of the tables that transformers call, one for each
    cdef nnc_loss loss
    cdef nnc_rule *rules
    cdef nnc_regularizer *regularizer_tables  # copies of the tables that rules call, one for each
    cdef nnc_constraint *constraint_tables
    cdef nnc_piece *pieces  # of regularizers, then of constraints
    cdef nnc_sparse *sparse  # of all ops, one after the other
    cdef void **places  # where tensors, and then their gradients, begin: of all ops, one after the other
    cdef void **states  # where arrays of optimizers' state begin: of all tensors, one after the other
    cdef readonly object spec
    cdef object output_shape, dtype  # of an output; copied from `spec` because they are read often
    cdef object interpreter
    cdef object exception
    cdef Turn turn  # the network's lock, since threads that share a network share its parameters and buffers
    cdef unsigned long python_thread  # the thread that runs a Python component for this program, or 0
    cdef const int64_t *version  # two counters of changes to the network's settings (nncore.program.knobs)
    cdef int64_t seen  # the first counter, at the last refresh
    cdef int64_t shown  # the second counter, when safe_gradient was computed
    cdef int64_t safe_until  # the step up to which the program's safe_gradient holds
    cdef double rate_factor  # the largest factor of learning rates for which it holds
    cdef double row_seconds, update_seconds  # estimates: of one row's forward pass, of one optimizer step
    cdef readonly bint runs_python  # a component of the program has no kernel

    cdef int take_transforms(self, spec) except -1
    cdef int fill_groups(self, object stretches) except -1
    cdef int fill_sparse(self) except -1
    cdef int fill_around(self, nnc_group *group, int64_t first, object wrappers) except -1
    cdef int fill_sites(self, int64_t op, object described) except -1
    cdef int fill_rules(self) except -1
    cdef int fill_rounds(self, nnc_rounds *rounds, object described, nnc_piece *pieces) except -1
    cdef int refresh(self) except -1
    cdef const void *given_inputs(self, inputs, str name) except? NULL
    cdef nnc_samples samples(self, inputs, targets, labels, weights, order)
