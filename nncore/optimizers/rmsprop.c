/* RMSprop: r = rho r + (1 - rho) g^2, w -= lr g / (epsilon + sqrt(r)). hyper: lr, rho, epsilon, centered (0 or 1). state: r, and with
 * centered the mean of g, whose square is subtracted from r. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "rmsprop.c"
#include "nncore/float64.h"
#include "rmsprop.c"

const nnc_optimizer NNC_TABLE(optimizer, rmsprop) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = rmsprop_step_f32,
    .step_f64 = rmsprop_step_f64,
};

#else

static int32_t F(rmsprop_step)(const nnc_optimizer_call *call) {
    T *w = call->w, *r = call->state;
    const T *g = call->g;
    int64_t n = call->n;
    const double *hyper = call->site->hyper;
    T lr = (T)hyper[0], rho = (T)hyper[1], rest = (T)(1 - hyper[1]), epsilon = (T)hyper[2];
    if (hyper[3] == 0) {
        for (int64_t i = 0; i < n; i++) {
            r[i] = F(nnc_fma)(rho, r[i], rest * g[i] * g[i]);
            w[i] -= lr * g[i] / (epsilon + sqrt(r[i]));
        }
        return 0;
    }
    T *mean = r + call->stride;
    for (int64_t i = 0; i < n; i++) {
        r[i] = F(nnc_fma)(rho, r[i], rest * g[i] * g[i]);
        mean[i] = F(nnc_fma)(rho, mean[i], rest * g[i]);
        T variance = r[i] - mean[i] * mean[i];
        w[i] -= lr * g[i] / (epsilon + sqrt(variance > 0 ? variance : 0)); /* below 0 only by rounding */
    }
    return 0;
}

#endif
