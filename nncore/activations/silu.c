/* a = z sigmoid(z) and d_z = d_a sigmoid(z) (1 + z (1 - sigmoid(z))), both from w = exp(z), of which
 * sigmoid(z) = w / (1 + w) keeps the digits of the tail. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

#include "nncore/float32.h"
#include "silu.c"
#include "nncore/float64.h"
#include "silu.c"

const nnc_activation NNC_TABLE(activation, silu) = {
    NNC_HEAD(nnc_activation), silu_forward_f32, silu_forward_f64, silu_backward_f32, silu_backward_f64,
};

#else

static int32_t F(silu_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        T near = F(nnc_moderate)(z[i]), w = F(nnc_exp_of_moderate)(near);
        a[i] = (z[i] > near ? z[i] : near) * (w / (1 + w)); /* near, as infinity times 0 would be NaN */
    }
    return 0;
}

static int32_t F(silu_backward)(const nnc_activation_call *call) {
    const T *z = call->z, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        T near = F(nnc_moderate)(z[i]), w = F(nnc_exp_of_moderate)(near), sum = 1 + w;
        d_z[i] = d_a[i] * (w * (sum + near) / (sum * sum));
    }
    return 0;
}

#endif
