/* a = z min(max(z + 3, 0), 6) / 6; d_z = d_a times 0 where z <= -3, 1 where z >= 3, (2 z + 3) / 6 between. NaN passes through. */
#ifndef T
#include "cpu.h"
#include "nncore/plugin.h"

#include "nncore/float32.h"
#include "hard_swish.c"
#include "nncore/float64.h"
#include "hard_swish.c"

const nnc_activation nncore_snake_hard_swish = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = hard_swish_forward_f32,
    .forward_f64 = hard_swish_forward_f64,
    .backward_f32 = hard_swish_backward_f32,
    .backward_f64 = hard_swish_backward_f64,
};

#else

static inline T F(clipped)(T z) { return z <= -3 ? -3 : z >= 3 ? 3 : z; }

FOR_EACH_CPU static int32_t F(hard_swish_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        T gate = (F(clipped)(z[i]) + 3) / 6;
        a[i] = (z[i] <= -3 ? 0 : z[i]) * gate; /* -infinity must not meet the gate's 0 */
    }
    return 0;
}

FOR_EACH_CPU static int32_t F(hard_swish_backward)(const nnc_activation_call *call) {
    const T *z = call->z, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        T slope = (2 * F(clipped)(z[i]) + 3) / 6;
        d_z[i] = d_a[i] * (z[i] <= -3 ? 0 : z[i] >= 3 ? 1 : slope);
    }
    return 0;
}

#endif
