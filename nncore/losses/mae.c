/* loss = mean_j |y_j - Y_j|; d_y = sign(y - Y) / n_outputs. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "mae.c"
#include "nncore/float64.h"
#include "mae.c"

const nnc_loss NNC_TABLE(loss, mae) = {
    NNC_HEAD(nnc_loss), mae_real_f32, mae_real_f64, NULL, NULL,
};

#else

static int32_t F(mae_real)(const nnc_loss_call *call) {
    const T *output = call->output, *target = call->target, *weight = call->weight;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs;
    for (int64_t row = 0; row < n_rows; row++) {
        const T *y = output + row * n_outputs, *Y = target + row * n_outputs;
        T sum = 0;
        for (int64_t j = 0; j < n_outputs; j++) sum += F(nnc_magnitude)(y[j] - Y[j]);
        loss[row] = sum / (T)n_outputs;
        if (d_output == NULL) continue;
        T *d_y = d_output + row * n_outputs;
        T share = weight[row] / (T)n_outputs;
        for (int64_t j = 0; j < n_outputs; j++) {
            T d = y[j] - Y[j];
            d_y[j] = share * (T)((d > 0) - (d < 0)) + (d - d); /* no branch to guess; NaN passes */
        }
    }
    return 0;
}

#endif
