/* CutMix: replaces some columns of each row by those of another row, the same columns in the whole batch. hyper[0] is alpha. */
#ifndef T
#include "../_core/kernels/level.h"
#include "mixing.h"

/* Columns whose random words are drawn together. */
#define PART 512

#include "nncore/float32.h"
#include "cutmix.c"
#include "nncore/float64.h"
#include "cutmix.c"

const nnc_transform NNC_TABLE(transform, cutmix) = {
    NNC_HEAD(nnc_transform),
    cutmix_apply_f32,
    cutmix_apply_f64,
};

#else

#include "mixing.h"

static int32_t F(cutmix_apply)(const nnc_transform_call *call) {
    mixing drawn = draw(call);
    const nnc_site *site = call->site;
    int64_t n_inputs = call->n_inputs, n_taken = 0, n_free = 0;
    uint32_t threshold = (uint32_t)((1 - drawn.share) * TWO_TO_32); /* a word below it takes its column from the other row */
    for (int64_t first = 0; first < n_inputs; first += PART) {
        uint32_t words[PART];
        int64_t taken[PART], n = 0, m = nnc_least(n_inputs - first, PART);
        site->host->random_words(site->seed, site->step, site->layer, 4 + first, m, words);
        for (int64_t j = 0; j < m; j++) {
            n_free += call->columns[first + j] != 0;
            if (call->columns[first + j] && words[j] < threshold) taken[n++] = first + j;
        }
        n_taken += n;
        for (int64_t i = 0; n && i < call->n_rows; i++) {
            int64_t row = call->first_row + i, partner = (row + drawn.distance) % call->batch_rows;
            const T *own = (const T *)call->source + row * n_inputs, *other = (const T *)call->source + partner * n_inputs;
            T *restrict x = (T *)call->x + i * n_inputs;
            for (int64_t k = 0; k < n; k++) {
                int64_t j = taken[k];
                x[j] = own[j] == own[j] && other[j] == other[j] ? other[j] : own[j]; /* missing stays missing, and known stays known */
            }
        }
    }
    T share = n_free ? (T)(1 - (double)n_taken / (double)n_free) : 1;
    for (int64_t i = 0; i < call->n_rows; i++) F(mix_target)(call, i, (call->first_row + i + drawn.distance) % call->batch_rows, share);
    return 0;
}

#endif
