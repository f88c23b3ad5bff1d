/* Lookahead (Zhang et al. 2019). hyper: every, alpha. state: w - phi, where phi are the slow weights; during a step phi itself. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "lookahead.c"
#include "nncore/float64.h"
#include "lookahead.c"

const nnc_optimizer NNC_TABLE(optimizer, lookahead) = {
    .head = NNC_HEAD(nnc_optimizer),
    .before_step_f32 = lookahead_before_f32,
    .before_step_f64 = lookahead_before_f64,
    .after_step_f32 = lookahead_after_f32,
    .after_step_f64 = lookahead_after_f64,
};

#else

static int32_t F(lookahead_before)(const nnc_optimizer_call *call) {
    const T *w = call->w;
    T *ahead = call->state;
    for (int64_t i = 0; i < call->n; i++) ahead[i] = w[i] - ahead[i];
    return 0;
}

static int32_t F(lookahead_after)(const nnc_optimizer_call *call) {
    T *w = call->w, *ahead = call->state;
    const double *hyper = call->site->hyper;
    T alpha = (T)hyper[1];
    if (call->t % (int64_t)hyper[0] != 0) {
        for (int64_t i = 0; i < call->n; i++) ahead[i] = w[i] - ahead[i];
        return 0;
    }
    for (int64_t i = 0; i < call->n; i++) {
        w[i] = alpha * (w[i] - ahead[i]) + ahead[i];
        ahead[i] = 0;
    }
    return 0;
}

#endif
