/* a = z; d_z = d_a. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "identity.c"
#include "nncore/float64.h"
#include "identity.c"

const nnc_activation NNC_TABLE(activation, identity) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = identity_forward_f32,
    .forward_f64 = identity_forward_f64,
    .backward_f32 = identity_backward_f32,
    .backward_f64 = identity_backward_f64,
};

#else

static int32_t F(identity_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) a[i] = z[i];
    return 0;
}

static int32_t F(identity_backward)(const nnc_activation_call *call) {
    const T *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) d_z[i] = d_a[i];
    return 0;
}

#endif
