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

static int32_t F(mse_real)(const T *output, const T *target, const T *weight, T *loss, T *d_output, int64_t n_rows, int64_t n_outputs,
                           int64_t n_targets, const double *hyper) {
    (void)n_targets, (void)hyper;
    for (int64_t row = 0; row < n_rows; row++) {
        const T *y = output + row * n_outputs, *Y = target + row * n_outputs;
        T sum = 0;
        for (int64_t j = 0; j < n_outputs; j++) sum += (y[j] - Y[j]) * (y[j] - Y[j]);
        loss[row] = sum / (T)n_outputs;
        if (d_output == NULL) continue;
        T *d_y = d_output + row * n_outputs;
        T factor = weight[row] * 2 / (T)n_outputs;
        for (int64_t j = 0; j < n_outputs; j++) d_y[j] = factor * (y[j] - Y[j]);
    }
    return 0;
}

#endif
