/* a = 1 where z > 0, else 0; NaN passes through. There is no useful derivative: backward reports failure. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "step.c"
#include "nncore/float64.h"
#include "step.c"

const nnc_activation NNC_TABLE(activation, step) = {
    NNC_HEAD(nnc_activation), step_forward_f32, step_forward_f64, step_backward_f32, step_backward_f64,
};

#else

static int32_t F(step_forward)(const T *z, T *a, int64_t n_rows, int64_t n_columns, const double *hyper) {
    (void)hyper;
    for (int64_t i = 0; i < n_rows * n_columns; i++) a[i] = z[i] > 0 ? 1 : z[i] <= 0 ? 0 : z[i];
    return 0;
}

static int32_t F(step_backward)(const T *z, const T *a, const T *d_a, T *d_z, int64_t n_rows, int64_t n_columns, const double *hyper) {
    (void)z, (void)a, (void)d_a, (void)d_z, (void)n_rows, (void)n_columns, (void)hyper;
    return 1;
}

#endif
