/* 1/2 lambda sum w^2. hyper: lambda, the strength. The parts are consecutive numbers. */
#ifndef T
#include <math.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "l2.c"
#include "nncore/float64.h"
#include "l2.c"

const nnc_regularizer NNC_TABLE(regularizer, l2) = {
    NNC_HEAD(nnc_regularizer), l2_value_f32, l2_value_f64, l2_add_gradient_f32, l2_add_gradient_f64,
};

#else

#include "sums.h"

static int32_t F(l2_value)(const nnc_regularizer_call *call) {
    *call->value = 0.5 * call->site->hyper[0] * F(sum_of_squares)(call->w, call->n_columns);
    return 0;
}

static int32_t F(l2_add_gradient)(const nnc_regularizer_call *call) {
    const T *w = call->w;
    T *g = call->g, strength = (T)call->site->hyper[0];
    for (int64_t i = 0; i < call->n_columns; i++) g[i] = F(nnc_fma)(strength, w[i], g[i]);
    return 0;
}

#endif
