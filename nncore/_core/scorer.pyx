"""`Scorer`: sums up what metrics with a compiled form make of predictions, one block of them after the other."""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from nncore._core.compiled cimport address, given, host, load_table, said
from nncore.abi cimport (
    NNC_MESSAGE_BYTES, nnc_metric, nnc_metric_call, nnc_metric_function, nnc_site,
)

import numpy as np

from nncore.errors import PluginError, ShapeError

_INT64, _FLOAT64 = np.dtype(np.int64), np.dtype(np.float64)

cdef enum:
    TERMS = 2048  # so many are computed before they are summed up: they stay in the first-level cache


cdef struct scored:
    nnc_metric table
    nnc_metric_function function
    nnc_site site
    double *sums  # (n_terms,)
    int64_t n_terms


cdef class Scorer:
    """Metrics of one data set.

    Parameters
    ----------
    spec : nncore.program.scoring.ScorerSpec
    """

    cdef scored *metrics
    cdef Py_ssize_t n_metrics
    cdef char message[NNC_MESSAGE_BYTES]
    cdef bint is_f64, uses_labels
    cdef int64_t n_outputs, n_targets, size
    cdef double *terms  # (max(TERMS, n_terms),)
    cdef object kept, room, dtype
    cdef readonly list sums  # of each metric: (n_terms,) float64
    cdef readonly object spec

    def __cinit__(self, spec):
        cdef Py_ssize_t i
        cdef scored *to
        self.spec, self.kept, self.dtype = spec, [], spec.dtype
        self.is_f64, self.uses_labels, self.size = spec.dtype == _FLOAT64, spec.uses_labels, spec.dtype.itemsize
        self.n_outputs, self.n_targets, self.n_metrics = spec.n_outputs, spec.n_targets, len(spec.metrics)
        self.metrics = <scored *>calloc(max(self.n_metrics, 1), sizeof(scored))
        if self.metrics == NULL:
            raise MemoryError
        self.sums = [np.zeros(described.n_terms) for described in spec.metrics]
        self.room = np.empty(max(TERMS, max((len(sums) for sums in self.sums), default=0)))
        self.terms = <double *>address(self.room)
        for i, described in enumerate(spec.metrics):
            to = &self.metrics[i]
            load_table(described.capsule, "metric", described.who, described.needed, &to.table, sizeof(nnc_metric))
            if self.uses_labels:
                to.function = to.table.labels_f64 if self.is_f64 else to.table.labels_f32
            else:
                to.function = to.table.real_f64 if self.is_f64 else to.table.real_f32
            to.sums, to.n_terms = <double *>address(self.sums[i]), described.n_terms
            self.take_site(&to.site, described)

    def __dealloc__(self):
        free(self.metrics)

    cdef int take_site(self, nnc_site *site, object described) except -1:
        site.struct_size, site.host, site.message = sizeof(nnc_site), host, self.message
        site.hyper = <const double *>address(described.hyper)
        self.kept.append(described.hyper)
        return 0

    def begin(self):
        """Before the first block."""
        cdef Py_ssize_t i
        for i in range(self.n_metrics):
            memset(self.metrics[i].sums, 0, self.metrics[i].n_terms * sizeof(double))

    def add(self, predictions, reals, labels, weights, int64_t first):
        """Take predictions (n_rows, n_outputs) of the samples from `first` on.

        Targets and `weights` (float64, None for 1 each) are those of all samples.
        """
        cdef const char *output = <const char *>given(predictions, self.dtype, self.n_outputs, False, "predictions")
        cdef const char *real = <const char *>given(reals, self.dtype, self.n_targets, False, "reals")
        cdef const int64_t *label = <const int64_t *>given(labels, _INT64, 1, False, "labels")
        cdef const double *weight = <const double *>given(weights, _FLOAT64, 1, False, "weights")
        cdef int64_t n_rows = len(predictions)
        cdef int32_t status = 0
        cdef Py_ssize_t i, failed = -1
        if (labels if self.uses_labels else reals) is None:
            raise ShapeError("targets are missing")
        for part in (reals, labels, weights):
            if part is not None and len(part) < first + n_rows:
                raise ShapeError(f"{len(part)} samples, predictions of {first} to {first + n_rows}")
        self.message[0] = 0
        with nogil:
            for i in range(self.n_metrics):
                status = self.sum_up(&self.metrics[i], output, real, label, weight, first, n_rows)
                if status != 0:
                    failed = i
                    break
        if failed >= 0:
            text, who = said(self.message), self.spec.metrics[failed].who()
            raise PluginError(f"{who}: the kernel reported an error, {text or f'{status}, without a message'}")

    cdef int32_t sum_up(self, scored *metric, const char *output, const char *real, const int64_t *label, const double *weight,
                        int64_t first, int64_t n_rows) noexcept nogil:
        """Adds the weighted terms of some samples, one after the other, so that no bit depends on where blocks end."""
        cdef nnc_metric_call call
        cdef double w
        cdef int64_t begin = 0, rows, i, k, n_terms = metric.n_terms, at_once = max(1, TERMS // n_terms)
        cdef int32_t status
        memset(&call, 0, sizeof(nnc_metric_call))
        call.struct_size, call.site, call.terms = sizeof(nnc_metric_call), &metric.site, self.terms
        call.n_outputs, call.n_targets, call.n_terms = self.n_outputs, self.n_targets, n_terms
        while begin < n_rows:
            rows = min(at_once, n_rows - begin)
            call.output, call.n_rows = output + begin * self.n_outputs * self.size, rows
            if self.uses_labels:
                call.labels = label + first + begin
            else:
                call.target = real + (first + begin) * self.n_targets * self.size
            status = metric.function(&call)
            if status != 0:
                return status
            for i in range(rows):
                w = 1 if weight == NULL else weight[first + begin + i]
                if w > 0:
                    for k in range(n_terms):
                        metric.sums[k] += w * self.terms[i * n_terms + k]
            begin += rows
        return 0
