/* loss = mean_j (y_j - Y_j)^2; d_y = 2 (y - Y) / n_outputs. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "mse.c"
#include "nncore/float64.h"
#include "mse.c"

const nnc_loss NNC_TABLE(loss, mse) = {
    NNC_HEAD(nnc_loss), mse_real_f32, mse_real_f64, NULL, NULL,
};

#else
#include "squared_error.h"

static int32_t F(mse_real)(const T *output, const T *target, const T *weight, T *loss, T *d_output, int64_t n_rows, int64_t n_outputs,
                           int64_t n_targets, const double *hyper) {
    (void)n_targets, (void)hyper;
    return F(squared_error)(output, target, weight, loss, d_output, n_rows, n_outputs, (T)n_outputs);
}

#endif
