/* Adamax (Kingma & Ba 2015, algorithm 2). hyper: lr, beta1, beta2, epsilon. state: m, u. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "adamax.c"
#include "nncore/float64.h"
#include "adamax.c"

const nnc_optimizer NNC_TABLE(optimizer, adamax) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = adamax_step_f32,
    .step_f64 = adamax_step_f64,
};

#else
#include "adam_pass.h"

static int32_t F(adamax_step)(const nnc_optimizer_call *call) {
    T *w = call->w, *m = call->state, *u = m + call->stride;
    const T *g = call->g;
    int64_t n = call->n;
    const double *hyper = call->site->hyper;
    T of_m = (T)(hyper[0] / F(without_power)(hyper[1], call->t)), b2 = (T)hyper[2], epsilon = (T)hyper[3];
    T b1 = (T)hyper[1], rest1 = (T)(1 - hyper[1]);
    for (int64_t i = 0; i < n; i++) {
        T now = fabs(g[i]) + epsilon, before = b2 * u[i];
        m[i] = F(nnc_fma)(b1, m[i], rest1 * g[i]);
        u[i] = before > now ? before : now;
        w[i] -= of_m * m[i] / u[i];
    }
    return 0;
}

#endif
