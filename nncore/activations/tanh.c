/* a = tanh(z); d_z = d_a (1 - a) (1 + a), since 1 - a^2 would lose digits where a is near 1. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "tanh.c"
#include "nncore/float64.h"
#include "tanh.c"

const nnc_activation NNC_TABLE(activation, tanh) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = tanh_forward_f32,
    .forward_f64 = tanh_forward_f64,
    .backward_f32 = tanh_backward_f32,
    .backward_f64 = tanh_backward_f64,
};

#else

static int32_t F(tanh_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) a[i] = F(nnc_tanh)(z[i]);
    return 0;
}

static int32_t F(tanh_backward)(const nnc_activation_call *call) {
    const T *a = call->a, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) d_z[i] = d_a[i] * ((1 - a[i]) * (1 + a[i]));
    return 0;
}

#endif
