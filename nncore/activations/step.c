/* a = 1 where z > 0, else 0; NaN passes through. There is no useful derivative: backward reports failure. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "step.c"
#include "nncore/float64.h"
#include "step.c"

const nnc_activation NNC_TABLE(activation, step) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = step_forward_f32,
    .forward_f64 = step_forward_f64,
    .backward_f32 = step_backward_f32,
    .backward_f64 = step_backward_f64,
};

#else

static int32_t F(step_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) a[i] = z[i] > 0 ? 1 : z[i] <= 0 ? 0 : z[i];
    return 0;
}

static int32_t F(step_backward)(const nnc_activation_call *call) {
    (void)call;
    return 1;
}

#endif
