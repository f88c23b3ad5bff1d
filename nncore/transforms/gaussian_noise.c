/* x = x + std * N(0, 1). The noise is drawn anew for every step. hyper[0] is std. */
#ifndef T
#include "../_core/kernels/noise.h"

#include "nncore/float32.h"
#include "gaussian_noise.c"
#include "nncore/float64.h"
#include "gaussian_noise.c"

const nnc_transform NNC_TABLE(transform, gaussian_noise) = {
    NNC_HEAD(nnc_transform),
    gaussian_noise_apply_f32,
    gaussian_noise_apply_f64,
};

#else

static int32_t F(gaussian_noise_apply)(const nnc_transform_call *call) {
    F(nnc_add_noise)(call->site, call->first_row * call->n_inputs, call->n_rows * call->n_inputs, call->x);
    return 0;
}

#endif
