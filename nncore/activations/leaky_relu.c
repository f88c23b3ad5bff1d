/* a = z where z > 0, else slope z. hyper[0] is the slope. It is at least 0, so a shows the sign of z. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "leaky_relu.c"
#include "nncore/float64.h"
#include "leaky_relu.c"

const nnc_activation NNC_TABLE(activation, leaky_relu) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = leaky_relu_forward_f32,
    .forward_f64 = leaky_relu_forward_f64,
    .backward_f32 = leaky_relu_backward_f32,
    .backward_f64 = leaky_relu_backward_f64,
};

#else

static int32_t F(leaky_relu_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    T slope = (T)hyper[0];
    for (int64_t i = 0; i < n; i++) a[i] = z[i] > 0 ? z[i] : slope * z[i];
    return 0;
}

static int32_t F(leaky_relu_backward)(const nnc_activation_call *call) {
    const T *a = call->a, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    T slope = (T)hyper[0];
    for (int64_t i = 0; i < n; i++) d_z[i] = a[i] > 0 ? d_a[i] : slope * d_a[i];
    return 0;
}

#endif
