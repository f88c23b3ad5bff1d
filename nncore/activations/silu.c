/* a = z sigmoid(z) and d_z = d_a sigmoid(z) (1 + z (1 - sigmoid(z))), both from w = exp(z), of which
 * sigmoid(z) = w / (1 + w) keeps the digits of the tail. w and 1 are lifted by the same power of two. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

#include "nncore/float32.h"
#include "silu.c"
#include "nncore/float64.h"
#include "silu.c"

const nnc_activation NNC_TABLE(activation, silu) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = silu_forward_f32,
    .forward_f64 = silu_forward_f64,
    .backward_f32 = silu_backward_f32,
    .backward_f64 = silu_backward_f64,
    .forward_with_slope_f32 = silu_forward_with_slope_f32,
    .forward_with_slope_f64 = silu_forward_with_slope_f64,
};

#else

/* What φ and its slope are made of. */
typedef struct F(parts) {
    T near, one, sum; /* 1, 1 + w */
    T share, part;    /* 1 / (1 + w), w / (1 + w) */
} F(parts);

NNC_INLINE F(parts) F(parts_of)(T z) {
    T near = F(nnc_moderate)(z), w = F(nnc_lifted_exp)(near), one = F(nnc_lifted_one)(), sum = one + w, share = 1 / sum;
    return (F(parts)){near, one, sum, share, w * share};
}

/* near, as infinity times 0 would be NaN */
NNC_INLINE T F(value)(F(parts) p, T z) { return (z > p.near ? z : p.near) * p.part; }

NNC_INLINE T F(slope)(F(parts) p) { return p.part * (F(nnc_fma)(p.near, p.one, p.sum) * p.share); }

static int32_t F(silu_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) a[i] = F(value)(F(parts_of)(z[i]), z[i]);
    return 0;
}

static int32_t F(silu_forward_with_slope)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a, *slope = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        F(parts) p = F(parts_of)(z[i]);
        a[i] = F(value)(p, z[i]);
        slope[i] = F(slope)(p);
    }
    return 0;
}

static int32_t F(silu_backward)(const nnc_activation_call *call) {
    const T *z = call->z, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) d_z[i] = d_a[i] * F(slope)(F(parts_of)(z[i]));
    return 0;
}

#endif
