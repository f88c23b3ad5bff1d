/* a = exp(z - max z) / sum exp(z - max z) over each row; d_z = a (d_a - sum a d_a). */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "softmax.c"
#include "nncore/float64.h"
#include "softmax.c"

const nnc_activation NNC_TABLE(activation, softmax) = {
    NNC_HEAD(nnc_activation), softmax_forward_f32, softmax_forward_f64, softmax_backward_f32, softmax_backward_f64,
};

#else

static int32_t F(softmax_forward)(const T *z, T *a, int64_t n_rows, int64_t n_columns, const double *hyper) {
    (void)hyper;
    for (int64_t row = 0; row < n_rows; row++) {
        const T *z_row = z + row * n_columns;
        T *a_row = a + row * n_columns;
        T largest = -INFINITY;
        for (int64_t j = 0; j < n_columns; j++) largest = z_row[j] > largest ? z_row[j] : largest;
        for (int64_t j = 0; j < n_columns; j++) a_row[j] = z_row[j] - largest;
    }
    /* One loop over all rows, because a single row is often shorter than a vector. */
    for (int64_t i = 0; i < n_rows * n_columns; i++) a[i] = F(nnc_exp)(a[i]);
    for (int64_t row = 0; row < n_rows; row++) {
        T *a_row = a + row * n_columns;
        T sum = 0;
        for (int64_t j = 0; j < n_columns; j++) sum += a_row[j];
        for (int64_t j = 0; j < n_columns; j++) a_row[j] /= sum;
    }
    return 0;
}

static int32_t F(softmax_backward)(const T *z, const T *a, const T *d_a, T *d_z, int64_t n_rows, int64_t n_columns, const double *hyper) {
    (void)z, (void)hyper;
    for (int64_t row = 0; row < n_rows; row++) {
        const T *a_row = a + row * n_columns, *d_a_row = d_a + row * n_columns;
        T *d_z_row = d_z + row * n_columns;
        T mean = 0; /* of d_a, weighted with the probabilities */
        for (int64_t j = 0; j < n_columns; j++) mean += a_row[j] * d_a_row[j];
        for (int64_t j = 0; j < n_columns; j++) d_z_row[j] = a_row[j] * (d_a_row[j] - mean);
    }
    return 0;
}

#endif
