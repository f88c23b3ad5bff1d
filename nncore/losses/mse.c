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

static int32_t F(mse_real)(const nnc_loss_call *call) {
    const T *output = call->output, *target = call->target, *weight = call->weight;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs;
    return F(squared_error)(output, target, weight, loss, d_output, n_rows, n_outputs, (T)n_outputs);
}

#endif
