/* Mixup: mixes each row with another one, by one lambda from Beta(alpha, alpha) for the whole batch. hyper[0] is alpha. */
#ifndef T
#include "../_core/kernels/level.h"
#include "mixing.h"

#include "nncore/float32.h"
#include "mixup.c"
#include "nncore/float64.h"
#include "mixup.c"

const nnc_transform NNC_TABLE(transform, mixup) = {
    NNC_HEAD(nnc_transform),
    mixup_apply_f32,
    mixup_apply_f64,
};

#else

#include "mixing.h"

static int32_t F(mixup_apply)(const nnc_transform_call *call) {
    mixing drawn = draw(call);
    T share = (T)drawn.share;
    int64_t n_inputs = call->n_inputs;
    for (int64_t i = 0; i < call->n_rows; i++) {
        int64_t row = call->first_row + i, partner = (row + drawn.distance) % call->batch_rows;
        const T *own = (const T *)call->source + row * n_inputs, *other = (const T *)call->source + partner * n_inputs;
        T *restrict x = (T *)call->x + i * n_inputs;
        for (int64_t j = 0; j < n_inputs; j++) {
            T far = other[j] == other[j] ? other[j] : own[j]; /* a missing number is replaced by that of the row itself */
            x[j] = far + share * (own[j] - far);
        }
        F(mix_target)(call, i, partner, share);
    }
    return 0;
}

#endif
