/* a = z sigmoid(z) and d_z = d_a sigmoid(z) (1 + z (1 - sigmoid(z))), both from e = exp(-|z|). */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

/* exp(-FAR) is 0; z is held inside where it meets that, as infinity times 0 would be NaN. */
#define FAR 1000

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
        T e = F(nnc_exp)(-F(nnc_magnitude)(z[i])), below = (z[i] < -FAR ? -FAR : z[i]) * e;
        a[i] = (z[i] < 0 ? below : z[i]) / (1 + e);
    }
    return 0;
}

static int32_t F(silu_backward)(const nnc_activation_call *call) {
    const T *z = call->z, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        T near = z[i] < -FAR ? -FAR : z[i];
        near = near > FAR ? FAR : near;
        T e = F(nnc_exp)(-F(nnc_magnitude)(near)), sum = 1 + e;
        d_z[i] = d_a[i] * ((near < 0 ? e : 1) * sum + near * e) / (sum * sum);
    }
    return 0;
}

#endif
