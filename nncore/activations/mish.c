/* a = z t with t = tanh(log(1 + exp(z))); d_z = d_a (t + z (1 - t^2) sigmoid(z)). With w = exp(z) and n = w^2 + 2w, t = n / (n + 2). t
 * is 1 above moderate z, and 0 below. w and 1 are scaled by a power of two, and so n and 2 by its square. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

#include "nncore/float32.h"
#include "mish.c"
#include "nncore/float64.h"
#include "mish.c"

const nnc_activation NNC_TABLE(activation, mish) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = mish_forward_f32,
    .forward_f64 = mish_forward_f64,
    .backward_f32 = mish_backward_f32,
    .backward_f64 = mish_backward_f64,
    .forward_with_slope_f32 = mish_forward_with_slope_f32,
    .forward_with_slope_f64 = mish_forward_with_slope_f64,
};

#else

/* Common parts of φ and its slope. */
typedef struct F(parts) {
    T near, one, w, n;
    T share; /* 1 / (n + 2) */
} F(parts);

NNC_INLINE F(parts) F(parts_of)(T z) {
    T near = F(nnc_moderate)(z), w = F(nnc_lifted_exp)(near), one = F(nnc_lifted_one)(), n = w * (w + 2 * one);
    return (F(parts)){near, one, w, n, 1 / (n + 2 * one * one)};
}

/* near, as infinity times 0 would be NaN */
NNC_INLINE T F(value)(F(parts) p, T z) { return (z > p.near ? z : p.near) * (p.n * p.share); }

/* Its second term is z (1 - t^2) sigmoid(z) = 4 z w (1 + w) / (n + 2)^2. */
NNC_INLINE T F(slope)(F(parts) p) {
    T four = 4 * p.one * p.one;
    return p.share * F(nnc_fma)(four * p.near, p.w * (p.one + p.w) * p.share, p.n);
}

static int32_t F(mish_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t size = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < size; i++) a[i] = F(value)(F(parts_of)(z[i]), z[i]);
    return 0;
}

static int32_t F(mish_forward_with_slope)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a, *slope = call->d_z;
    int64_t size = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < size; i++) {
        F(parts) p = F(parts_of)(z[i]);
        a[i] = F(value)(p, z[i]);
        slope[i] = F(slope)(p);
    }
    return 0;
}

static int32_t F(mish_backward)(const nnc_activation_call *call) {
    const T *z = call->z, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t size = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < size; i++) d_z[i] = d_a[i] * F(slope)(F(parts_of)(z[i]));
    return 0;
}

#endif
