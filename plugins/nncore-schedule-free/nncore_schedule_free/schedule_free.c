/* Defazio et al. 2024, with y the parameters. hyper: lr, beta1, beta2, epsilon, lambda, warmup_steps. state: z - y, v. */
#ifndef T
#include <tgmath.h>

#include "cpu.h"
#include "nncore/plugin.h"

/* lr^2 of step t over the sum of lr^2 of steps 1 to t, where it rises linearly for `warmup` steps. */
static double weight_of_newest(double t, double warmup) {
    if (t <= warmup) return 6 * t / ((t + 1) * (2 * t + 1));
    double of_warmup = warmup > 0 ? (warmup + 1) * (2 * warmup + 1) / (6 * warmup) : 0;
    return 1 / (of_warmup + t - warmup);
}

#include "nncore/float32.h"
#include "schedule_free.c"
#include "nncore/float64.h"
#include "schedule_free.c"

const nnc_optimizer nncore_schedule_free_schedule_free = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = schedule_free_step_f32,
    .step_f64 = schedule_free_step_f64,
};

#else

FOR_EACH_CPU static int32_t F(schedule_free_step)(const nnc_optimizer_call *call) {
    T *w = call->w, *ahead = call->state, *v = ahead + call->stride;
    const T *g = call->g;
    int64_t n = call->n;
    const double *hyper = call->site->hyper;
    double t = (double)call->t, beta1 = hyper[1], beta2 = hyper[2], warmup = hyper[5];
    double rate = t < warmup ? hyper[0] * (t / warmup) : hyper[0], newest = weight_of_newest(t, warmup);
    T b2 = (T)beta2, rest2 = (T)(1 - beta2), v_scale = (T)(1 / (1 - pow(beta2, t))), epsilon = (T)hyper[3], decay = (T)hyper[4];
    T pull = (T)newest, y_rate = (T)(rate * (1 - beta1 * (1 - newest))), ahead_rate = (T)(rate * beta1), kept = (T)(1 - newest);
    for (int64_t i = 0; i < n; i++) {
        v[i] = b2 * v[i] + rest2 * g[i] * g[i];
        T u = g[i] / (sqrt(v_scale * v[i]) + epsilon) + decay * w[i];
        w[i] += pull * ahead[i] - y_rate * u;
        ahead[i] = kept * (ahead[i] - ahead_rate * u);
    }
    return 0;
}

#endif
