/* Adagrad: r += g^2, w -= lr g / (epsilon + sqrt(r)). hyper: lr, epsilon. state: r. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "adagrad.c"
#include "nncore/float64.h"
#include "adagrad.c"

const nnc_optimizer NNC_TABLE(optimizer, adagrad) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = adagrad_step_f32,
    .step_f64 = adagrad_step_f64,
};

#else

static int32_t F(adagrad_step)(const nnc_optimizer_call *call) {
    T *w = call->w, *r = call->state;
    const T *g = call->g;
    int64_t n = call->n;
    const double *hyper = call->site->hyper;
    T lr = (T)hyper[0], epsilon = (T)hyper[1];
    for (int64_t i = 0; i < n; i++) {
        r[i] = F(nnc_fma)(g[i], g[i], r[i]);
        w[i] -= lr * g[i] / (epsilon + sqrt(r[i]));
    }
    return 0;
}

#endif
