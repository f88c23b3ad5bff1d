/* d = y - Y; loss = mean_j log cosh d_j; d_y = tanh(d) / n_outputs. With u = exp(-2 |d|) - 1, tanh |d| = t = -u / (2 + u); log cosh d is
 * log(1 + t^2 / (1 - t^2)) / 2 near 0, |d| - log 2 + log(2 + u) far from it. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

#define LOG_2 0.69314718055994530942

#include "nncore/float32.h"
#include "log_cosh.c"
#include "nncore/float64.h"
#include "log_cosh.c"

const nnc_loss NNC_TABLE(loss, log_cosh) = {
    NNC_HEAD(nnc_loss), log_cosh_real_f32, log_cosh_real_f64, NULL, NULL,
};

#else

static int32_t F(log_cosh_real)(const nnc_loss_call *call) {
    const T *output = call->output, *target = call->target, *weight = call->weight;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_outputs = call->n_outputs;
    for (int64_t row = 0; row < call->n_rows; row++) {
        T sum = 0, share = weight[row] / (T)n_outputs;
        for (int64_t i = row * n_outputs; i < (row + 1) * n_outputs; i++) {
            T d = output[i] - target[i], size = F(nnc_magnitude)(d), u = F(nnc_expm1_of_negative)(-2 * size), t = -u / (2 + u);
            sum += size < 1 ? F(nnc_log1p_of_positive)(t * t / ((1 - t) * (1 + t))) / 2 : size - (T)LOG_2 + F(nnc_log1p)(1 + u);
            if (d_output != NULL) d_output[i] = share * (d < 0 ? -t : t);
        }
        loss[row] = sum / (T)n_outputs;
    }
    return 0;
}

#endif
