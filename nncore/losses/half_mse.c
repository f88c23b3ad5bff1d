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

static int32_t F(half_mse_real)(const T *output, const T *target, const T *weight, T *loss, T *d_output, int64_t n_rows, int64_t n_outputs,
                                int64_t n_targets, const double *hyper) {
    (void)n_targets, (void)hyper;
    for (int64_t row = 0; row < n_rows; row++) {
        const T *y = output + row * n_outputs, *Y = target + row * n_outputs;
        T sum = 0;
        for (int64_t j = 0; j < n_outputs; j++) sum += (y[j] - Y[j]) * (y[j] - Y[j]);
        loss[row] = sum / 2;
        if (d_output == NULL) continue;
        T *d_y = d_output + row * n_outputs;
        for (int64_t j = 0; j < n_outputs; j++) d_y[j] = weight[row] * (y[j] - Y[j]);
    }
    return 0;
}

#endif
