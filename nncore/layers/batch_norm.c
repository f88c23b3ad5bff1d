/* Batch normalisation, two modes (hyper[0]): 0 as Ioffe & Szegedy 2015, 1 the notes' cumulative statistics.
 * hyper[1] momentum of the running statistics (mode 0), hyper[2] epsilon.
 *
 *                 parameters                     buffers                                  cache, fixed     cache per row
 *   mode 0        gamma (n,), beta (n,)          mean (n,), variance (n,)                 1 / std (n,)     normalised x (n,)
 *   mode 1        gamma (1,), beta (1,)          mean (n,), std (n,), count (1,)          1 / std (n,)     normalised x (n,)   */
#ifndef T
#include <tgmath.h> /* sqrt of T in T */

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "batch_norm.c"
#include "nncore/float64.h"
#include "batch_norm.c"

const nnc_layer NNC_TABLE(layer, batch_norm) = {
    NNC_HEAD(nnc_layer), batch_norm_forward_f32, batch_norm_forward_f64, batch_norm_backward_f32, batch_norm_backward_f64,
};

#else

/* Column means (n,) and sums of squared deviations from them (n,) of x (n_rows, n). */
static void F(column_moments)(const T *x, int64_t n_rows, int64_t n, T *mean, T *squares) {
    for (int64_t j = 0; j < n; j++) mean[j] = squares[j] = 0;
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < n; j++) mean[j] += x[i * n + j];
    for (int64_t j = 0; j < n; j++) mean[j] /= (T)n_rows;
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < n; j++) {
            T deviation = x[i * n + j] - mean[j];
            squares[j] += deviation * deviation;
        }
}

/* Sums of one batch into the running statistics: var = squares / (count - 1), pooled as in the notes' code. */
static void F(accumulate)(const T *batch_mean, const T *squares, int64_t n_rows, int64_t n, T *mean, T *std, T *count) {
    T before = *count, after = before + (T)n_rows;
    for (int64_t j = 0; j < n; j++) {
        mean[j] = (mean[j] * before + batch_mean[j] * (T)n_rows) / after;
        T pooled = (before > 0 ? std[j] * std[j] * (before - 1) : 0) + squares[j];
        std[j] = after > 1 ? sqrt(pooled / (after - 1)) : 0;
    }
    *count = after;
}

static int32_t F(batch_norm_forward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n = call->n_inputs;
    int cumulative = call->hyper[0] != 0;
    T momentum = (T)call->hyper[1], epsilon = (T)call->hyper[2];
    const T *x = call->x;             /* (n_rows, n) */
    T *y = call->y;                   /* (n_rows, n) */
    const T *gamma = call->parameters, *beta = gamma + (cumulative ? 1 : n);
    T *running_mean = call->buffers;  /* (n,) */
    T *running_spread = running_mean + n; /* (n,) variance, or standard deviation if cumulative */
    T *mean = call->scratch;          /* (n,) */
    T *squares = mean + n;            /* (n,) */
    T *inverse_std = call->training ? call->cache : squares; /* (n,) */
    T *normalised = call->training ? inverse_std + n : NULL; /* (n_rows, n) */

    if (call->training) F(column_moments)(x, n_rows, n, mean, squares);
    if (cumulative) {
        if (call->training) F(accumulate)(mean, squares, n_rows, n, running_mean, running_spread, running_spread + n);
        for (int64_t j = 0; j < n; j++) {
            mean[j] = running_mean[j];
            inverse_std[j] = 1 / (running_spread[j] + epsilon);
        }
    } else if (call->training) {
        for (int64_t j = 0; j < n; j++) {
            inverse_std[j] = 1 / sqrt(squares[j] / (T)n_rows + epsilon);
            running_mean[j] += momentum * (mean[j] - running_mean[j]);
        }
        if (n_rows > 1) /* one row says nothing about a variance */
            for (int64_t j = 0; j < n; j++) running_spread[j] += momentum * (squares[j] / (T)(n_rows - 1) - running_spread[j]);
    } else {
        for (int64_t j = 0; j < n; j++) {
            mean[j] = running_mean[j];
            inverse_std[j] = 1 / sqrt(running_spread[j] + epsilon);
        }
    }

    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < n; j++) {
            T value = (x[i * n + j] - mean[j]) * inverse_std[j];
            if (normalised != NULL) normalised[i * n + j] = value;
            y[i * n + j] = cumulative ? gamma[0] * value + beta[0] : gamma[j] * value + beta[j];
        }
    return 0;
}

static int32_t F(batch_norm_backward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n = call->n_inputs;
    int cumulative = call->hyper[0] != 0;
    const T *d_y = call->d_y;                 /* (n_rows, n) */
    T *d_x = call->d_x;                       /* (n_rows, n) or NULL */
    const T *gamma = call->parameters;
    const T *inverse_std = call->cache;       /* (n,) */
    const T *normalised = inverse_std + n;    /* (n_rows, n) */
    T *d_gamma = call->scratch, *d_beta = d_gamma + n; /* (n,) each, per column */

    for (int64_t j = 0; j < n; j++) d_gamma[j] = d_beta[j] = 0;
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < n; j++) {
            d_gamma[j] += d_y[i * n + j] * normalised[i * n + j];
            d_beta[j] += d_y[i * n + j];
        }

    T *d_parameters = call->d_parameters;
    if (cumulative) { /* the statistics are constants, gamma and beta scalars */
        T sum_gamma = 0, sum_beta = 0;
        for (int64_t j = 0; j < n; j++) {
            sum_gamma += d_gamma[j];
            sum_beta += d_beta[j];
        }
        d_parameters[0] = sum_gamma;
        d_parameters[1] = sum_beta;
        for (int64_t i = 0; d_x != NULL && i < n_rows; i++)
            for (int64_t j = 0; j < n; j++) d_x[i * n + j] = gamma[0] * inverse_std[j] * d_y[i * n + j];
        return 0;
    }
    for (int64_t j = 0; j < n; j++) {
        d_parameters[j] = d_gamma[j];
        d_parameters[n + j] = d_beta[j];
    }
    /* through the mean and the variance of the batch: d_x = gamma/std (d_y - mean(d_y) - x_hat mean(d_y x_hat)) */
    for (int64_t i = 0; d_x != NULL && i < n_rows; i++)
        for (int64_t j = 0; j < n; j++) {
            T centred = d_y[i * n + j] - (d_beta[j] + normalised[i * n + j] * d_gamma[j]) / (T)n_rows;
            d_x[i * n + j] = gamma[j] * inverse_std[j] * centred;
        }
    return 0;
}

#endif
