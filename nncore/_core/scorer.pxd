# Declarations of scorer.pyx for other modules of the core.

from libc.stdint cimport int32_t, int64_t

from nncore._core.compiled cimport Compiled
from nncore._core.runner cimport nnc_program, nnc_ranks, nnc_samples
from nncore._core.turns cimport nnc_turn
from nncore.abi cimport NNC_MESSAGE_BYTES, nnc_metric, nnc_metric_function, nnc_site


cdef struct scored:
    nnc_metric table
    nnc_metric_function function
    nnc_site site
    double *sums  # (n_terms,)
    int64_t n_terms


cdef struct nnc_scorer:
    scored *metrics
    Py_ssize_t n_metrics, failed
    char message[NNC_MESSAGE_BYTES]
    bint is_f64, uses_labels
    int64_t n_outputs, n_targets, size
    double *terms  # (max(TERMS, n_terms),)


cdef struct nnc_judge:
    nnc_program *program
    nnc_program *link  # or NULL
    nnc_turn *turn  # of the link
    nnc_scorer *scorer  # or NULL
    nnc_samples samples
    void *outputs  # (n_samples, n_outputs) or NULL
    void *predictions  # the same, perhaps the same ones
    int32_t n_threads
    int64_t n_sums


cdef class Scorer:
    cdef nnc_scorer scorer
    cdef object kept, room, dtype
    cdef readonly list sums  # of each metric: (n_terms,) float64
    cdef readonly object spec

    cdef int take_site(self, nnc_site *site, object described) except -1


cdef class Judge:
    cdef nnc_judge judge
    cdef Compiled program, link
    cdef tuple kept

    cdef int refresh(self) except -1


cdef bint do_judge(nnc_judge *judge, double *sums, nnc_ranks *ranks) noexcept nogil
