/* y = x * mask / (1 - rate). The mask is drawn anew for every step. hyper[0] is the rate. Cache: the factors, 0 or 1 / (1 - rate). */
#ifndef T
#include "../_core/kernels/level.h"

/* Elements whose random words are drawn together. */
#define PART 512

#include "nncore/float32.h"
#include "dropout.c"
#include "nncore/float64.h"
#include "dropout.c"

const nnc_layer NNC_TABLE(layer, dropout) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = dropout_forward_f32,
    .forward_f64 = dropout_forward_f64,
    .backward_f32 = dropout_backward_f32,
    .backward_f64 = dropout_backward_f64,
};

#else

static int32_t F(dropout_forward)(const nnc_layer_call *call) {
    const T *restrict x = call->x;                                                        /* (n_rows, n_inputs) */
    T *restrict y = call->y;                                                              /* (n_rows, n_inputs) */
    T *restrict factor = call->cache;                                                     /* (n_rows, n_inputs) */
    int64_t n = call->n_rows * call->n_inputs, before = call->first_row * call->n_inputs; /* elements of the batch */
    const nnc_site *site = call->site;
    double rate = site->hyper[0];
    T kept = (T)(1.0 / (1.0 - rate));
    uint32_t threshold = (uint32_t)(rate * 4294967296.0); /* a word below it drops its element */
    for (int64_t first = 0; first < n; first += PART, x += PART, y += PART, factor += PART) {
        uint32_t words[PART];
        int64_t m = nnc_least(n - first, PART);
        site->host->random_words(site->seed, site->step, site->layer, before + first, m, words);
        for (int64_t i = 0; i < m; i++) {
            factor[i] = words[i] < threshold ? 0 : kept;
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
