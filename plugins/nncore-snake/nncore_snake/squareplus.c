/* a = (z + sqrt(z^2 + b)) / 2; d_z = d_a / (1 + b / (4 a^2)). hyper[0] is b. squareplus.py says why it is computed in this way. */
#ifndef T
#include <tgmath.h> /* sqrt and fabs of T in T */

#include "cpu.h"
#include "nncore/plugin.h"

#include "nncore/float32.h"
#include "squareplus.c"
#include "nncore/float64.h"
#include "squareplus.c"

const nnc_activation nncore_snake_squareplus = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = squareplus_forward_f32,
    .forward_f64 = squareplus_forward_f64,
    .backward_f32 = squareplus_backward_f32,
    .backward_f64 = squareplus_backward_f64,
};

#else

FOR_EACH_CPU static int32_t F(squareplus_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    T root_b = (T)sqrt(hyper[0]), quarter_b = (T)(hyper[0] / 4);
    for (int64_t i = 0; i < n; i++) {
        T magnitude = fabs(z[i]);
        T smaller = magnitude > root_b ? root_b : magnitude, larger = magnitude < root_b ? root_b : magnitude;
        T ratio = smaller / larger;
        T positive = (magnitude + larger * sqrt(1 + ratio * ratio)) / 2;
        T negative = quarter_b / positive;
        a[i] = z[i] < 0 ? negative : positive;
    }
    return 0;
}

FOR_EACH_CPU static int32_t F(squareplus_backward)(const nnc_activation_call *call) {
    const T *a = call->a, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    T half_root_b = (T)(sqrt(hyper[0]) / 2);
    for (int64_t i = 0; i < n; i++) {
        T ratio = half_root_b / a[i];
        d_z[i] = d_a[i] / (1 + ratio * ratio);
    }
    return 0;
}

#endif
