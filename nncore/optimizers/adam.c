/* Adam (Kingma & Ba 2015). hyper: lr, beta1, beta2, epsilon, epsilon_inside, amsgrad (0 or 1). state: m, v, and with amsgrad the highest
 * v. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "adam.c"
#include "nncore/float64.h"
#include "adam.c"

const nnc_optimizer NNC_TABLE(optimizer, adam) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = adam_step_f32,
    .step_f64 = adam_step_f64,
};

#else
#include "adam_pass.h"

static int32_t F(adam_step)(const nnc_optimizer_call *call) {
    T *w = call->w, *state = call->state;
    const T *g = call->g;
    int64_t n = call->n, t = call->t, stride = call->stride;
    const double *hyper = call->site->hyper;
    double epsilon = hyper[3];
    double inside = hyper[4] != 0 ? epsilon : 0, outside = hyper[4] != 0 ? 0 : epsilon;
    T *v = state + stride;
    if (hyper[5] == 0) F(adam_pass)(w, g, state, v, n, t, hyper[0], hyper[1], hyper[2], inside, outside, 1);
    else F(adam_pass_of_highest)(w, g, state, v, v + stride, n, t, hyper[0], hyper[1], hyper[2], inside, outside, 1);
    return 0;
}

#endif
