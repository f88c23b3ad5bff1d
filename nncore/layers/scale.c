/* y = x s. Parameters: the scale s (n,). */
#ifndef T
#include "../_core/kernels/level.h"

#define FACTOR(i, k) x[k]

#include "nncore/float32.h"
#include "scale.c"
#include "nncore/float64.h"
#include "scale.c"

const nnc_layer NNC_TABLE(layer, scale) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = scale_forward_f32,
    .forward_f64 = scale_forward_f64,
    .backward_f32 = scale_backward_f32,
    .backward_f64 = scale_backward_f64,
    .gradient_f32 = scale_gradient_f32,
    .gradient_f64 = scale_gradient_f64,
};

#else
#include "../_core/kernels/row_products.h"

/* to = from s, both (n_rows, n) */
static void F(scale_rows)(const nnc_layer_call *call, const T *from, T *to) {
    int64_t n = call->n_inputs;
    const T *scale = call->parameters; /* (n,) */
    for (int64_t i = 0; i < call->n_rows; i++, from += n, to += n)
        for (int64_t j = 0; j < n; j++) to[j] = from[j] * scale[j];
}

static int32_t F(scale_forward)(const nnc_layer_call *call) {
    F(scale_rows)(call, call->x, call->y);
    return 0;
}

static int32_t F(scale_backward)(const nnc_layer_call *call) {
    F(scale_rows)(call, call->d_y, call->d_x);
    return 0;
}

static int32_t F(scale_gradient)(const nnc_layer_call *call) {
    F(row_products)(call);
    return 0;
}

#endif
