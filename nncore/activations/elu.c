/* a = z where z > 0, else alpha (exp(rate z) - 1); d_z = d_a where a > 0, else d_a (a + alpha) rate. hyper: alpha, and the rate, 1 for
 * elu and 1 / alpha for celu. alpha is at least 0, so a shows the sign of z. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "elu.c"
#include "nncore/float64.h"
#include "elu.c"

const nnc_activation NNC_TABLE(activation, elu) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = elu_forward_f32,
    .forward_f64 = elu_forward_f64,
    .backward_f32 = elu_backward_f32,
    .backward_f64 = elu_backward_f64,
};

#else
#include "../_core/kernels/scaled.h"

static int32_t F(elu_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    const double *hyper = call->site->hyper;
    T *a = call->a, alpha = (T)hyper[0], rate = (T)hyper[1], room[SCALED_PART];
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t m; n > 0; n -= m, z += m, a += m) {
        m = nnc_least(n, SCALED_PART);
        const T *u = F(scaled)(z, rate, m, room);
        for (int64_t i = 0; i < m; i++) {
            T below = alpha * F(nnc_expm1_of_negative)(u[i] > 0 ? 0 : u[i]);
            a[i] = z[i] > 0 ? z[i] : below;
        }
    }
    return 0;
}

static int32_t F(elu_backward)(const nnc_activation_call *call) {
    const T *a = call->a, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    T alpha = (T)hyper[0], rate = (T)hyper[1];
    for (int64_t i = 0; i < n; i++) d_z[i] = d_a[i] * (a[i] > 0 ? 1 : (a[i] + alpha) * rate);
    return 0;
}

#endif
