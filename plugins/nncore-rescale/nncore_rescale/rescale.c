/* y = gain x + shift, feature by feature; d_gain = sum over rows of d_y x, d_shift of d_y, d_x = gain d_y.
 * parameters: gain (n,), then shift (n,), in the order of the plan. */
#ifndef T
#include "nncore/plugin.h"

#include "nncore/float32.h"
#include "rescale.c"
#include "nncore/float64.h"
#include "rescale.c"

const nnc_layer nncore_rescale_rescale = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = rescale_forward_f32,
    .forward_f64 = rescale_forward_f64,
    .backward_f32 = rescale_backward_f32,
    .backward_f64 = rescale_backward_f64,
    .gradient_f32 = rescale_gradient_f32,
    .gradient_f64 = rescale_gradient_f64,
};

#else

static int32_t F(rescale_forward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n = call->n_inputs;
    const T *x = call->x;                                /* (n_rows, n) */
    T *y = call->y;                                      /* (n_rows, n) */
    const T *gain = call->parameters, *shift = gain + n; /* (n,) each */

    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < n; j++) y[i * n + j] = gain[j] * x[i * n + j] + shift[j];
    return 0;
}

static int32_t F(rescale_backward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n = call->n_inputs;
    const T *d_y = call->d_y;         /* (n_rows, n) */
    T *d_x = call->d_x;               /* (n_rows, n) */
    const T *gain = call->parameters; /* (n,) */

    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < n; j++) d_x[i * n + j] = gain[j] * d_y[i * n + j];
    return 0;
}

/* Parameters begin .. end - 1, of which the first n are gains. */
static int32_t F(rescale_gradient)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n = call->n_inputs, begin = call->begin_parameter, end = call->end_parameter;
    int64_t end_gain = end < n ? end : n, begin_shift = begin > n ? begin : n;
    const T *x = call->x, *d_y = call->d_y; /* (n_rows, n) */
    T *d_parameters = call->d_parameters;   /* (end - begin,) */

    for (int64_t k = begin; k < end; k++) d_parameters[k - begin] = 0;
    for (int64_t i = 0; i < n_rows; i++) {
        for (int64_t k = begin; k < end_gain; k++) d_parameters[k - begin] += d_y[i * n + k] * x[i * n + k];
        for (int64_t k = begin_shift; k < end; k++) d_parameters[k - begin] += d_y[i * n + k - n];
    }
    return 0;
}

#endif
