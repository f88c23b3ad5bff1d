/* y = x s. Parameters: the scale s (n,). */
#ifndef T
#include <string.h>

#include "../_core/kernels/level.h"

/* Columns whose gradients are summed together through all rows; and rows that are summed by themselves, so that no sum is long. */
#define STRIP 256
#define SUM_ROWS 128

#include "nncore/float32.h"
#include "scale.c"
#include "nncore/float64.h"
#include "scale.c"

const nnc_layer NNC_TABLE(layer, scale) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = scale_forward_f32,
    .forward_f64 = scale_forward_f64,
    .backward_f32 = scale_backward_f32,
    .backward_f64 = scale_backward_f64,
    .gradient_f32 = scale_gradient_f32,
    .gradient_f64 = scale_gradient_f64,
};

#else

/* to = from s, both (n_rows, n) */
static void F(scale_rows)(const nnc_layer_call *call, const T *from, T *to) {
    int64_t n = call->n_inputs;
    const T *scale = call->parameters; /* (n,) */
    for (int64_t i = 0; i < call->n_rows; i++, from += n, to += n)
        for (int64_t j = 0; j < n; j++) to[j] = from[j] * scale[j];
}

static int32_t F(scale_forward)(const nnc_layer_call *call) {
    F(scale_rows)(call, call->x, call->y);
    return 0;
}

static int32_t F(scale_backward)(const nnc_layer_call *call) {
    F(scale_rows)(call, call->d_y, call->d_x);
    return 0;
}

/* To total (m,): the sums over rows begin .. end - 1 of d_y x, for m <= STRIP columns of matrices (n_rows, n). */
static void F(add_products)(const T *x, const T *d_y, int64_t n, int64_t m, int64_t begin, int64_t end, T *total) {
    T sum[STRIP] = {0};
    for (int64_t i = begin; i < end; i++)
        for (int64_t j = 0; j < m; j++) sum[j] = F(nnc_fma)(d_y[i * n + j], x[i * n + j], sum[j]);
    for (int64_t j = 0; j < m; j++) total[j] += sum[j];
}

static int32_t F(scale_gradient)(const nnc_layer_call *call) {
    int64_t n = call->n_inputs, first = call->begin_parameter;
    T *d_scale = call->d_parameters; /* (end_parameter - begin_parameter,) */
    memset(d_scale, 0, (size_t)(call->end_parameter - first) * sizeof(T));
    for (int64_t m; first < call->end_parameter; first += m, d_scale += m) {
        m = nnc_least(call->end_parameter - first, STRIP);
        for (int64_t begin = 0, end; begin < call->n_rows; begin = end) {
            end = nnc_least(begin + SUM_ROWS, call->n_rows);
            F(add_products)((const T *)call->x + first, (const T *)call->d_y + first, n, m, begin, end, d_scale);
        }
    }
    return 0;
}

#endif
