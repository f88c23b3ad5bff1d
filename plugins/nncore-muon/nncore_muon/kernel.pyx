# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, freethreading_compatible=True
"""Muon's compiled step: what `nncore_muon.muon.Muon.step` does, without Python and without allocation."""

from cpython.pycapsule cimport PyCapsule_New
from libc.math cimport fmax, pow, sqrt
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from nncore.abi cimport NNC_ABI_MAJOR, NNC_ABI_MINOR, NNC_ROLE_WEIGHT, nnc_optimizer, nnc_optimizer_call, nnc_tensor

ctypedef fused real:
    float
    double

# The constants of muon.py.
cdef double A = 3.4445, B = -4.7750, C = 2.0315
cdef double SMALLEST_NORM = 1e-7

cdef enum:  # positions in `hyper`
    LR, MOMENTUM, NESTEROV, N_ITERATIONS, WEIGHT_DECAY, MATRICES, ADAM_LR_RATIO, BETA1, BETA2, EPSILON

cdef enum:  # values of hyper[MATRICES]
    HIDDEN, ALL_BUT_LAST, ALL

cdef enum:  # a panel of PANEL_ROWS x PANEL_COLUMNS numbers stays in the first-level cache
    PANEL_ROWS = 32
    PANEL_COLUMNS = 128


cdef void multiply(
    const real *p,       # (rows, inner)
    const real *q,       # (inner, columns)
    const real *addend,  # (rows, columns) or NULL
    real *out,           # (rows, columns), none of the others
    int64_t rows, int64_t inner, int64_t columns, real alpha, real beta,
) noexcept nogil:
    """out = alpha p q + beta addend."""
    cdef int64_t i, j, k, j_panel, k_panel, first_j, end_k, width
    cdef real p0, p1, p2, p3
    cdef const real *q0
    cdef const real *q1
    cdef const real *q2
    cdef const real *q3
    cdef real *row
    for i in range(rows * columns):
        out[i] = beta * addend[i] if addend != NULL else <real>0
    for j_panel in range((columns + PANEL_COLUMNS - 1) // PANEL_COLUMNS):
        first_j = j_panel * PANEL_COLUMNS
        width = min(PANEL_COLUMNS, columns - first_j)
        for k_panel in range((inner + PANEL_ROWS - 1) // PANEL_ROWS):
            end_k = min((k_panel + 1) * PANEL_ROWS, inner)
            for i in range(rows):
                row = out + i * columns + first_j
                k = k_panel * PANEL_ROWS
                # Four rows of q at a time, so that `row` is loaded and stored a quarter as often.
                while k + 4 <= end_k:
                    p0, p1 = alpha * p[i * inner + k], alpha * p[i * inner + k + 1]
                    p2, p3 = alpha * p[i * inner + k + 2], alpha * p[i * inner + k + 3]
                    q0 = q + k * columns + first_j
                    q1, q2, q3 = q0 + columns, q0 + 2 * columns, q0 + 3 * columns
                    for j in range(width):
                        row[j] += (p0 * q0[j] + p1 * q1[j]) + (p2 * q2[j] + p3 * q3[j])
                    k += 4
                while k < end_k:
                    p0, q0 = alpha * p[i * inner + k], q + k * columns + first_j
                    for j in range(width):
                        row[j] += p0 * q0[j]
                    k += 1


cdef void transpose(const real *x, real *out, int64_t rows, int64_t columns) noexcept nogil:
    """out (columns, rows) = x (rows, columns) transposed."""
    cdef int64_t i, j
    for i in range(rows):
        for j in range(columns):
            out[j * rows + i] = x[i * columns + j]


cdef real *orthogonalise(real *x, real *gram, real *other, int64_t rows, int64_t columns, int64_t n_iterations) noexcept nogil:
    """Newton-Schulz iterations on x (rows, columns), rows <= columns; three buffers of its size. Returns the one with the result."""
    for _ in range(n_iterations):
        transpose(x, other, rows, columns)
        multiply(x, other, <const real *>NULL, gram, rows, columns, rows, <real>1, <real>0)
        multiply(gram, gram, gram, other, rows, rows, rows, <real>C, <real>B)
        # The Gram matrix has done its part: its place takes the next x.
        multiply(other, x, x, gram, rows, rows, columns, <real>1, <real>A)
        x, gram = gram, x
    return x


cdef void muon_step(real *w, const real *g, real *m, real *x, real *spare, real *other,
                    int64_t rows, int64_t columns, const double *hyper) noexcept nogil:
    cdef int64_t i, j, at, size = rows * columns
    cdef bint is_tall = rows > columns, nesterov = hyper[NESTEROV] != 0
    cdef real momentum = <real>hyper[MOMENTUM], rest = <real>(1 - hyper[MOMENTUM]), update
    cdef real keep = <real>(1 - hyper[LR] * hyper[WEIGHT_DECAY])
    cdef real scale = <real>(hyper[LR] * sqrt(fmax(1.0, <double>columns / <double>rows)))
    cdef double squares = 0  # in double: the squares of float overflow where their root does not
    cdef real norm
    cdef real *factor

    for i in range(rows):
        for j in range(columns):
            at = i * columns + j
            m[at] = momentum * m[at] + rest * g[at]
            update = momentum * m[at] + rest * g[at] if nesterov else m[at]
            squares += <double>update * <double>update
            x[j * rows + i if is_tall else at] = update
    norm = <real>(sqrt(squares) + SMALLEST_NORM)
    for at in range(size):
        x[at] /= norm

    if is_tall:
        factor = orthogonalise(x, spare, other, columns, rows, <int64_t>hyper[N_ITERATIONS])
    else:
        factor = orthogonalise(x, spare, other, rows, columns, <int64_t>hyper[N_ITERATIONS])
    for i in range(rows):
        for j in range(columns):
            at = i * columns + j
            w[at] = keep * w[at] - scale * factor[j * rows + i if is_tall else at]

    memset(x, 0, size * sizeof(real))
    memset(spare, 0, size * sizeof(real))
    memset(other, 0, size * sizeof(real))


cdef void adamw_step(real *w, const real *g, real *m, real *v, int64_t n, int64_t t, const double *hyper) noexcept nogil:
    cdef double lr = hyper[LR] * hyper[ADAM_LR_RATIO]
    # The corrections lose all digits in float, where beta2 is close to 1.
    cdef real m_scale = <real>(lr / (1 - pow(hyper[BETA1], <double>t))), v_scale = <real>(1 / (1 - pow(hyper[BETA2], <double>t)))
    cdef real beta1 = <real>hyper[BETA1], rest1 = <real>(1 - hyper[BETA1])
    cdef real beta2 = <real>hyper[BETA2], rest2 = <real>(1 - hyper[BETA2])
    cdef real epsilon = <real>hyper[EPSILON], keep = <real>(1 - lr * hyper[WEIGHT_DECAY])
    cdef int64_t i
    for i in range(n):
        m[i] = beta1 * m[i] + rest1 * g[i]
        v[i] = beta2 * v[i] + rest2 * g[i] * g[i]
        w[i] = keep * w[i] - m_scale * m[i] / (<real>sqrt(v_scale * v[i]) + epsilon)


cdef int32_t step(const nnc_optimizer_call *call, real *w) noexcept nogil:
    cdef const real *g = <const real *>call.g
    cdef real *state = <real *>call.state
    cdef int64_t stride = call.stride, t = call.t
    cdef const double *hyper = call.site.hyper
    cdef const nnc_tensor *tensors = call.tensors
    cdef int64_t n_tensors = call.n_tensors
    cdef int64_t k, offset, rows, columns, first_weight = -1, last_weight = -1
    cdef bint is_left_out
    for k in range(n_tensors):
        if tensors[k].role == NNC_ROLE_WEIGHT:
            if first_weight < 0:
                first_weight = k
            last_weight = k
    for k in range(n_tensors):
        offset, rows, columns = tensors[k].offset, tensors[k].rows, tensors[k].columns
        is_left_out = (k == last_weight and hyper[MATRICES] != ALL) or (k == first_weight and hyper[MATRICES] == HIDDEN)
        if tensors[k].role == NNC_ROLE_WEIGHT and min(rows, columns) > 1 and not is_left_out:
            muon_step(w + offset, g + offset, state + offset, state + stride + offset, state + 2 * stride + offset,
                      state + 3 * stride + offset,
                      rows, columns, hyper)
        else:
            adamw_step(w + offset, g + offset, state + offset, state + stride + offset, rows * columns, t, hyper)
    return 0


# A fused type is chosen by an argument: the parameters, cast to what they are.

cdef int32_t step_f32(const nnc_optimizer_call *call) noexcept nogil:
    return step(call, <float *>call.w)


cdef int32_t step_f64(const nnc_optimizer_call *call) noexcept nogil:
    return step(call, <double *>call.w)


cdef nnc_optimizer table
table.head.abi_major, table.head.abi_minor, table.head.struct_size = NNC_ABI_MAJOR, NNC_ABI_MINOR, sizeof(nnc_optimizer)
table.step_f32, table.step_f64 = step_f32, step_f64

muon = PyCapsule_New(&table, "nncore.optimizer", NULL)
