/* loss = sum_j exp(z_j) - Y_j z_j + Y_j log Y_j - Y_j, 0 log 0 being 0; d_z = exp(z) - Y. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

/* Rows that are taken together. They are the inner loop, so that vectors run across samples, since this loss mostly has a single output. */
#define BLOCK 32

#include "nncore/float32.h"
#include "poisson.c"
#include "nncore/float64.h"
#include "poisson.c"

const nnc_loss NNC_TABLE(loss, poisson) = {
    NNC_HEAD(nnc_loss), poisson_real_f32, poisson_real_f64, NULL, NULL,
};

#else

static int32_t F(poisson_real)(const nnc_loss_call *call) {
    const T *restrict output = call->output, *restrict target = call->target, *restrict weight = call->weight;
    T *restrict loss = call->loss, *restrict d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs;
    T rate[BLOCK];
    for (int64_t row = 0; row < n_rows; row++) loss[row] = 0;
    for (int64_t first = 0; first < n_rows; first += BLOCK) {
        int64_t n = n_rows - first < BLOCK ? n_rows - first : BLOCK;
        for (int64_t j = 0; j < n_outputs; j++) {
            const T *z = output + first * n_outputs + j, *Y = target + first * n_outputs + j;
            for (int64_t i = 0; i < n; i++) rate[i] = F(nnc_exp)(z[i * n_outputs]);
            for (int64_t i = 0; i < n; i++) {
                T count = Y[i * n_outputs];
                loss[first + i] += rate[i] - count + count * (F(nnc_log)(count > 0 ? count : 1) - z[i * n_outputs]);
            }
            if (d_output == NULL) continue;
            T *d_z = d_output + first * n_outputs + j;
            for (int64_t i = 0; i < n; i++) d_z[i * n_outputs] = weight[first + i] * (rate[i] - Y[i * n_outputs]);
        }
    }
    return 0;
}

#endif
