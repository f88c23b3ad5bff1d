/* a = z sigmoid(u) and d_z = d_a sigmoid(u) (1 + u (1 - sigmoid(u))) with u = beta z. Both are computed from w = exp(u): sigmoid(u) = w
 * / (1 + w) keeps the digits of the tail. w and 1 are scaled by the same power of two. hyper[0] is beta. */
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
#include "../_core/kernels/scaled.h"

/* Common parts of φ and its slope. */
typedef struct F(parts) {
    T near, one, sum; /* 1, 1 + w */
    T share, part;    /* 1 / (1 + w), w / (1 + w) */
} F(parts);

NNC_INLINE F(parts) F(parts_of)(T u) {
    T near = F(nnc_moderate)(u), w = F(nnc_lifted_exp)(near), one = F(nnc_lifted_one)(), sum = one + w, share = 1 / sum;
    return (F(parts)){near, one, sum, share, w * share};
}

/* near, as infinity times 0 would be NaN */
NNC_INLINE T F(value)(F(parts) p, T u) { return (u > p.near ? u : p.near) * p.part; }

NNC_INLINE T F(slope)(F(parts) p) { return p.part * (F(nnc_fma)(p.near, p.one, p.sum) * p.share); }

/* Turns a = u sigmoid(u), m numbers, into z sigmoid(u). */
NNC_INLINE void F(unscale)(T *a, T beta, int64_t m) {
    if (beta == 1) return;
    T width = 1 / beta;
    for (int64_t i = 0; i < m; i++) a[i] *= width;
}

static int32_t F(silu_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a, beta = (T)call->site->hyper[0], room[SCALED_PART];
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t m; n > 0; n -= m, z += m, a += m) {
        m = nnc_least(n, SCALED_PART);
        const T *u = F(scaled)(z, beta, m, room);
        for (int64_t i = 0; i < m; i++) a[i] = F(value)(F(parts_of)(u[i]), u[i]);
        F(unscale)(a, beta, m);
    }
    return 0;
}

static int32_t F(silu_forward_with_slope)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a, *slope = call->d_z, beta = (T)call->site->hyper[0], room[SCALED_PART];
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t m; n > 0; n -= m, z += m, a += m, slope += m) {
        m = nnc_least(n, SCALED_PART);
        const T *u = F(scaled)(z, beta, m, room);
        for (int64_t i = 0; i < m; i++) {
            F(parts) p = F(parts_of)(u[i]);
            a[i] = F(value)(p, u[i]);
            slope[i] = F(slope)(p);
        }
        F(unscale)(a, beta, m);
    }
    return 0;
}

static int32_t F(silu_backward)(const nnc_activation_call *call) {
    const T *z = call->z, *d_a = call->d_a;
    T *d_z = call->d_z, beta = (T)call->site->hyper[0], room[SCALED_PART];
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t m; n > 0; n -= m, z += m, d_a += m, d_z += m) {
        m = nnc_least(n, SCALED_PART);
        const T *u = F(scaled)(z, beta, m, room);
        for (int64_t i = 0; i < m; i++) d_z[i] = d_a[i] * F(slope)(F(parts_of)(u[i]));
    }
    return 0;
}

#endif
