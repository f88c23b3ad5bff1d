/* a = 1 where z > 0, -1 where z < 0, 0 at 0; NaN passes through. There is no useful derivative: backward reports failure. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "sign.c"
#include "nncore/float64.h"
#include "sign.c"

const nnc_activation NNC_TABLE(activation, sign) = {
    NNC_HEAD(nnc_activation), sign_forward_f32, sign_forward_f64, sign_backward_f32, sign_backward_f64,
};

#else

static int32_t F(sign_forward)(const T *z, T *a, int64_t n_rows, int64_t n_columns, const double *hyper) {
    (void)hyper;
    for (int64_t i = 0; i < n_rows * n_columns; i++) a[i] = z[i] > 0 ? 1 : z[i] < 0 ? -1 : z[i] == 0 ? 0 : z[i];
    return 0;
}

static int32_t F(sign_backward)(const T *z, const T *a, const T *d_a, T *d_z, int64_t n_rows, int64_t n_columns, const double *hyper) {
    (void)z, (void)a, (void)d_a, (void)d_z, (void)n_rows, (void)n_columns, (void)hyper;
    return 1;
}

#endif
