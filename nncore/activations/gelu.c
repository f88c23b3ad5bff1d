/* a = z Phi(z), Phi the distribution function of the standard normal; d_z = d_a (Phi(z) + z exp(-z^2 / 2) / sqrt(2 pi)).
 * hyper[0] is set for the approximation of Phi(z) by 1 / (1 + exp(-2u)), which is (1 + tanh(u)) / 2, 2u = z (LINEAR + CUBIC z^2). */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

#define LINEAR 1.5957691216057307117597842397375
#define CUBIC (LINEAR * 0.044715)
#define DENSITY_AT_0 0.39894228040143267793994605993438 /* 1 / sqrt(2 pi) */

/* The approximation is 0 left of -FAR, where z is held, as infinity times 0 would be NaN; its slope is 1 right of LIMIT. */
#define FAR 30
#define LIMIT 8

#include "nncore/float32.h"
#include "gelu.c"
#include "nncore/float64.h"
#include "gelu.c"

const nnc_activation NNC_TABLE(activation, gelu) = {
    NNC_HEAD(nnc_activation), gelu_forward_f32, gelu_forward_f64, gelu_backward_f32, gelu_backward_f64,
};

#else

static void F(values)(const T *z, T *a, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        F(nnc_normal_parts) normal = F(nnc_split_normal)(F(nnc_magnitude)(z[i]));
        T below = F(nnc_times_moderate_power)((normal.x * normal.e.p + normal.x) / normal.ratio, normal.e.k); /* |z| Phi(-|z|) */
        a[i] = (z[i] > 0 ? z[i] : 0) - below;
    }
}

static void F(slopes)(const T *z, const T *d_a, T *d_z, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        F(nnc_normal_parts) normal = F(nnc_split_normal)(F(nnc_magnitude)(z[i]));
        T slope = (1 / normal.ratio - normal.x * (T)DENSITY_AT_0) * (1 + normal.e.p);
        slope = F(nnc_times_moderate_power)(slope, normal.e.k); /* at -|z| */
        d_z[i] = d_a[i] * (z[i] > 0 ? 1 - slope : slope);
    }
}

static void F(approximate_values)(const T *z, T *a, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        T near = z[i] < -FAR ? -FAR : z[i];
        a[i] = near * F(nnc_sigmoid)(near * ((T)LINEAR + (T)CUBIC * near * near));
    }
}

static void F(approximate_slopes)(const T *z, const T *d_a, T *d_z, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        T near = z[i] < -FAR ? -FAR : z[i];
        near = near > LIMIT ? LIMIT : near;
        T cubic = (T)CUBIC * near * near, slope = near * ((T)LINEAR + 3 * cubic);
        T w = F(nnc_exp_of_moderate)(F(nnc_moderate)(near * ((T)LINEAR + cubic))), sum = 1 + w;
        d_z[i] = d_a[i] * (w * (sum + slope) / (sum * sum));
    }
}

static int32_t F(gelu_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    (hyper[0] != 0 ? F(approximate_values) : F(values))(z, a, n);
    return 0;
}

static int32_t F(gelu_backward)(const nnc_activation_call *call) {
    const T *z = call->z, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    (hyper[0] != 0 ? F(approximate_slopes) : F(slopes))(z, d_a, d_z, n);
    return 0;
}

#endif
