/* NAdam (Dozat 2016), as in torch.optim. hyper: lr, beta1, beta2, epsilon, momentum_decay. state: m, v. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"

#define SMALLEST_PRODUCT 1e-20 /* does not matter next to 1 */

/* Computes mu of this step and of the next. Returns the product of mu of all steps up to this one. */
static double momenta(double beta1, double decay, int64_t t, double *momentum, double *next) {
    double base = pow(0.96, decay), power = 1, product = 1;
    for (int64_t i = 0; i < t && product > SMALLEST_PRODUCT; i++) {
        power *= base;
        product *= beta1 * (1 - 0.5 * power);
    }
    *momentum = beta1 * (1 - 0.5 * pow(base, (double)t));
    *next = beta1 * (1 - 0.5 * pow(base, (double)t + 1));
    return product;
}

#include "nncore/float32.h"
#include "nadam.c"
#include "nncore/float64.h"
#include "nadam.c"

const nnc_optimizer NNC_TABLE(optimizer, nadam) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = nadam_step_f32,
    .step_f64 = nadam_step_f64,
};

#else
#include "adam_pass.h"

static int32_t F(nadam_step)(const nnc_optimizer_call *call) {
    T *w = call->w, *m = call->state, *v = m + call->stride;
    const T *g = call->g;
    int64_t n = call->n;
    const double *hyper = call->site->hyper;
    double lr = hyper[0], momentum, next, product = momenta(hyper[1], hyper[4], call->t, &momentum, &next);
    T of_g = (T)(lr * (1 - momentum) / (1 - product)), of_m = (T)(lr * next / (1 - product * next));
    T of_v = (T)(1 / F(without_power)(hyper[2], call->t)), epsilon = (T)hyper[3];
    T b1 = (T)hyper[1], rest1 = (T)(1 - hyper[1]), b2 = (T)hyper[2], rest2 = (T)(1 - hyper[2]);
    for (int64_t i = 0; i < n; i++) {
        m[i] = F(nnc_fma)(b1, m[i], rest1 * g[i]);
        v[i] = F(nnc_fma)(b2, v[i], rest2 * g[i] * g[i]);
        w[i] -= F(nnc_fma)(of_m, m[i], of_g * g[i]) / (sqrt(of_v * v[i]) + epsilon);
    }
    return 0;
}

#endif
