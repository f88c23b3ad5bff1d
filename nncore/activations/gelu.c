/* a = z Phi(z), Phi the distribution function of the standard normal; d_z = d_a (Phi(z) + z exp(-z^2 / 2) / sqrt(2 pi)). If hyper[0] is
 * set, Phi(z) is approximated by 1 / (1 + exp(-2u)) = (1 + tanh(u)) / 2, with 2u = z (LINEAR + CUBIC z^2). */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

#define LINEAR 1.5957691216057307117597842397375
#define CUBIC (LINEAR * 0.044715)
#define DENSITY_AT_0 0.39894228040143267793994605993438 /* 1 / sqrt(2 pi) */

/* The approximation is 0 below -FAR. There z is clamped, as infinity times 0 would be NaN. Its slope is 1 above LIMIT. */
#define FAR 30
#define LIMIT 8

#include "nncore/float32.h"
#include "gelu.c"
#include "nncore/float64.h"
#include "gelu.c"

const nnc_activation NNC_TABLE(activation, gelu) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = gelu_forward_f32,
    .forward_f64 = gelu_forward_f64,
    .backward_f32 = gelu_backward_f32,
    .backward_f64 = gelu_backward_f64,
    .forward_with_slope_f32 = gelu_forward_with_slope_f32,
    .forward_with_slope_f64 = gelu_forward_with_slope_f64,
};

#else

/* φ(z) and its slope. Compilers drop the slope where it is not used. */
typedef struct F(pair) {
    T value, slope;
} F(pair);

NNC_INLINE F(pair) F(exact)(T z) {
    F(nnc_normal_parts) normal = F(nnc_split_normal)(F(nnc_magnitude)(z));
    T share = 1 / normal.ratio;
    T below = F(nnc_times_moderate_power)((normal.x * normal.e.p + normal.x) * share, normal.e.k); /* |z| Phi(-|z|) */
    T slope = (share - normal.x * (T)DENSITY_AT_0) * (1 + normal.e.p);
    slope = F(nnc_times_moderate_power)(slope, normal.e.k); /* at -|z| */
    return (F(pair)){(z > 0 ? z : 0) - below, z > 0 ? 1 - slope : slope};
}

NNC_INLINE F(pair) F(approximate)(T z) {
    T left = z < -FAR ? -FAR : z, near = left > LIMIT ? LIMIT : left;
    T cubic = (T)CUBIC * near * near, slope = near * ((T)LINEAR + 3 * cubic);
    T w = F(nnc_lifted_exp)(F(nnc_moderate)(near * ((T)LINEAR + cubic))), one = F(nnc_lifted_one)(), sum = one + w, share = 1 / sum;
    T part = w * share; /* sigmoid */
    return (F(pair)){left * part, part * (F(nnc_fma)(slope, one, sum) * share)};
}

static int32_t F(gelu_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    if (hyper[0] == 0) {
        for (int64_t i = 0; i < n; i++) a[i] = F(exact)(z[i]).value;
    } else {
        for (int64_t i = 0; i < n; i++) a[i] = F(approximate)(z[i]).value;
    }
    return 0;
}

static int32_t F(gelu_forward_with_slope)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a, *slope = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    if (hyper[0] == 0) {
        for (int64_t i = 0; i < n; i++) {
            F(pair) phi = F(exact)(z[i]);
            a[i] = phi.value;
            slope[i] = phi.slope;
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            F(pair) phi = F(approximate)(z[i]);
            a[i] = phi.value;
            slope[i] = phi.slope;
        }
    }
    return 0;
}

static int32_t F(gelu_backward)(const nnc_activation_call *call) {
    const T *z = call->z, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    if (hyper[0] == 0) {
        for (int64_t i = 0; i < n; i++) d_z[i] = d_a[i] * F(exact)(z[i]).slope;
    } else {
        for (int64_t i = 0; i < n; i++) d_z[i] = d_a[i] * F(approximate)(z[i]).slope;
    }
    return 0;
}

#endif
