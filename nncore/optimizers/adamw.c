/* AdamW (Loshchilov & Hutter 2019): multiplies w by 1 - lr lambda, and then takes a step of Adam. hyper: lr, beta1, beta2, epsilon,
 * lambda, amsgrad (0 or 1). state: m, v, and with amsgrad the highest v. */
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
    double keep = 1 - hyper[0] * hyper[4];
    T *v = state + stride;
    if (hyper[5] == 0) F(adam_pass)(w, g, state, v, n, t, hyper[0], hyper[1], hyper[2], 0, hyper[3], keep);
    else F(adam_pass_of_highest)(w, g, state, v, v + stride, n, t, hyper[0], hyper[1], hyper[2], 0, hyper[3], keep);
    return 0;
}

#endif
