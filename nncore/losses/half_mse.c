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

static int32_t F(half_mse_real)(const nnc_loss_call *call) {
    const T *output = call->output, *target = call->target, *weight = call->weight;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs;
    return F(squared_error)(output, target, weight, loss, d_output, n_rows, n_outputs, 2);
}

#endif
