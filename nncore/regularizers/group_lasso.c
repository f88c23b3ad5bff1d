/* lambda sqrt(p) sum |row|, where a row has p numbers. hyper: lambda, the strength. The parts are whole rows. */
#ifndef T
#include <math.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "group_lasso.c"
#include "nncore/float64.h"
#include "group_lasso.c"

const nnc_regularizer NNC_TABLE(regularizer, group_lasso) = {
    NNC_HEAD(nnc_regularizer), group_lasso_value_f32, group_lasso_value_f64, group_lasso_add_gradient_f32, group_lasso_add_gradient_f64,
};

#else

#include "sums.h"

static int32_t F(group_lasso_value)(const nnc_regularizer_call *call) {
    const T *w = call->w;
    double sum = 0;
    for (int64_t i = 0; i < call->n_rows; i++) sum += sqrt(F(sum_of_squares)(w + i * call->stride, call->n_columns));
    *call->value = call->site->hyper[0] * sqrt((double)call->n_columns) * sum;
    return 0;
}

static int32_t F(group_lasso_add_gradient)(const nnc_regularizer_call *call) {
    double pull = call->site->hyper[0] * sqrt((double)call->n_columns);
    for (int64_t i = 0; i < call->n_rows; i++) {
        const T *w = (const T *)call->w + i * call->stride;
        T *g = (T *)call->g + i * call->stride;
        double norm = sqrt(F(sum_of_squares)(w, call->n_columns));
        T scale = norm > 0 ? (T)(pull / norm) : 0;
        for (int64_t j = 0; j < call->n_columns; j++) g[j] = F(nnc_fma)(scale, w[j], g[j]);
    }
    return 0;
}

#endif
