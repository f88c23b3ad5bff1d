/* y = x, repeated for each member: (d,) becomes (k, d). */
#ifndef T
#include "../_core/kernels/level.h"

#include "nncore/float32.h"
#include "repeat_members.c"
#include "nncore/float64.h"
#include "repeat_members.c"

const nnc_layer NNC_TABLE(layer, repeat_members) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = repeat_forward_f32,
    .forward_f64 = repeat_forward_f64,
    .backward_f32 = repeat_backward_f32,
    .backward_f64 = repeat_backward_f64,
    .gradient_f32 = 0,
    .gradient_f64 = 0,
};

#else

static int32_t F(repeat_forward)(const nnc_layer_call *call) {
    int64_t k = call->site->output_shape[0], d = call->n_inputs;
    const T *x = call->x;
    T *y = call->y;
    for (int64_t row = 0; row < call->n_rows; row++, x += d)
        for (int64_t j = 0; j < k; j++, y += d)
            for (int64_t i = 0; i < d; i++) y[i] = x[i];
    return 0;
}

static int32_t F(repeat_backward)(const nnc_layer_call *call) {
    int64_t k = call->site->output_shape[0], d = call->n_inputs;
    const T *d_y = call->d_y;
    T *d_x = call->d_x;
    for (int64_t row = 0; row < call->n_rows; row++, d_x += d) {
        for (int64_t i = 0; i < d; i++) d_x[i] = d_y[i];
        d_y += d;
        for (int64_t j = 1; j < k; j++, d_y += d)
            for (int64_t i = 0; i < d; i++) d_x[i] += d_y[i];
    }
    return 0;
}

#endif
