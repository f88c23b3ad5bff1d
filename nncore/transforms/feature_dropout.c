/* x = value where a feature is dropped, with probability rate. A missing value stays missing. hyper: rate, value. */
#ifndef T
#include "../_core/kernels/level.h"

/* Elements whose random words are drawn together. */
#define PART 512

#include "nncore/float32.h"
#include "feature_dropout.c"
#include "nncore/float64.h"
#include "feature_dropout.c"

const nnc_transform NNC_TABLE(transform, feature_dropout) = {
    NNC_HEAD(nnc_transform),
    feature_dropout_apply_f32,
    feature_dropout_apply_f64,
};

#else

static int32_t F(feature_dropout_apply)(const nnc_transform_call *call) {
    T *restrict x = call->x;                                                              /* (n_rows, n_inputs) */
    int64_t n = call->n_rows * call->n_inputs, before = call->first_row * call->n_inputs; /* elements of the batch */
    const nnc_site *site = call->site;
    uint32_t threshold = (uint32_t)(site->hyper[0] * 4294967296.0); /* a word below it drops its element */
    T value = (T)site->hyper[1];
    for (int64_t first = 0; first < n; first += PART, x += PART) {
        uint32_t words[PART];
        int64_t m = nnc_least(n - first, PART);
        site->host->random_words(site->seed, site->step, site->layer, before + first, m, words);
        for (int64_t i = 0; i < m; i++) x[i] = words[i] < threshold && x[i] == x[i] ? value : x[i];
    }
    return 0;
}

#endif
