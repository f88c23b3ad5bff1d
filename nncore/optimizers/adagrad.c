/* r += g^2, w -= lr g / (epsilon + sqrt(r)). hyper: lr, epsilon. state: r. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "adagrad.c"
#include "nncore/float64.h"
#include "adagrad.c"

const nnc_optimizer NNC_TABLE(optimizer, adagrad) = {
    NNC_HEAD(nnc_optimizer), adagrad_step_f32, adagrad_step_f64, NULL, NULL,
};

#else

static int32_t F(adagrad_step)(T *w, const T *g, T *state, int64_t n, int64_t t, const double *hyper, int64_t stride) {
    (void)t, (void)stride;
    T lr = (T)hyper[0], epsilon = (T)hyper[1];
    T *r = state;
    for (int64_t i = 0; i < n; i++) {
        r[i] += g[i] * g[i];
        w[i] -= lr * g[i] / (epsilon + sqrt(r[i]));
    }
    return 0;
}

#endif
