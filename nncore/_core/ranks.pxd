# Declarations of ranks.pyx for other modules of the core.

from nncore._core.runner cimport nnc_ranks


cdef class Ranks:
    cdef nnc_ranks ranks
    cdef readonly object collective
    cdef object error

    cdef int finish(self) except -1
