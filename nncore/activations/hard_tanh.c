/* a = min(max(z + shift, low), high) slope, with shift, low, high and slope in hyper; d_z = d_a slope between the bounds, 0 at them.
 * This kernel serves hard_tanh, relu6 and hard_sigmoid. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "hard_tanh.c"
#include "nncore/float64.h"
#include "hard_tanh.c"

const nnc_activation NNC_TABLE(activation, hard_tanh) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = hard_tanh_forward_f32,
    .forward_f64 = hard_tanh_forward_f64,
    .backward_f32 = hard_tanh_backward_f32,
    .backward_f64 = hard_tanh_backward_f64,
};

#else

static int32_t F(hard_tanh_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    T shift = (T)hyper[0], low = (T)hyper[1], high = (T)hyper[2], slope = (T)hyper[3];
    for (int64_t i = 0; i < n; i++) {
        T held = z[i] + shift; /* NaN passes */
        held = held < low ? low : held;
        a[i] = (held > high ? high : held) * slope;
    }
    return 0;
}

static int32_t F(hard_tanh_backward)(const nnc_activation_call *call) {
    const T *a = call->a, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    T slope = (T)hyper[3], low = (T)hyper[1] * slope, high = (T)hyper[2] * slope;
    for (int64_t i = 0; i < n; i++) {
        T d = d_a[i] * slope; /* computed in either case, so that the loop has no branch */
        d_z[i] = a[i] <= low || a[i] >= high ? 0 : d;
    }
    return 0;
}

#endif
