/* loss = 1/2 sum_j (y_j - Y_j)^2; d_y = y - Y. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "half_mse.c"
#include "nncore/float64.h"
#include "half_mse.c"

const nnc_loss NNC_TABLE(loss, half_mse) = {
    NNC_HEAD(nnc_loss), half_mse_real_f32, half_mse_real_f64, NULL, NULL,
};

#else
#include "squared_error.h"

static int32_t F(half_mse_real)(const T *output, const T *target, const T *weight, T *loss, T *d_output, int64_t n_rows, int64_t n_outputs,
                                int64_t n_targets, const double *hyper) {
    (void)n_targets, (void)hyper;
    return F(squared_error)(output, target, weight, loss, d_output, n_rows, n_outputs, 2);
}

#endif
