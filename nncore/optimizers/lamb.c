/* LAMB (You et al. 2020). hyper: lr, beta1, beta2, epsilon, lambda. state: m, v of each tensor. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "lamb.c"
#include "nncore/float64.h"
#include "lamb.c"

const nnc_optimizer NNC_TABLE(optimizer, lamb) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = lamb_step_f32,
    .step_f64 = lamb_step_f64,
};

#else
#include "adam_pass.h"

#include "sum_of_squares.h"

static void F(lamb_tensor)(const nnc_tensor *tensor, T *update, int64_t t, const double *hyper) {
    T *w = tensor->w, *m = tensor->state[0], *v = tensor->state[1];
    const T *g = tensor->g;
    int64_t n = tensor->rows * tensor->columns;
    T of_m = (T)(1 / F(without_power)(hyper[1], t)), of_v = (T)(1 / F(without_power)(hyper[2], t)), epsilon = (T)hyper[3];
    T b1 = (T)hyper[1], rest1 = (T)(1 - hyper[1]), b2 = (T)hyper[2], rest2 = (T)(1 - hyper[2]), decay = (T)hyper[4];
    for (int64_t i = 0; i < n; i++) {
        m[i] = F(nnc_fma)(b1, m[i], rest1 * g[i]);
        v[i] = F(nnc_fma)(b2, v[i], rest2 * g[i] * g[i]);
        update[i] = F(nnc_fma)(decay, w[i], of_m * m[i] / (sqrt(of_v * v[i]) + epsilon));
    }
    double of_w = sqrt(F(sum_of_squares)(w, n)), of_update = sqrt(F(sum_of_squares)(update, n));
    T length = (T)(hyper[0] * (of_w > 0 && of_update > 0 ? of_w / of_update : 1));
    for (int64_t i = 0; i < n; i++) w[i] -= length * update[i];
}

static int32_t F(lamb_step)(const nnc_optimizer_call *call) {
    for (int64_t k = call->begin_tensor; k < call->end_tensor; k++)
        F(lamb_tensor)(&call->tensors[k], call->site->work, call->t, call->site->hyper);
    return 0;
}

#endif
