/* a = max(0, z); d_z = d_a where a > 0, else 0 (the derivative at 0 is 0). NaN passes through. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "relu.c"
#include "nncore/float64.h"
#include "relu.c"

const nnc_activation NNC_TABLE(activation, relu) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = relu_forward_f32,
    .forward_f64 = relu_forward_f64,
    .backward_f32 = relu_backward_f32,
    .backward_f64 = relu_backward_f64,
};

#else

static int32_t F(relu_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) a[i] = z[i] <= 0 ? 0 : z[i];
    return 0;
}

static int32_t F(relu_backward)(const nnc_activation_call *call) {
    const T *a = call->a, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        T d = d_a[i]; /* read in either case, so that the loop has no branch */
        d_z[i] = a[i] <= 0 ? 0 : d;
    }
    return 0;
}

#endif
