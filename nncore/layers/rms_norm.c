/* y = gamma x / rms, where rms = sqrt(mean of x^2 + epsilon) of each row. hyper[0] is epsilon. Parameters: gamma (n,). Cache: 1 / rms,
 * (n_rows,). */
#ifndef T
#include <tgmath.h> /* sqrt of T in T */

#include "../_core/kernels/level.h"

/* Partial sums of a row, which are vectors side by side. */
#define PARTS 16
#define FACTOR(i, k) (x[k] * cache[i])

#include "nncore/float32.h"
#include "rms_norm.c"
#include "nncore/float64.h"
#include "rms_norm.c"

const nnc_layer NNC_TABLE(layer, rms_norm) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = rms_norm_forward_f32,
    .forward_f64 = rms_norm_forward_f64,
    .backward_f32 = rms_norm_backward_f32,
    .backward_f64 = rms_norm_backward_f64,
    .gradient_f32 = rms_norm_gradient_f32,
    .gradient_f64 = rms_norm_gradient_f64,
};

#else
#include "../_core/kernels/row_products.h"

/* The sum of a b c over n numbers, or of a b if c is NULL. */
NNC_INLINE T F(sum_of_products)(const T *a, const T *b, const T *c, int64_t n) {
    T sum[PARTS] = {0};
    int64_t whole = n / PARTS * PARTS;
    for (int64_t j = 0; j < whole; j += PARTS)
        for (int64_t k = 0; k < PARTS; k++) sum[k] = F(nnc_fma)(c == NULL ? a[j + k] : a[j + k] * c[j + k], b[j + k], sum[k]);
    for (int64_t j = whole; j < n; j++) sum[j - whole] = F(nnc_fma)(c == NULL ? a[j] : a[j] * c[j], b[j], sum[j - whole]);
    for (int64_t half = PARTS / 2; half > 0; half /= 2)
        for (int64_t k = 0; k < half; k++) sum[k] += sum[k + half];
    return sum[0];
}

static int32_t F(rms_norm_forward)(const nnc_layer_call *call) {
    int64_t n = call->n_inputs;
    T epsilon = (T)call->site->hyper[0];
    const T *x = call->x, *gamma = call->parameters; /* (n_rows, n), (n,) */
    T *y = call->y, *cache = call->cache;            /* (n_rows, n), (n_rows,) */
    for (int64_t i = 0; i < call->n_rows; i++, x += n, y += n) {
        T inverse = 1 / sqrt(F(sum_of_products)(x, x, NULL, n) / (T)n + epsilon);
        for (int64_t j = 0; j < n; j++) y[j] = x[j] * inverse * gamma[j];
        if (cache != NULL) cache[i] = inverse;
    }
    return 0;
}

/* d_x = (g - x_hat mean(g x_hat)) / rms, g = d_y gamma */
static int32_t F(rms_norm_backward)(const nnc_layer_call *call) {
    int64_t n = call->n_inputs;
    const T *x = call->x, *d_y = call->d_y, *gamma = call->parameters, *cache = call->cache; /* (n_rows, n), ., (n,), (n_rows,) */
    T *d_x = call->d_x;                                                                      /* (n_rows, n) */
    for (int64_t i = 0; i < call->n_rows; i++, x += n, d_y += n, d_x += n) {
        T inverse = cache[i], slope = F(sum_of_products)(d_y, x, gamma, n) / (T)n * inverse * inverse;
        for (int64_t j = 0; j < n; j++) d_x[j] = inverse * F(nnc_fma)(-slope, x[j], d_y[j] * gamma[j]);
    }
    return 0;
}

static int32_t F(rms_norm_gradient)(const nnc_layer_call *call) {
    F(row_products)(call);
    return 0;
}

#endif
