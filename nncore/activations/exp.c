/* a = exp(z); d_z = d_a a. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "exp.c"
#include "nncore/float64.h"
#include "exp.c"

const nnc_activation NNC_TABLE(activation, exp) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = exp_forward_f32,
    .forward_f64 = exp_forward_f64,
    .backward_f32 = exp_backward_f32,
    .backward_f64 = exp_backward_f64,
};

#else

static int32_t F(exp_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) a[i] = F(nnc_exp)(z[i]);
    return 0;
}

static int32_t F(exp_backward)(const nnc_activation_call *call) {
    const T *a = call->a, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) d_z[i] = d_a[i] * a[i];
    return 0;
}

#endif
