/* a = log(1 + exp(beta z)) / beta, from exp(-beta |z|) so that nothing overflows; d_z = d_a (1 - exp(-beta a)). hyper[0] is beta. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "softplus.c"
#include "nncore/float64.h"
#include "softplus.c"

const nnc_activation NNC_TABLE(activation, softplus) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = softplus_forward_f32,
    .forward_f64 = softplus_forward_f64,
    .backward_f32 = softplus_backward_f32,
    .backward_f64 = softplus_backward_f64,
};

#else

static int32_t F(softplus_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    T beta = (T)hyper[0], width = 1 / beta;
    for (int64_t i = 0; i < n; i++) {
        T above = width * F(nnc_log1p)(F(nnc_exp_of_moderate)(F(nnc_moderate)(-beta * F(nnc_magnitude)(z[i]))));
        a[i] = (z[i] > 0 ? z[i] : 0) + above;
    }
    return 0;
}

static int32_t F(softplus_backward)(const nnc_activation_call *call) {
    const T *a = call->a, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    T beta = (T)hyper[0];
    for (int64_t i = 0; i < n; i++) d_z[i] = d_a[i] * -F(nnc_expm1_of_negative)(-beta * a[i]);
    return 0;
}

#endif
