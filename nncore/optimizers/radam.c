/* RAdam (Liu et al. 2020). hyper: lr, beta1, beta2, epsilon. state: m, v. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "radam.c"
#include "nncore/float64.h"
#include "radam.c"

const nnc_optimizer NNC_TABLE(optimizer, radam) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = radam_step_f32,
    .step_f64 = radam_step_f64,
};

#else
#include "adam_pass.h"

static int32_t F(radam_step)(const nnc_optimizer_call *call) {
    T *w = call->w, *m = call->state, *v = m + call->stride;
    const T *g = call->g;
    int64_t n = call->n, t = call->t;
    const double *hyper = call->site->hyper;
    double beta2 = hyper[2], rest = F(without_power)(beta2, t), m_scale = hyper[0] / F(without_power)(hyper[1], t);
    double longest = 2 / (1 - beta2) - 1, length = longest - 2 * (double)t * (1 - rest) / rest;
    double of_lengths = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length);
    int is_sure = length > 5; /* else a step of plain momentum: the denominator is 1 */
    F(adam_update)(w, g, m, v, n, hyper[1], beta2, is_sure ? m_scale * sqrt(of_lengths) : m_scale, is_sure ? 1 / rest : 0, 0,
                   is_sure ? hyper[3] : 1, 1);
    return 0;
}

#endif
