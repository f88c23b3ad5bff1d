/* a = z / (1 + |z|), d_z = d_a / (1 + |z|)^2. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

/* Beyond it a is 1 or -1 in either type. Infinities are clamped to it, as infinity / infinity would be NaN. */
#define FAR (T)1e30

#include "nncore/float32.h"
#include "softsign.c"
#include "nncore/float64.h"
#include "softsign.c"

const nnc_activation NNC_TABLE(activation, softsign) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = softsign_forward_f32,
    .forward_f64 = softsign_forward_f64,
    .backward_f32 = softsign_backward_f32,
    .backward_f64 = softsign_backward_f64,
};

#else

static int32_t F(softsign_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        T near = z[i] > FAR ? FAR : z[i]; /* NaN passes */
        near = near < -FAR ? -FAR : near;
        a[i] = near / (1 + F(nnc_magnitude)(near));
    }
    return 0;
}

static int32_t F(softsign_backward)(const nnc_activation_call *call) {
    const T *z = call->z, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        T share = 1 / (1 + F(nnc_magnitude)(z[i]));
        d_z[i] = d_a[i] * (share * share);
    }
    return 0;
}

#endif
