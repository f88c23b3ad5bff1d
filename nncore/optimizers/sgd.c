/* SGD: w -= lr g. hyper: lr. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "sgd.c"
#include "nncore/float64.h"
#include "sgd.c"

const nnc_optimizer NNC_TABLE(optimizer, sgd) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = sgd_step_f32,
    .step_f64 = sgd_step_f64,
};

#else

static int32_t F(sgd_step)(const nnc_optimizer_call *call) {
    T *w = call->w;
    const T *g = call->g;
    int64_t n = call->n;
    const double *hyper = call->site->hyper;
    T lr = (T)hyper[0];
    for (int64_t i = 0; i < n; i++) w[i] = F(nnc_fma)(-lr, g[i], w[i]);
    return 0;
}

#endif
