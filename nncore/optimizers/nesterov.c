/* SGD with Nesterov momentum: v = rho v + g, w -= lr (g + rho v). hyper: lr, rho. state: v. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "nesterov.c"
#include "nncore/float64.h"
#include "nesterov.c"

const nnc_optimizer NNC_TABLE(optimizer, nesterov) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = nesterov_step_f32,
    .step_f64 = nesterov_step_f64,
};

#else

static int32_t F(nesterov_step)(const nnc_optimizer_call *call) {
    T *w = call->w, *v = call->state;
    const T *g = call->g;
    int64_t n = call->n;
    const double *hyper = call->site->hyper;
    T lr = (T)hyper[0], rho = (T)hyper[1];
    for (int64_t i = 0; i < n; i++) {
        v[i] = F(nnc_fma)(rho, v[i], g[i]);
        w[i] = F(nnc_fma)(-lr, F(nnc_fma)(rho, v[i], g[i]), w[i]);
    }
    return 0;
}

#endif
