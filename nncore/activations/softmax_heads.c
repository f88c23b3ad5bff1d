/* Softmax over hyper[0] columns, then over the next hyper[1], and so on; the host has checked that these add up to a row. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "softmax_heads.c"
#include "nncore/float64.h"
#include "softmax_heads.c"

const nnc_activation NNC_TABLE(activation, softmax_heads) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = softmax_heads_forward_f32,
    .forward_f64 = softmax_heads_forward_f64,
    .backward_f32 = softmax_heads_backward_f32,
    .backward_f64 = softmax_heads_backward_f64,
};

#else
#include "../_core/kernels/softmax.h"

static int32_t F(softmax_heads_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n_rows = call->n_rows, n_columns = call->n_columns;
    const double *hyper = call->site->hyper;
    for (int64_t row = 0; row < n_rows; row++)
        for (int64_t begin = 0, head = 0, n; begin < n_columns; begin += n, head++, z += n, a += n) {
            T largest, rest;
            n = (int64_t)hyper[head];
            F(exp_rows)(z, 1, n, a, &largest, &rest);
            T share = 1 / (1 + rest);
            for (int64_t j = 0; j < n; j++) a[j] *= share;
        }
    return 0;
}

static int32_t F(softmax_heads_backward)(const nnc_activation_call *call) {
    const T *a = call->a, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n_rows = call->n_rows, n_columns = call->n_columns;
    const double *hyper = call->site->hyper;
    for (int64_t row = 0; row < n_rows; row++)
        for (int64_t begin = 0, head = 0, n; begin < n_columns; begin += n, head++, a += n, d_a += n, d_z += n) {
            n = (int64_t)hyper[head];
            T origin = F(of_likely)(a, d_a, n), mean = 0; /* of d_a - origin, weighted with the probabilities */
            for (int64_t j = 0; j < n; j++) mean += a[j] * (d_a[j] - origin);
            for (int64_t j = 0; j < n; j++) d_z[j] = a[j] * (d_a[j] - origin - mean);
        }
    return 0;
}

#endif
