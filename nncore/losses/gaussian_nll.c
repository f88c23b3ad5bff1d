/* The first half of the outputs are means mu, the second half log-variances s; l = max(s, log hyper[0]), r = mu - Y.
 * loss = mean_t (l + r^2 exp(-l)) / 2; d_mu = r exp(-l) / n_targets; d_s = exp(s - l) (1 - r^2 exp(-l)) / (2 n_targets). */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

/* Rows that are taken together. They are the inner loop, so that vectors run across samples, since this loss mostly has a single target. */
#define BLOCK 32

#include "nncore/float32.h"
#include "gaussian_nll.c"
#include "nncore/float64.h"
#include "gaussian_nll.c"

const nnc_loss NNC_TABLE(loss, gaussian_nll) = {
    NNC_HEAD(nnc_loss), gaussian_nll_real_f32, gaussian_nll_real_f64, NULL, NULL,
};

#else

static int32_t F(gaussian_nll_real)(const nnc_loss_call *call) {
    const T *restrict output = call->output, *restrict target = call->target, *restrict weight = call->weight;
    T *restrict loss = call->loss, *restrict d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs, n_targets = call->n_targets;
    const double *hyper = call->site->hyper;
    T lowest = (T)nnc_log_f64(hyper[0]), clamped[BLOCK], precision[BLOCK], square[BLOCK]; /* the last in units of the variance */
    for (int64_t row = 0; row < n_rows; row++) loss[row] = 0;
    for (int64_t first = 0; first < n_rows; first += BLOCK) {
        int64_t n = n_rows - first < BLOCK ? n_rows - first : BLOCK;
        for (int64_t t = 0; t < n_targets; t++) {
            const T *mean = output + first * n_outputs + t, *log_variance = mean + n_targets, *Y = target + first * n_targets + t;
            for (int64_t i = 0; i < n; i++) {
                T s = log_variance[i * n_outputs], residual = mean[i * n_outputs] - Y[i * n_targets];
                clamped[i] = s < lowest ? lowest : s; /* lets NaN pass */
                precision[i] = F(nnc_exp)(-clamped[i]);
                square[i] = residual * residual * precision[i];
            }
            for (int64_t i = 0; i < n; i++) loss[first + i] += clamped[i] + square[i];
            if (d_output == NULL) continue;
            T *d_mean = d_output + first * n_outputs + t, *d_log_variance = d_mean + n_targets;
            for (int64_t i = 0; i < n; i++) {
                T share = weight[first + i] / (T)n_targets;
                d_mean[i * n_outputs] = share * ((mean[i * n_outputs] - Y[i * n_targets]) * precision[i]);
                d_log_variance[i * n_outputs] = share * (F(nnc_exp)(log_variance[i * n_outputs] - clamped[i]) * ((1 - square[i]) / 2));
            }
        }
    }
    for (int64_t row = 0; row < n_rows; row++) loss[row] = loss[row] / (T)(2 * n_targets);
    return 0;
}

#endif
