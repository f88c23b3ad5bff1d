# What other modules of the core use of program.pyx. `host` is what it offers to functions of components.

from nncore.abi cimport nnc_host

cdef const nnc_host *host

cdef void *address(object array) except? NULL
cdef void *given(object array, object dtype, Py_ssize_t columns, bint is_written, str name) except? NULL
cdef int load_table(object capsule, str kind, object who, object needed, void *table, size_t size) except -1
cdef str said(const char *message)
