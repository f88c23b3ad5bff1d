# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, freethreading_compatible=True
"""Muon's compiled step: what `nncore_muon.muon.Muon.step` does, without Python and without allocation."""

from cpython.pycapsule cimport PyCapsule_New
from libc.math cimport fmax, sqrt
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from nncore.abi cimport NNC_ABI_MAJOR, NNC_ABI_MINOR, nnc_gemm_call, nnc_host, nnc_optimizer, nnc_optimizer_call, nnc_tensor

ctypedef fused real:
    float
    double

# The constants of muon.py.
cdef double A = 3.4445, B = -4.7750, C = 2.0315
cdef double SMALLEST_NORM = 1e-7

cdef enum:  # positions in `hyper`
    LR, MOMENTUM, NESTEROV, N_ITERATIONS, WEIGHT_DECAY


cdef void multiply(
    const nnc_host *host,
    const real *p,  # (rows, inner)
    const real *q,  # (inner, columns), or (columns, inner) if transposed
    real *out,      # (rows, columns), neither of the others
    int64_t rows, int64_t inner, int64_t columns, bint transposed, bint adds,
) noexcept nogil:
    """out = p q, or out + p q if it adds, by the matrix product of the host."""
    cdef nnc_gemm_call call
    memset(&call, 0, sizeof(call))
    call.struct_size = sizeof(call)
    call.a, call.b, call.c, call.start = p, q, out, out if adds else NULL
    call.m, call.n, call.k = rows, columns, inner
    call.a_stride, call.b_stride = inner, inner if transposed else columns
    call.c_stride = call.start_stride = columns
    call.b_transposed = transposed
    if real is float:
        host.gemm_f32(&call)
    else:
        host.gemm_f64(&call)


cdef real *orthogonalise(const nnc_host *host, real *x, real *gram, real *other, int64_t rows, int64_t columns,
                         int64_t n_iterations) noexcept nogil:
    """Newton-Schulz iterations on x (rows, columns), rows <= columns.

    `gram` and `other` are buffers of its size. Returns the buffer with the result.
    """
    cdef int64_t i
    for _ in range(n_iterations):
        multiply(host, x, x, gram, rows, columns, rows, True, False)
        for i in range(rows * rows):
            other[i] = <real>(B / C) * gram[i]
        multiply(host, gram, gram, other, rows, rows, rows, False, True)
        for i in range(rows * rows):
            other[i] *= <real>C
        # The Gram matrix is no longer needed: its buffer takes the next x.
        for i in range(rows * columns):
            gram[i] = <real>A * x[i]
        multiply(host, other, x, gram, rows, rows, columns, False, True)
        x, gram = gram, x
    return x


cdef void muon_step(const nnc_host *host, real *w, const real *g, real *m, real *x, real *spare, real *other,
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
        factor = orthogonalise(host, x, spare, other, columns, rows, <int64_t>hyper[N_ITERATIONS])
    else:
        factor = orthogonalise(host, x, spare, other, rows, columns, <int64_t>hyper[N_ITERATIONS])
    for i in range(rows):
        for j in range(columns):
            at = i * columns + j
            w[at] = keep * w[at] - scale * factor[j * rows + i if is_tall else at]


cdef int32_t step(const nnc_optimizer_call *call, real *room) noexcept nogil:
    cdef const nnc_tensor *tensor
    cdef int64_t k, size
    for k in range(call.begin_tensor, call.end_tensor):
        tensor = &call.tensors[k]
        size = tensor.rows * tensor.columns
        muon_step(call.site.host, <real *>tensor.w, <const real *>tensor.g, <real *>tensor.state[0], room, room + size, room + 2 * size,
                  tensor.rows, tensor.columns, call.site.hyper)
    return 0


# An argument selects the fused type: the working memory, cast to its dtype.

cdef int32_t step_f32(const nnc_optimizer_call *call) noexcept nogil:
    return step(call, <float *>call.site.work)


cdef int32_t step_f64(const nnc_optimizer_call *call) noexcept nogil:
    return step(call, <double *>call.site.work)


cdef nnc_optimizer table
table.head.abi_major, table.head.abi_minor, table.head.struct_size = NNC_ABI_MAJOR, NNC_ABI_MINOR, sizeof(nnc_optimizer)
table.step_f32, table.step_f64 = step_f32, step_f64

muon = PyCapsule_New(&table, "nncore.optimizer", NULL)
