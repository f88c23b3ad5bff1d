/* y = x * mask / (1 - rate), mask drawn anew for every step. hyper[0] is the rate. cache: the factors, 0 or 1 / (1 - rate). */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/philox.h"
#include "nncore/float32.h"
#include "dropout.c"
#include "nncore/float64.h"
#include "dropout.c"

const nnc_layer NNC_TABLE(layer, dropout) = {
    NNC_HEAD(nnc_layer), dropout_forward_f32, dropout_forward_f64, dropout_backward_f32, dropout_backward_f64, NULL, NULL,
};

#else

static int32_t F(dropout_forward)(const nnc_layer_call *call) {
    const T *restrict x = call->x;                                                        /* (n_rows, n_inputs) */
    T *restrict y = call->y;                                                              /* (n_rows, n_inputs) */
    T *restrict factor = call->cache;                                                     /* (n_rows, n_inputs) */
    int64_t n = call->n_rows * call->n_inputs, before = call->first_row * call->n_inputs; /* elements of the batch */
    double rate = call->site->hyper[0];
    T kept = (T)(1.0 / (1.0 - rate));
    uint32_t threshold = (uint32_t)(rate * 4294967296.0); /* a word below it drops its element */
    for (int64_t first = -(before % 4); first < n; first += NNC_PHILOX_WORDS) {
        uint32_t words[NNC_PHILOX_WORDS];
        nnc_philox(call->site->seed, (uint64_t)call->site->step, (uint32_t)call->site->layer, (uint32_t)((before + first) / 4), words);
        int64_t begin = first < 0 ? 0 : first, end = nnc_least(n, first + NNC_PHILOX_WORDS);
        for (int64_t i = begin; i < end; i++) {
            factor[i] = words[i - first] < threshold ? 0 : kept;
            y[i] = x[i] * factor[i];
        }
    }
    return 0;
}

static int32_t F(dropout_backward)(const nnc_layer_call *call) {
    if (call->d_x == NULL) return 0;
    const T *d_y = call->d_y, *factor = call->cache; /* (n_rows, n_inputs) */
    T *d_x = call->d_x;                              /* (n_rows, n_inputs) */
    int64_t n = call->n_rows * call->n_inputs;
    for (int64_t i = 0; i < n; i++) d_x[i] = d_y[i] * factor[i];
    return 0;
}

#endif
