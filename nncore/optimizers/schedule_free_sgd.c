/* Schedule-free SGD (Defazio et al. 2024); the parameters w are its y. hyper: lr, beta, lambda, warmup_steps. state: z - y. */
#ifndef T
#include "../_core/kernels/level.h"
#include "schedule_free.h"

#include "nncore/float32.h"
#include "schedule_free_sgd.c"
#include "nncore/float64.h"
#include "schedule_free_sgd.c"

const nnc_optimizer NNC_TABLE(optimizer, schedule_free_sgd) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = schedule_free_sgd_step_f32,
    .step_f64 = schedule_free_sgd_step_f64,
};

#else

static int32_t F(schedule_free_sgd_step)(const nnc_optimizer_call *call) {
    T *w = call->w, *ahead = call->state;
    const T *g = call->g;
    const double *hyper = call->site->hyper;
    double t = (double)call->t, beta = hyper[1], warmup = hyper[3];
    double rate = t < warmup ? hyper[0] * (t / warmup) : hyper[0], newest = weight_of_newest(t, warmup);
    T pull = (T)newest, w_rate = (T)(rate * (1 - beta * (1 - newest))), ahead_rate = (T)(rate * beta), kept = (T)(1 - newest);
    T decay = (T)hyper[2];
    for (int64_t i = 0; i < call->n; i++) {
        T u = g[i] + decay * w[i];
        w[i] += pull * ahead[i] - w_rate * u;
        ahead[i] = kept * (ahead[i] - ahead_rate * u);
    }
    return 0;
}

#endif
