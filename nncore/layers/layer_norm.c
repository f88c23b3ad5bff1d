/* Layer normalisation: y = gamma (x - mean) / std + beta with the mean and std = sqrt(variance + epsilon) of each row. hyper[0] is epsilon.
 * Parameters: gamma (n,), beta (n,). Cache: mean and 1 / std of each row, (n_rows, 2). */
#ifndef T
#include <string.h>
#include <tgmath.h> /* sqrt of T in T */

#include "../_core/kernels/level.h"

/* Partial sums of a row, which are vectors side by side. A short row has few, since they are added up in the end. */
#define MOST_PARTS 32
#define FEW_PARTS 8
#define IS_SHORT(n) ((n) < MOST_PARTS)
/* Columns whose gradients are summed together, and rows of a partial sum: short sums lose fewer digits. */
#define STRIP 256
#define SUM_ROWS 128

#include "nncore/float32.h"
#include "layer_norm.c"
#include "nncore/float64.h"
#include "layer_norm.c"

const nnc_layer NNC_TABLE(layer, layer_norm) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = layer_norm_forward_f32,
    .forward_f64 = layer_norm_forward_f64,
    .backward_f32 = layer_norm_backward_f32,
    .backward_f64 = layer_norm_backward_f64,
    .gradient_f32 = layer_norm_gradient_f32,
    .gradient_f64 = layer_norm_gradient_f64,
};

#else

/* The sum of sums (parts,), which it overwrites. */
NNC_INLINE T F(total)(T *sums, int64_t parts) {
    for (int64_t half = parts / 2; half > 0; half /= 2)
        for (int64_t k = 0; k < half; k++) sums[k] += sums[k + half];
    return sums[0];
}

/* Mean and 1 / std of a row x (n,). Deviations are taken from a first, rounded mean; their own sum corrects both results. */
NNC_INLINE void F(row_moments)(const T *x, int64_t n, T epsilon, int64_t parts, T *mean, T *inverse_std) {
    T sum[MOST_PARTS] = {0}, squares[MOST_PARTS] = {0};
    int64_t whole = n / parts * parts;
    for (int64_t j = 0; j < whole; j += parts)
        for (int64_t k = 0; k < parts; k++) sum[k] += x[j + k];
    for (int64_t j = whole; j < n; j++) sum[j - whole] += x[j];
    T first_mean = F(total)(sum, parts) / (T)n;
    memset(sum, 0, sizeof sum);
    for (int64_t j = 0; j < whole; j += parts)
        for (int64_t k = 0; k < parts; k++) {
            T deviation = x[j + k] - first_mean;
            sum[k] += deviation;
            squares[k] = F(nnc_fma)(deviation, deviation, squares[k]);
        }
    for (int64_t j = whole; j < n; j++) {
        T deviation = x[j] - first_mean;
        sum[j - whole] += deviation;
        squares[j - whole] = F(nnc_fma)(deviation, deviation, squares[j - whole]);
    }
    T left = F(total)(sum, parts), shift = left / (T)n, variance = (F(total)(squares, parts) - shift * left) / (T)n;
    *mean = first_mean + shift;
    *inverse_std = 1 / sqrt((variance < 0 ? 0 : variance) + epsilon); /* NaN passes */
}

NNC_INLINE void F(forward_rows)(const nnc_layer_call *call, int64_t parts) {
    int64_t n = call->n_inputs;
    T epsilon = (T)call->site->hyper[0];
    const T *x = call->x, *gamma = call->parameters, *beta = gamma + n; /* (n_rows, n), (n,), (n,) */
    T *y = call->y, *cache = call->cache;                               /* (n_rows, n), (n_rows, 2) */
    for (int64_t i = 0; i < call->n_rows; i++, x += n, y += n) {
        T mean, inverse_std;
        F(row_moments)(x, n, epsilon, parts, &mean, &inverse_std);
        for (int64_t j = 0; j < n; j++) y[j] = F(nnc_fma)((x[j] - mean) * inverse_std, gamma[j], beta[j]);
        if (call->cache == NULL) continue;
        cache[2 * i] = mean;
        cache[2 * i + 1] = inverse_std;
    }
}

static int32_t F(layer_norm_forward)(const nnc_layer_call *call) {
    IS_SHORT(call->n_inputs) ? F(forward_rows)(call, FEW_PARTS) : F(forward_rows)(call, MOST_PARTS);
    return 0;
}

/* Backward through mean and variance: d_x = (g - mean(g) - x_hat mean(g x_hat)) / std, g = d_y gamma. */
NNC_INLINE void F(backward_rows)(const nnc_layer_call *call, int64_t parts) {
    int64_t n = call->n_inputs, whole = n / parts * parts;
    const T *x = call->x, *d_y = call->d_y, *gamma = call->parameters, *cache = call->cache; /* (n_rows, n), ., (n,), (n_rows, 2) */
    T *d_x = call->d_x;                                                                      /* (n_rows, n) */
    for (int64_t i = 0; i < call->n_rows; i++, x += n, d_y += n, d_x += n) {
        T mean = cache[2 * i], inverse_std = cache[2 * i + 1], sum[MOST_PARTS] = {0}, products[MOST_PARTS] = {0};
        for (int64_t j = 0; j < whole; j += parts)
            for (int64_t k = 0; k < parts; k++) {
                T g = d_y[j + k] * gamma[j + k];
                sum[k] += g;
                products[k] = F(nnc_fma)(g, x[j + k] - mean, products[k]);
            }
        for (int64_t j = whole; j < n; j++) {
            T g = d_y[j] * gamma[j];
            sum[j - whole] += g;
            products[j - whole] = F(nnc_fma)(g, x[j] - mean, products[j - whole]);
        }
        T offset = F(total)(sum, parts) / (T)n, slope = F(total)(products, parts) / (T)n * inverse_std * inverse_std;
        for (int64_t j = 0; j < n; j++) d_x[j] = inverse_std * F(nnc_fma)(-slope, x[j] - mean, F(nnc_fma)(d_y[j], gamma[j], -offset));
    }
}

static int32_t F(layer_norm_backward)(const nnc_layer_call *call) {
    IS_SHORT(call->n_inputs) ? F(backward_rows)(call, FEW_PARTS) : F(backward_rows)(call, MOST_PARTS);
    return 0;
}

/* Adds to total (m,) the sums over rows begin .. end - 1 of d_y x_hat, for m <= STRIP columns of matrices (n_rows, n). */
static void F(add_to_gamma)(const T *x, const T *d_y, const T *cache, int64_t n, int64_t m, int64_t begin, int64_t end, T *total) {
    T sum[STRIP] = {0};
    int64_t by_fours = end - (end - begin) % 4;
    for (int64_t i = begin; i < by_fours; i += 4) {
        const T *c = cache + 2 * i, *x_rows = x + i * n, *d_rows = d_y + i * n;
        for (int64_t j = 0; j < m; j++) {
            T s = F(nnc_fma)(d_rows[j], (x_rows[j] - c[0]) * c[1], sum[j]);
            s = F(nnc_fma)(d_rows[n + j], (x_rows[n + j] - c[2]) * c[3], s);
            s = F(nnc_fma)(d_rows[2 * n + j], (x_rows[2 * n + j] - c[4]) * c[5], s);
            sum[j] = F(nnc_fma)(d_rows[3 * n + j], (x_rows[3 * n + j] - c[6]) * c[7], s);
        }
    }
    for (int64_t i = by_fours; i < end; i++)
        for (int64_t j = 0; j < m; j++) sum[j] = F(nnc_fma)(d_y[i * n + j], (x[i * n + j] - cache[2 * i]) * cache[2 * i + 1], sum[j]);
    for (int64_t j = 0; j < m; j++) total[j] += sum[j];
}

/* The same for sums of d_y. */
static void F(add_to_beta)(const T *d_y, int64_t n, int64_t m, int64_t begin, int64_t end, T *total) {
    T sum[STRIP] = {0};
    int64_t by_fours = end - (end - begin) % 4;
    for (int64_t i = begin; i < by_fours; i += 4) {
        const T *a = d_y + i * n, *b = a + n, *c = b + n, *d = c + n;
        for (int64_t j = 0; j < m; j++) sum[j] += (a[j] + b[j]) + (c[j] + d[j]);
    }
    for (int64_t i = by_fours; i < end; i++)
        for (int64_t j = 0; j < m; j++) sum[j] += d_y[i * n + j];
    for (int64_t j = 0; j < m; j++) total[j] += sum[j];
}

/* d_gamma = column sums of d_y x_hat, or d_beta = those of d_y, for columns begin .. end - 1. */
static void F(column_sums)(const nnc_layer_call *call, int is_gamma, int64_t begin, int64_t end, T *gradient) {
    int64_t n = call->n_inputs;
    memset(gradient, 0, (size_t)(end - begin) * sizeof(T));
    for (int64_t m; begin < end; begin += m, gradient += m) {
        m = nnc_least(end - begin, STRIP);
        const T *x = (const T *)call->x + begin, *d_y = (const T *)call->d_y + begin; /* (n_rows, n) from here on */
        for (int64_t first = 0, last; first < call->n_rows; first = last) {
            last = nnc_least(first + SUM_ROWS, call->n_rows);
            if (is_gamma) F(add_to_gamma)(x, d_y, call->cache, n, m, first, last, gradient);
            else F(add_to_beta)(d_y, n, m, first, last, gradient);
        }
    }
}

static int32_t F(layer_norm_gradient)(const nnc_layer_call *call) {
    int64_t n = call->n_inputs, begin = call->begin_parameter, end = call->end_parameter;
    T *d_parameters = call->d_parameters; /* (end - begin,) */
    if (begin < n) F(column_sums)(call, 1, begin, nnc_least(end, n), d_parameters);
    if (end > n) {
        int64_t first = begin > n ? begin - n : 0;
        F(column_sums)(call, 0, first, end - n, d_parameters + (n + first - begin));
    }
    return 0;
}

#endif
