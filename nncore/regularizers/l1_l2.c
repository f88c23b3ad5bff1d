/* lambda_1 sum |w| + 1/2 lambda_2 sum w^2. hyper: l1, l2. The parts are consecutive numbers. */
#ifndef T
#include <math.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "l1_l2.c"
#include "nncore/float64.h"
#include "l1_l2.c"

const nnc_regularizer NNC_TABLE(regularizer, l1_l2) = {
    NNC_HEAD(nnc_regularizer), l1_l2_value_f32, l1_l2_value_f64, l1_l2_add_gradient_f32, l1_l2_add_gradient_f64,
};

#else

#include "sums.h"

static int32_t F(l1_l2_value)(const nnc_regularizer_call *call) {
    const double *hyper = call->site->hyper;
    double magnitudes = F(sum_of_magnitudes)(call->w, call->n_columns), squares = F(sum_of_squares)(call->w, call->n_columns);
    *call->value = hyper[0] * magnitudes + 0.5 * hyper[1] * squares;
    return 0;
}

static int32_t F(l1_l2_add_gradient)(const nnc_regularizer_call *call) {
    const T *w = call->w;
    T *g = call->g, l1 = (T)call->site->hyper[0], l2 = (T)call->site->hyper[1];
    for (int64_t i = 0; i < call->n_columns; i++) {
        T pull = w[i] > 0 ? l1 : w[i] < 0 ? -l1 : 0;
        g[i] = F(nnc_fma)(l2, w[i], g[i] + pull);
    }
    return 0;
}

#endif
