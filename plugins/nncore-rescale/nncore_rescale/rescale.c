/* y = gain x + shift, feature by feature; d_gain = sum over rows of d_y x, d_shift of d_y, d_x = gain d_y.
 * parameters: gain (n,), then shift (n,), in the order of the plan. */
#ifndef T
#include "nncore/plugin.h"

#include "nncore/float32.h"
#include "rescale.c"
#include "nncore/float64.h"
#include "rescale.c"

const nnc_layer nncore_rescale_rescale = {
    NNC_HEAD(nnc_layer), rescale_forward_f32, rescale_forward_f64, rescale_backward_f32, rescale_backward_f64,
};

#else

static int32_t F(rescale_forward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n = call->n_inputs;
    const T *x = call->x;                                     /* (n_rows, n) */
    T *y = call->y;                                           /* (n_rows, n) */
    const T *gain = call->parameters, *shift = gain + n;      /* (n,) each */

    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < n; j++) y[i * n + j] = gain[j] * x[i * n + j] + shift[j];
    return 0;
}

static int32_t F(rescale_backward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n = call->n_inputs;
    const T *x = call->x, *d_y = call->d_y;                   /* (n_rows, n) */
    T *d_x = call->d_x;                                       /* (n_rows, n) or NULL */
    const T *gain = call->parameters;                         /* (n,) */
    T *d_gain = call->d_parameters, *d_shift = d_gain + n;    /* (n,) each */

    for (int64_t j = 0; j < n; j++) d_gain[j] = d_shift[j] = 0;
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < n; j++) {
            d_gain[j] += d_y[i * n + j] * x[i * n + j];
            d_shift[j] += d_y[i * n + j];
        }
    for (int64_t i = 0; d_x != NULL && i < n_rows; i++)
        for (int64_t j = 0; j < n; j++) d_x[i * n + j] = gain[j] * d_y[i * n + j];
    return 0;
}

#endif
