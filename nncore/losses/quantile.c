/* Output t K + k is quantile q_k of target t; d = Y - y. loss = mean_tk max(q d, (q - 1) d); d_y = -q / n_outputs where d > 0,
 * (1 - q) / n_outputs where d < 0. hyper holds q. */
#ifndef T
#include "../_core/kernels/level.h"

/* Rows that are taken together. They are the inner loop, since there are few outputs, and each has its own quantile. */
#define BLOCK 32

#include "nncore/float32.h"
#include "quantile.c"
#include "nncore/float64.h"
#include "quantile.c"

const nnc_loss NNC_TABLE(loss, quantile) = {
    NNC_HEAD(nnc_loss), quantile_real_f32, quantile_real_f64, NULL, NULL,
};

#else

static int32_t F(quantile_real)(const nnc_loss_call *call) {
    const T *restrict output = call->output, *restrict target = call->target, *restrict weight = call->weight;
    T *restrict loss = call->loss, *restrict d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs, n_targets = call->n_targets;
    const double *hyper = call->site->hyper;
    int64_t n_quantiles = n_outputs / n_targets;
    for (int64_t row = 0; row < n_rows; row++) loss[row] = 0;
    for (int64_t first = 0; first < n_rows; first += BLOCK) {
        int64_t n = n_rows - first < BLOCK ? n_rows - first : BLOCK;
        for (int64_t j = 0; j < n_outputs; j++) {
            const T *y = output + first * n_outputs + j, *Y = target + first * n_targets + j / n_quantiles;
            T above = (T)hyper[j % n_quantiles], below = (T)(1 - hyper[j % n_quantiles]); /* 1 - q of a rounded q would lose digits */
            for (int64_t i = 0; i < n; i++) {
                T d = Y[i * n_targets] - y[i * n_outputs];
                loss[first + i] += (d > 0 ? above : -below) * d;
            }
            if (d_output == NULL) continue;
            T *d_y = d_output + first * n_outputs + j;
            for (int64_t i = 0; i < n; i++) {
                T d = Y[i * n_targets] - y[i * n_outputs], slope = d > 0 ? -above : below;
                d_y[i * n_outputs] = weight[first + i] / (T)n_outputs * (d == 0 ? 0 : slope) + (d - d); /* NaN passes */
            }
        }
    }
    for (int64_t row = 0; row < n_rows; row++) loss[row] /= (T)n_outputs;
    return 0;
}

#endif
