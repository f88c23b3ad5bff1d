/* p = softmax(z); loss = -sum_j Y_j log p_j = sum_j Y_j (log S - (z_j - max z)) with S = sum_j exp(z_j - max z);
 * d_z = p sum_j Y_j - Y. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

/* Rows taken at a time. */
#define BLOCK 32

#include "nncore/float32.h"
#include "softmax_cross_entropy.c"
#include "nncore/float64.h"
#include "softmax_cross_entropy.c"

const nnc_loss NNC_TABLE(loss, softmax_cross_entropy) = {
    NNC_HEAD(nnc_loss),
    softmax_cross_entropy_real_f32, softmax_cross_entropy_real_f64,
    softmax_cross_entropy_labels_f32, softmax_cross_entropy_labels_f64,
};

#else

NNC_INLINE T F(largest_of)(const T *z, int64_t n) {
    T largest = -INFINITY;
    for (int64_t j = 0; j < n; j++) largest = z[j] > largest ? z[j] : largest;
    return largest;
}

/* sum[row] = S, largest[row] = max z and, unless it is NULL, e = exp(z - max z). */
static void F(sum_exp)(const T *restrict z, T *restrict e, T *restrict largest, T *restrict sum, int64_t n_rows, int64_t n_outputs) {
    for (int64_t row = 0; row < n_rows; row++) largest[row] = F(largest_of)(z + row * n_outputs, n_outputs);
    if (e != NULL) {
        for (int64_t row = 0; row < n_rows; row++)
            for (int64_t j = 0; j < n_outputs; j++) e[row * n_outputs + j] = z[row * n_outputs + j] - largest[row];
        /* One loop over all rows, because a single row is often shorter than a vector. */
        for (int64_t i = 0; i < n_rows * n_outputs; i++) e[i] = F(nnc_exp)(e[i]);
    }
    for (int64_t row = 0; row < n_rows; row++) {
        T total = 0;
        if (e != NULL)
            for (int64_t j = 0; j < n_outputs; j++) total += e[row * n_outputs + j];
        else
            for (int64_t j = 0; j < n_outputs; j++) total += F(nnc_exp)(z[row * n_outputs + j] - largest[row]);
        sum[row] = total;
    }
}

static int32_t F(softmax_cross_entropy_real)(const T *restrict output, const T *restrict target, const T *restrict weight,
                                             T *restrict loss, T *restrict d_output,
                                             int64_t n_rows, int64_t n_outputs, int64_t n_targets, const double *hyper) {
    (void)n_targets, (void)hyper;
    for (int64_t first = 0; first < n_rows; first += BLOCK) {
        int64_t n = n_rows - first < BLOCK ? n_rows - first : BLOCK;
        T largest[BLOCK], sum[BLOCK], mass[BLOCK], log_sum[BLOCK];
        F(sum_exp)(output + first * n_outputs, d_output == NULL ? NULL : d_output + first * n_outputs, largest, sum, n, n_outputs);
        for (int64_t row = 0; row < n; row++) log_sum[row] = F(nnc_log)(sum[row]);
        for (int64_t row = 0; row < n; row++) {
            const T *z = output + (first + row) * n_outputs, *Y = target + (first + row) * n_outputs;
            T linear = 0;
            mass[row] = 0;
            for (int64_t j = 0; j < n_outputs; j++) mass[row] += Y[j];
            for (int64_t j = 0; j < n_outputs; j++) linear += Y[j] * (z[j] - largest[row]);
            loss[first + row] = mass[row] * log_sum[row] - linear;
        }
        if (d_output == NULL) continue;
        for (int64_t row = 0; row < n; row++) {
            const T *Y = target + (first + row) * n_outputs;
            T *d_z = d_output + (first + row) * n_outputs; /* exp(z - max z) so far */
            for (int64_t j = 0; j < n_outputs; j++) d_z[j] = weight[first + row] * (d_z[j] / sum[row] * mass[row] - Y[j]);
        }
    }
    return 0;
}

static int32_t F(softmax_cross_entropy_labels)(const T *restrict output, const int64_t *restrict labels, const T *restrict weight,
                                               T *restrict loss, T *restrict d_output,
                                               int64_t n_rows, int64_t n_outputs, const double *hyper) {
    (void)hyper;
    for (int64_t first = 0; first < n_rows; first += BLOCK) {
        int64_t n = n_rows - first < BLOCK ? n_rows - first : BLOCK;
        T largest[BLOCK], sum[BLOCK];
        F(sum_exp)(output + first * n_outputs, d_output == NULL ? NULL : d_output + first * n_outputs, largest, sum, n, n_outputs);
        for (int64_t row = 0; row < n; row++) {
            T z_true = output[(first + row) * n_outputs + labels[first + row]];
            loss[first + row] = F(nnc_log)(sum[row]) - (z_true - largest[row]);
        }
        if (d_output == NULL) continue;
        for (int64_t row = 0; row < n; row++) {
            T *d_z = d_output + (first + row) * n_outputs; /* exp(z - max z) so far */
            for (int64_t j = 0; j < n_outputs; j++) d_z[j] = weight[first + row] * (d_z[j] / sum[row] - (T)(j == labels[first + row]));
        }
    }
    return 0;
}

#endif
