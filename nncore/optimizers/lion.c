/* Lion (Chen et al. 2023). hyper: lr, beta1, beta2, lambda. state: m. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "lion.c"
#include "nncore/float64.h"
#include "lion.c"

const nnc_optimizer NNC_TABLE(optimizer, lion) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = lion_step_f32,
    .step_f64 = lion_step_f64,
};

#else

static int32_t F(lion_step)(const nnc_optimizer_call *call) {
    T *w = call->w, *m = call->state;
    const T *g = call->g;
    int64_t n = call->n;
    const double *hyper = call->site->hyper;
    T lr = (T)hyper[0], keep = (T)(1 - hyper[0] * hyper[3]);
    T b1 = (T)hyper[1], rest1 = (T)(1 - hyper[1]), b2 = (T)hyper[2], rest2 = (T)(1 - hyper[2]);
    for (int64_t i = 0; i < n; i++) {
        T mean = F(nnc_fma)(b1, m[i], rest1 * g[i]);
        T sign = mean > 0 ? 1 : mean < 0 ? -1 : mean; /* 0 and NaN stay */
        w[i] = F(nnc_fma)(keep, w[i], -lr * sign);
        m[i] = F(nnc_fma)(b2, m[i], rest2 * g[i]);
    }
    return 0;
}

#endif
