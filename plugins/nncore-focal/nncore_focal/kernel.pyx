# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, freethreading_compatible=True
"""The compiled losses: what `nncore_focal.focal.Focal` and `nncore_focal.label_smoothing.LabelSmoothing` do, without Python.

A call has class indices in `labels`, or rows in `target`; the other of the two is NULL, so that one function serves both.
Arithmetic is in double for both dtypes.
hyper: gamma or smoothing, number of class weights (0: all are 1), class weights.
"""

from cpython.pycapsule cimport PyCapsule_New
from libc.math cimport INFINITY, exp, log1p, pow
from libc.stdint cimport int32_t, int64_t

from nncore.abi cimport NNC_ABI_MAJOR, NNC_ABI_MINOR, nnc_fail, nnc_loss, nnc_loss_call

ctypedef fused real:
    float
    double

cdef struct Softmax:  # of one row of logits
    int64_t argmax
    double largest
    double others  # sum of exp(z - largest) over all but the argmax
    double total   # over all
    double log_total


cdef Softmax softmax_of(const real *z, int64_t n) noexcept nogil:
    cdef Softmax s
    cdef int64_t j
    s.argmax, s.largest, s.others, s.total = 0, -INFINITY, 0, 0
    for j in range(n):
        if z[j] > s.largest:
            s.argmax, s.largest = j, z[j]
    for j in range(n):
        if j != s.argmax:
            s.others += exp(z[j] - s.largest)
    cdef double one = exp(z[s.argmax] - s.largest) if n > 0 else 0  # NaN if the logit is infinite or NaN
    s.total = s.others + one
    s.log_total = log1p(s.others) + (one - 1)
    return s


cdef double weighted_target(const real *target, const int64_t *labels, int64_t row, int64_t j, int64_t n_outputs,
                            const double *class_weights) noexcept nogil:
    """Y of class j in this row times the weight of the class."""
    cdef double y = target[row * n_outputs + j] if target != NULL else <double>(labels[row] == j)
    return y if class_weights == NULL else class_weights[j] * y


cdef void focal_terms(const Softmax *s, double z, int64_t j, double y, double gamma, double *loss, double *h) noexcept nogil:
    """What class j with the weighted target y adds to the loss, and h of the formula in focal.py."""
    cdef double e = exp(z - s.largest), p = e / s.total
    cdef double rest = (s.others if j == s.argmax else s.total - e) / s.total  # 1 - p
    cdef double log_p = log1p(-rest) if rest < 0.5 else z - s.largest - s.log_total
    cdef double focus = pow(rest, gamma)
    loss[0] = -y * focus * log_p
    h[0] = y * focus * (gamma * p * (log_p / rest if rest != 0 else -1.0) - 1)


cdef int32_t focal_batch(const nnc_loss_call *call, const real *output) noexcept nogil:
    cdef const real *target = <const real *>call.target
    cdef const real *weight = <const real *>call.weight
    cdef const int64_t *labels = call.labels
    cdef real *loss = <real *>call.loss
    cdef real *d_output = <real *>call.d_output
    cdef int64_t n_rows = call.n_rows, n_outputs = call.n_outputs
    cdef const double *hyper = call.site.hyper
    cdef const double *class_weights = hyper + 2 if hyper[1] != 0 else NULL
    cdef double gamma = hyper[0], y, row_loss, sum_h, term, h, e, rest
    cdef int64_t row, j
    cdef const real *z
    cdef real *d_z
    cdef Softmax s
    if class_weights != NULL and hyper[1] != n_outputs:
        return nnc_fail(call.site, "there must be as many class weights as outputs")
    for row in range(n_rows):
        z = output + row * n_outputs
        s = softmax_of(z, n_outputs)
        d_z = d_output + row * n_outputs if d_output != NULL else NULL  # it holds h first, which is costly
        row_loss = sum_h = 0
        for j in range(n_outputs):
            y = weighted_target(target, labels, row, j, n_outputs, class_weights)
            term = h = 0
            if y != 0:
                focal_terms(&s, z[j], j, y, gamma, &term, &h)
            row_loss += term
            if d_z != NULL:
                d_z[j] = <real>h
                sum_h += d_z[j]  # as rounded, so that sum_h - h is 0 where there is no other
        loss[row] = <real>row_loss
        if d_z == NULL:
            continue
        for j in range(n_outputs):
            e, h = exp(z[j] - s.largest), d_z[j]
            rest = (s.others if j == s.argmax else s.total - e) / s.total
            d_z[j] = <real>(weight[row] * (h * rest - e / s.total * (sum_h - h)))
    return 0


cdef int32_t smoothing_batch(const nnc_loss_call *call, const real *output) noexcept nogil:
    cdef const real *target = <const real *>call.target
    cdef const real *weight = <const real *>call.weight
    cdef const int64_t *labels = call.labels
    cdef real *loss = <real *>call.loss
    cdef real *d_output = <real *>call.d_output
    cdef int64_t n_rows = call.n_rows, n_outputs = call.n_outputs
    cdef const double *hyper = call.site.hyper
    cdef const double *class_weights = hyper + 2 if hyper[1] != 0 else NULL
    cdef double smoothing = hyper[0], spread, smoothed, row_loss, sum_smoothed, others, p, d
    cdef int64_t row, j
    cdef const real *z
    cdef Softmax s
    if class_weights != NULL and hyper[1] != n_outputs:
        return nnc_fail(call.site, "there must be as many class weights as outputs")
    for row in range(n_rows):
        z = output + row * n_outputs
        s = softmax_of(z, n_outputs)
        spread = 0
        for j in range(n_outputs):
            spread += weighted_target(target, labels, row, j, n_outputs, NULL)
        spread *= smoothing / n_outputs
        row_loss = sum_smoothed = others = 0
        for j in range(n_outputs):
            smoothed = smoothed_target(target, labels, row, j, n_outputs, class_weights, smoothing, spread)
            sum_smoothed += smoothed
            if j != s.argmax:
                others += smoothed
            row_loss += smoothed * (s.log_total - (z[j] - s.largest))
        loss[row] = <real>row_loss
        if d_output == NULL:
            continue
        for j in range(n_outputs):
            smoothed = smoothed_target(target, labels, row, j, n_outputs, class_weights, smoothing, spread)
            p = exp(z[j] - s.largest) / s.total
            d = others - sum_smoothed * (s.others / s.total) if j == s.argmax else p * sum_smoothed - smoothed
            d_output[row * n_outputs + j] = <real>(weight[row] * d)
    return 0


cdef double smoothed_target(const real *target, const int64_t *labels, int64_t row, int64_t j, int64_t n_outputs,
                            const double *class_weights, double smoothing, double spread) noexcept nogil:
    cdef double y = (1 - smoothing) * weighted_target(target, labels, row, j, n_outputs, NULL) + spread
    return y if class_weights == NULL else class_weights[j] * y


# An argument selects the fused type: the output, cast to its dtype.

cdef int32_t focal_f32(const nnc_loss_call *call) noexcept nogil:
    return focal_batch(call, <const float *>call.output)


cdef int32_t focal_f64(const nnc_loss_call *call) noexcept nogil:
    return focal_batch(call, <const double *>call.output)


cdef int32_t smoothing_f32(const nnc_loss_call *call) noexcept nogil:
    return smoothing_batch(call, <const float *>call.output)


cdef int32_t smoothing_f64(const nnc_loss_call *call) noexcept nogil:
    return smoothing_batch(call, <const double *>call.output)


cdef nnc_loss focal_table, smoothing_table
focal_table.head.abi_major, focal_table.head.abi_minor, focal_table.head.struct_size = NNC_ABI_MAJOR, NNC_ABI_MINOR, sizeof(nnc_loss)
smoothing_table.head = focal_table.head
focal_table.real_f32 = focal_table.labels_f32 = focal_f32
focal_table.real_f64 = focal_table.labels_f64 = focal_f64
smoothing_table.real_f32 = smoothing_table.labels_f32 = smoothing_f32
smoothing_table.real_f64 = smoothing_table.labels_f64 = smoothing_f64

focal = PyCapsule_New(&focal_table, "nncore.loss", NULL)
label_smoothing = PyCapsule_New(&smoothing_table, "nncore.loss", NULL)
