/* v = rho v + g, w -= lr v. hyper: lr, rho. state: v. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "momentum.c"
#include "nncore/float64.h"
#include "momentum.c"

const nnc_optimizer NNC_TABLE(optimizer, momentum) = {
    NNC_HEAD(nnc_optimizer), momentum_step_f32, momentum_step_f64, NULL, NULL,
};

#else

static int32_t F(momentum_step)(T *w, const T *g, T *state, int64_t n, int64_t t, const double *hyper, int64_t stride) {
    (void)t, (void)stride;
    T lr = (T)hyper[0], rho = (T)hyper[1];
    T *v = state;
    for (int64_t i = 0; i < n; i++) {
        v[i] = rho * v[i] + g[i];
        w[i] -= lr * v[i];
    }
    return 0;
}

#endif
