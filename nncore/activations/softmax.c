/* a = exp(z - max z) / sum exp(z - max z) over each row; d_z = a (d_a - sum a d_a). */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "softmax.c"
#include "nncore/float64.h"
#include "softmax.c"

const nnc_activation NNC_TABLE(activation, softmax) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = softmax_forward_f32,
    .forward_f64 = softmax_forward_f64,
    .backward_f32 = softmax_backward_f32,
    .backward_f64 = softmax_backward_f64,
};

#else
#include "../_core/kernels/softmax.h"

static void F(forward_transposed)(const T *z, T *a, int64_t n_rows, int64_t n) {
    V t[GROUPS * FEW_COLUMNS], largest[GROUPS], rest[GROUPS];
    int64_t n_groups = F(transpose)(z, n_rows, n, t);
    F(subtract_largest)(t, n_groups, n, largest);
    F(exp_and_rest)(t, n_groups, n, rest);
    for (int64_t group = 0; group < n_groups; group++) {
        V share = 1 / (1 + rest[group]);
        for (int64_t j = 0; j < n; j++) t[group * n + j] *= share;
    }
    F(transpose_back)(t, a, n_rows, n);
}

static void F(forward_rows)(const T *z, T *a, int64_t n_rows, int64_t n) {
    T largest[PART_ROWS], rest[PART_ROWS];
    F(exp_rows)(z, n_rows, n, a, largest, rest);
    for (int64_t row = 0; row < n_rows; row++) {
        T share = 1 / (1 + rest[row]);
        for (int64_t j = 0; j < n; j++) a[row * n + j] *= share;
    }
}

static int32_t F(softmax_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n_rows = call->n_rows, n_columns = call->n_columns;
    if (n_columns == 0) return 0;
    for (int64_t n; n_rows > 0; n_rows -= n, z += n * n_columns, a += n * n_columns) {
        n = BLOCK_ROWS(n_rows, n_columns);
        (IS_BLOCK(n, n_columns) ? F(forward_transposed) : F(forward_rows))(z, a, n, n_columns);
    }
    return 0;
}

static int32_t F(softmax_backward)(const nnc_activation_call *call) {
    const T *a = call->a, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n_rows = call->n_rows, n_columns = call->n_columns;
    int64_t n = n_columns, whole = WHOLE(n);
    for (int64_t row = 0; row < n_rows; row++, a += n, d_a += n, d_z += n) {
        T origin = F(of_likely)(a, d_a, n), mean = 0; /* of d_a - origin, weighted with the probabilities */
        if (whole > 0) {
            V means = {0};
            for (int64_t j = 0; j < whole; j += LANES) means += F(load)(a + j) * (F(load)(d_a + j) - origin);
            mean = F(total)(means);
        }
        for (int64_t j = whole; j < n; j++) mean += a[j] * (d_a[j] - origin);
        for (int64_t j = 0; j < n; j++) d_z[j] = a[j] * (d_a[j] - origin - mean);
    }
    return 0;
}

#endif
