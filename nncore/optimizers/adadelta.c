/* Adadelta (Zeiler 2012). hyper: lr, rho, epsilon. state: running means of squared gradients, and of squared steps. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "adadelta.c"
#include "nncore/float64.h"
#include "adadelta.c"

const nnc_optimizer NNC_TABLE(optimizer, adadelta) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = adadelta_step_f32,
    .step_f64 = adadelta_step_f64,
};

#else

static int32_t F(adadelta_step)(const nnc_optimizer_call *call) {
    T *w = call->w, *r = call->state, *d = r + call->stride;
    const T *g = call->g;
    int64_t n = call->n;
    const double *hyper = call->site->hyper;
    T lr = (T)hyper[0], rho = (T)hyper[1], rest = (T)(1 - hyper[1]), epsilon = (T)hyper[2];
    for (int64_t i = 0; i < n; i++) {
        r[i] = F(nnc_fma)(rho, r[i], rest * g[i] * g[i]);
        T step = sqrt(d[i] + epsilon) / sqrt(r[i] + epsilon) * g[i];
        w[i] -= lr * step;
        d[i] = F(nnc_fma)(rho, d[i], rest * step * step);
    }
    return 0;
}

#endif
