/* y = a f(b). a and b are the halves of x, and f is the activation of the call, whose numbers are hyper. numbers[0]: whether backward of
 * f reads b, or else f(b). Cache: f(b), (n_rows, n). f is called for one row at a time, whose half b is contiguous. */
#ifndef T
#include "../_core/kernels/level.h"

#include "nncore/float32.h"
#include "glu.c"
#include "nncore/float64.h"
#include "glu.c"

const nnc_layer NNC_TABLE(layer, glu) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = glu_forward_f32,
    .forward_f64 = glu_forward_f64,
    .backward_f32 = glu_backward_f32,
    .backward_f64 = glu_backward_f64,
};

#else

static int32_t F(glu_forward)(const nnc_layer_call *call) {
    int64_t n = call->n_outputs;
    const T *x = call->x;                                          /* (n_rows, 2 n) */
    T *y = call->y, *gate = call->cache != NULL ? call->cache : y; /* (n_rows, n), . */
    int32_t status = 0;
    for (int64_t i = 0; i < call->n_rows; i++, x += 2 * n, y += n, gate += n) {
        nnc_activation_call inner = {sizeof inner, call->site, x + n, gate, NULL, NULL, 1, n};
        status |= call->activation->F(forward)(&inner);
        for (int64_t j = 0; j < n; j++) y[j] = x[j] * gate[j];
    }
    return status;
}

static int32_t F(glu_backward)(const nnc_layer_call *call) {
    if (call->d_x == NULL) return 0;
    int64_t n = call->n_outputs, reads_b = call->site->numbers[0];
    const T *x = call->x, *d_y = call->d_y;  /* (n_rows, 2 n), (n_rows, n) */
    T *d_x = call->d_x, *gate = call->cache; /* (n_rows, 2 n), (n_rows, n) */
    int32_t status = 0;
    for (int64_t i = 0; i < call->n_rows; i++, x += 2 * n, d_x += 2 * n, d_y += n, gate += n) {
        for (int64_t j = 0; j < n; j++) {
            d_x[j] = gate[j] * d_y[j];
            d_x[n + j] = x[j] * d_y[j];
        }
        const T *z = reads_b != 0 ? x + n : gate;
        nnc_activation_call inner = {sizeof inner, call->site, z, gate, d_x + n, d_x + n, 1, n};
        status |= call->activation->F(backward)(&inner);
    }
    return status;
}

#endif
