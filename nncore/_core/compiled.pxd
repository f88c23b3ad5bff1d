# What other modules of the core use of compiled.pyx. `runner` is the one at the CPU level that was chosen when `native` was imported,
# `host` what it offers to functions of components.

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
    cdef nnc_layer *layers  # copies of the tables that ops call, as many as ops
    cdef nnc_activation *activations
    cdef nnc_transformer *transformers
    cdef nnc_transform *transforms  # copies of the tables that transformers call, as many as transformers
    cdef nnc_loss loss
    cdef nnc_rule *rules
    cdef nnc_regularizer *regularizer_tables  # copies of the tables that rules call, as many as rules
    cdef nnc_constraint *constraint_tables
    cdef nnc_piece *pieces  # of regularizers, then of constraints
    cdef nnc_sparse *sparse  # of all ops, one after the other
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
    cdef double row_seconds, update_seconds  # about: of one row's forward pass, of an optimizer's step
    cdef readonly bint runs_python  # a component that takes part has no kernel

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
