/* Muon (Jordan et al. 2024). hyper: lr, momentum, nesterov (0 or 1), n_iterations, weight_decay, match_adamw (0 or 1), adamw_ratio,
 * beta1, beta2, epsilon. The state of a matrix is its momentum; that of other tensors is m and v, as of Adam. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"

/* The constants of muon.py. */
static const double A = 3.4445, B = -4.7750, C = 2.0315;
#define SMALLEST_NORM 1e-7

#include "nncore/float32.h"
#include "muon.c"
#include "nncore/float64.h"
#include "muon.c"

const nnc_optimizer NNC_TABLE(optimizer, muon) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = muon_step_f32,
    .step_f64 = muon_step_f64,
};

#else
#include "adam_pass.h"

#include "sum_of_squares.h"

/* out (rows, columns) = p (rows, inner) . q, or `start` plus that. q is (inner, columns), or (columns, inner) if `transposed`. */
static void F(multiply)(const nnc_host *host, const T *p, const T *q, T *out, int64_t rows, int64_t inner, int64_t columns, int transposed,
                        const T *start) {
    const nnc_gemm_call product = {
        .struct_size = sizeof product,
        .a = p,
        .b = q,
        .start = start,
        .c = out,
        .m = rows,
        .n = columns,
        .k = inner,
        .a_stride = inner,
        .b_stride = transposed ? inner : columns,
        .start_stride = columns,
        .c_stride = columns,
        .b_transposed = transposed,
    };
    host->F(gemm)(&product);
}

/* Newton-Schulz iterations on x (rows, columns), rows <= columns. `gram` and `other` are buffers of its size. Returns the buffer with
 * the result. */
static const T *F(orthogonalise)(const nnc_host *host, T *x, T *gram, T *other, int64_t rows, int64_t columns, int64_t n_iterations) {
    for (int64_t k = 0; k < n_iterations; k++) {
        F(multiply)(host, x, x, gram, rows, columns, rows, 1, NULL);
        for (int64_t i = 0; i < rows * rows; i++) other[i] = (T)(B / C) * gram[i];
        F(multiply)(host, gram, gram, other, rows, rows, rows, 0, other);
        for (int64_t i = 0; i < rows * rows; i++) other[i] *= (T)C;
        /* The Gram matrix is no longer needed: its buffer takes the next x. */
        for (int64_t i = 0; i < rows * columns; i++) gram[i] = (T)A * x[i];
        F(multiply)(host, other, x, gram, rows, rows, columns, 0, gram);
        T *next = gram;
        gram = x;
        x = next;
    }
    return x;
}

static void F(muon_matrix)(const nnc_host *host, const nnc_tensor *tensor, T *x, const double *hyper) {
    T *w = tensor->w, *m = tensor->state[0];
    const T *g = tensor->g;
    int64_t rows = tensor->rows, columns = tensor->columns, size = rows * columns;
    int is_tall = rows > columns;
    double larger = (double)(is_tall ? rows : columns), lr = hyper[0];
    T momentum = (T)hyper[1], rest = (T)(1 - hyper[1]), keep = (T)(1 - lr * hyper[4]);
    T scale = (T)(lr * (hyper[5] != 0 ? 0.2 * sqrt(larger) : is_tall ? 1 : sqrt((double)columns / (double)rows)));
    for (int64_t i = 0; i < size; i++) m[i] = momentum * m[i] + rest * g[i];
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            int64_t at = i * columns + j;
            x[is_tall ? j * rows + i : at] = hyper[2] != 0 ? momentum * m[at] + rest * g[at] : m[at];
        }
    double norm = sqrt(F(sum_of_squares)(x, size));
    T divisor = (T)(norm < SMALLEST_NORM ? SMALLEST_NORM : norm);
    for (int64_t i = 0; i < size; i++) x[i] /= divisor;
    const T *factor =
        F(orthogonalise)(host, x, x + size, x + 2 * size, is_tall ? columns : rows, is_tall ? rows : columns, (int64_t)hyper[3]);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            int64_t at = i * columns + j;
            w[at] = keep * w[at] - scale * factor[is_tall ? j * rows + i : at];
        }
}

static int32_t F(muon_step)(const nnc_optimizer_call *call) {
    const double *hyper = call->site->hyper;
    double lr = hyper[0] * hyper[6];
    for (int64_t k = call->begin_tensor; k < call->end_tensor; k++) {
        const nnc_tensor *tensor = &call->tensors[k];
        if (tensor->role == NNC_ROLE_WEIGHT && tensor->rows > 1 && tensor->columns > 1)
            F(muon_matrix)(call->site->host, tensor, call->site->work, hyper);
        else
            F(adam_pass)(tensor->w, tensor->g, tensor->state[0], tensor->state[1], tensor->rows * tensor->columns, call->t, lr, hyper[7],
                         hyper[8], 0, hyper[9], 1 - lr * hyper[4]);
    }
    return 0;
}

#endif
