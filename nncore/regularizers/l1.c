/* lambda sum |w|. hyper: lambda, the strength. The parts are consecutive numbers. */
#ifndef T
#include <math.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "l1.c"
#include "nncore/float64.h"
#include "l1.c"

const nnc_regularizer NNC_TABLE(regularizer, l1) = {
    NNC_HEAD(nnc_regularizer), l1_value_f32, l1_value_f64, l1_add_gradient_f32, l1_add_gradient_f64,
};

#else

#include "sums.h"

static int32_t F(l1_value)(const nnc_regularizer_call *call) {
    *call->value = call->site->hyper[0] * F(sum_of_magnitudes)(call->w, call->n_columns);
    return 0;
}

static int32_t F(l1_add_gradient)(const nnc_regularizer_call *call) {
    const T *w = call->w;
    T *g = call->g, strength = (T)call->site->hyper[0];
    for (int64_t i = 0; i < call->n_columns; i++) g[i] += w[i] > 0 ? strength : w[i] < 0 ? -strength : 0;
    return 0;
}

#endif
