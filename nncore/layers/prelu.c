/* y = x where x > 0, else slope x. Parameters: the slope (n,). */
#ifndef T
#include "../_core/kernels/level.h"

#define FACTOR(i, k) (x[k] > 0 ? 0 : x[k])

#include "nncore/float32.h"
#include "prelu.c"
#include "nncore/float64.h"
#include "prelu.c"

const nnc_layer NNC_TABLE(layer, prelu) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = prelu_forward_f32,
    .forward_f64 = prelu_forward_f64,
    .backward_f32 = prelu_backward_f32,
    .backward_f64 = prelu_backward_f64,
    .gradient_f32 = prelu_gradient_f32,
    .gradient_f64 = prelu_gradient_f64,
};

#else
#include "../_core/kernels/row_products.h"

/* to = from where x > 0, else slope from; all (n_rows, n). */
static void F(bend)(const nnc_layer_call *call, const T *from, T *to) {
    int64_t n = call->n_inputs;
    const T *x = call->x, *slope = call->parameters; /* (n_rows, n), (n,) */
    for (int64_t i = 0; i < call->n_rows; i++, x += n, from += n, to += n)
        for (int64_t j = 0; j < n; j++) {
            T below = slope[j] * from[j];
            to[j] = x[j] > 0 ? from[j] : below;
        }
}

static int32_t F(prelu_forward)(const nnc_layer_call *call) {
    F(bend)(call, call->x, call->y);
    return 0;
}

static int32_t F(prelu_backward)(const nnc_layer_call *call) {
    F(bend)(call, call->d_y, call->d_x);
    return 0;
}

static int32_t F(prelu_gradient)(const nnc_layer_call *call) {
    F(row_products)(call);
    return 0;
}

#endif
