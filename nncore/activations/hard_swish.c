/* a = z min(max(z + 3, 0), 6) / 6; d_z = d_a (2 z + 3) / 6 between -3 and 3, 0 to the left, d_a to the right. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "hard_swish.c"
#include "nncore/float64.h"
#include "hard_swish.c"

const nnc_activation NNC_TABLE(activation, hard_swish) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = hard_swish_forward_f32,
    .forward_f64 = hard_swish_forward_f64,
    .backward_f32 = hard_swish_backward_f32,
    .backward_f64 = hard_swish_backward_f64,
};

#else

static int32_t F(hard_swish_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        T near = z[i] < -3 ? -3 : z[i], gate = near + 3; /* NaN passes */
        a[i] = near * ((gate > 6 ? 6 : gate) / 6);
    }
    return 0;
}

static int32_t F(hard_swish_backward)(const nnc_activation_call *call) {
    const T *z = call->z, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        T slope = (2 * z[i] + 3) / 6;
        slope = z[i] >= 3 ? 1 : slope;
        d_z[i] = d_a[i] * (z[i] <= -3 ? 0 : slope);
    }
    return 0;
}

#endif
