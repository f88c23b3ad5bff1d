/* Loshchilov & Hutter 2019: w is multiplied by 1 - lr lambda, then Adam. hyper: lr, beta1, beta2, epsilon, lambda. state: m, v. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "adamw.c"
#include "nncore/float64.h"
#include "adamw.c"

const nnc_optimizer NNC_TABLE(optimizer, adamw) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = adamw_step_f32,
    .step_f64 = adamw_step_f64,
};

#else
#include "adam_pass.h"

static int32_t F(adamw_step)(const nnc_optimizer_call *call) {
    T *w = call->w, *state = call->state;
    const T *g = call->g;
    int64_t n = call->n, t = call->t, stride = call->stride;
    const double *hyper = call->site->hyper;
    F(adam_pass)(w, g, state, state + stride, n, t, hyper[0], hyper[1], hyper[2], 0, hyper[3], 1 - hyper[0] * hyper[4]);
    return 0;
}

#endif
