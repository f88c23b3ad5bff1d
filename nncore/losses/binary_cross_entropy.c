/* loss = sum_j max(z_j, 0) - z_j Y_j + log(1 + exp(-|z_j|)), z being logits; d_z = sigmoid(z) - Y.
 * With hyper[0] = e Y is replaced by (1 - e) Y + e / 2. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

/* Rows that are taken together. They are the inner loop, so that vectors run across samples, since this loss mostly has a single output. */
#define BLOCK 32

#include "nncore/float32.h"
#include "binary_cross_entropy.c"
#include "nncore/float64.h"
#include "binary_cross_entropy.c"

const nnc_loss NNC_TABLE(loss, binary_cross_entropy) = {
    NNC_HEAD(nnc_loss), binary_cross_entropy_real_f32, binary_cross_entropy_real_f64, NULL, NULL,
};

#else

static int32_t F(binary_cross_entropy_real)(const nnc_loss_call *call) {
    const T *restrict output = call->output, *restrict target = call->target, *restrict weight = call->weight;
    T *restrict loss = call->loss, *restrict d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs;
    T smoothing = (T)call->site->hyper[0];
    for (int64_t row = 0; row < n_rows; row++) loss[row] = 0;
    for (int64_t first = 0; first < n_rows; first += BLOCK) {
        int64_t end = n_rows - first < BLOCK ? n_rows : first + BLOCK;
        for (int64_t j = 0; j < n_outputs; j++) {
            for (int64_t row = first; row < end; row++) {
                T z = output[row * n_outputs + j], Y = target[row * n_outputs + j];
                Y -= smoothing * (Y - (T)0.5);
                loss[row] += (z < 0 ? 0 : z) - z * Y + F(nnc_log1p)(F(nnc_exp_of_moderate)(F(nnc_moderate)(-F(nnc_magnitude)(z))));
            }
            if (d_output == NULL) continue;
            for (int64_t row = first; row < end; row++) {
                T z = output[row * n_outputs + j], Y = target[row * n_outputs + j];
                Y -= smoothing * (Y - (T)0.5);
                T e = F(nnc_exp_of_moderate)(F(nnc_moderate)(-F(nnc_magnitude)(z)));
                T tail = e / (1 + e); /* sigmoid(-|z|): near Y = 1, 1 - Y - tail keeps the digits that sigmoid(z) - Y loses */
                d_output[row * n_outputs + j] = weight[row] * (z < 0 ? tail - Y : 1 - Y - tail);
            }
        }
    }
    return 0;
}

#endif
