/* y = x + std * N(0, 1). The noise is drawn anew for every step. hyper[0] is std. */
#ifndef T
#include <string.h>

#include "../_core/kernels/noise.h"

#include "nncore/float32.h"
#include "gaussian_noise.c"
#include "nncore/float64.h"
#include "gaussian_noise.c"

const nnc_layer NNC_TABLE(layer, gaussian_noise) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = gaussian_noise_forward_f32,
    .forward_f64 = gaussian_noise_forward_f64,
    .backward_f32 = gaussian_noise_backward_f32,
    .backward_f64 = gaussian_noise_backward_f64,
};

#else

static int32_t F(gaussian_noise_forward)(const nnc_layer_call *call) {
    int64_t n = call->n_rows * call->n_inputs;
    memcpy(call->y, call->x, (size_t)n * sizeof(T));
    F(nnc_add_noise)(call->site, call->first_row * call->n_inputs, n, call->y);
    return 0;
}

static int32_t F(gaussian_noise_backward)(const nnc_layer_call *call) {
    if (call->d_x != NULL) memcpy(call->d_x, call->d_y, (size_t)(call->n_rows * call->n_inputs) * sizeof(T));
    return 0;
}

#endif
