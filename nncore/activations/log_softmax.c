/* a = z - max z - log(1 + rest) over each row, where rest is the sum of exp(z - max z) without one that is 1. d_z = d_a - exp(a) sum
 * d_a. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "log_softmax.c"
#include "nncore/float64.h"
#include "log_softmax.c"

const nnc_activation NNC_TABLE(activation, log_softmax) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = log_softmax_forward_f32,
    .forward_f64 = log_softmax_forward_f64,
    .backward_f32 = log_softmax_backward_f32,
    .backward_f64 = log_softmax_backward_f64,
};

#else
#include "../_core/kernels/softmax.h"

/* One row at a time, which keeps the code small. */
static int32_t F(log_softmax_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a, largest, rest;
    int64_t n = call->n_columns;
    if (n == 0) return 0;
    for (int64_t row = 0; row < call->n_rows; row++, z += n, a += n) {
        F(exp_rows)(z, 1, n, NULL, &largest, &rest);
        T log_sum = F(nnc_log1p_of_positive)(rest);
        for (int64_t j = 0; j < n; j++) a[j] = (z[j] - largest) - log_sum;
    }
    return 0;
}

static int32_t F(log_softmax_backward)(const nnc_activation_call *call) {
    const T *a = call->a, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_columns;
    for (int64_t row = 0; row < call->n_rows; row++, a += n, d_a += n, d_z += n) {
        T sum = F(sum_beyond)(d_a, 0, n);
        for (int64_t j = 0; j < n; j++) d_z[j] = d_a[j] - F(nnc_exp_of_moderate)(F(nnc_moderate)(a[j])) * sum;
    }
    return 0;
}

#endif
