/* Schedule-free AdamW (Defazio et al. 2024); the parameters w are its y. hyper: lr, beta1, beta2, epsilon, lambda, warmup_steps. state:
 * z - y, v. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"
#include "schedule_free.h"

#include "nncore/float32.h"
#include "schedule_free.c"
#include "nncore/float64.h"
#include "schedule_free.c"

const nnc_optimizer NNC_TABLE(optimizer, schedule_free) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = schedule_free_step_f32,
    .step_f64 = schedule_free_step_f64,
};

#else
#include "adam_pass.h"

static int32_t F(schedule_free_step)(const nnc_optimizer_call *call) {
    T *w = call->w, *ahead = call->state, *v = ahead + call->stride;
    const T *g = call->g;
    int64_t n = call->n;
    const double *hyper = call->site->hyper;
    double t = (double)call->t, beta1 = hyper[1], beta2 = hyper[2], warmup = hyper[5];
    double rate = t < warmup ? hyper[0] * (t / warmup) : hyper[0], newest = weight_of_newest(t, warmup);
    T b2 = (T)beta2, rest2 = (T)(1 - beta2), v_scale = (T)(1 / F(without_power)(beta2, call->t)), epsilon = (T)hyper[3],
      decay = (T)hyper[4];
    T pull = (T)newest, y_rate = (T)(rate * (1 - beta1 * (1 - newest))), ahead_rate = (T)(rate * beta1), kept = (T)(1 - newest);
    for (int64_t i = 0; i < n; i++) {
        v[i] = F(nnc_fma)(b2, v[i], rest2 * g[i] * g[i]);
        T u = g[i] / (sqrt(v_scale * v[i]) + epsilon) + decay * w[i];
        w[i] += pull * ahead[i] - y_rate * u;
        ahead[i] = kept * (ahead[i] - ahead_rate * u);
    }
    return 0;
}

#endif
