/* p = sigmoid(z), q = 1 - p; loss = -sum_j a Y q^g log p + b (1 - Y) p^g log q; the slope of the first term is -a Y q^g (q - g p log p).
 * hyper: g, a, b. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "binary_focal.c"
#include "nncore/float64.h"
#include "binary_focal.c"

const nnc_loss NNC_TABLE(loss, binary_focal) = {
    NNC_HEAD(nnc_loss), binary_focal_real_f32, binary_focal_real_f64, NULL, NULL,
};

#else

static int32_t F(binary_focal_real)(const nnc_loss_call *call) {
    const T *output = call->output, *target = call->target, *weight = call->weight;
    const double *hyper = call->site->hyper;
    T *loss = call->loss, *d_output = call->d_output, gamma = (T)hyper[0], yes = (T)hyper[1], no = (T)hyper[2];
    for (int64_t row = 0; row < call->n_rows; row++) {
        T sum = 0;
        for (int64_t i = row * call->n_outputs; i < (row + 1) * call->n_outputs; i++) {
            T z = output[i], a = yes * target[i], b = no * (1 - target[i]), e = F(nnc_exp)(-F(nnc_magnitude)(z));
            T tail = e / (1 + e), near = F(nnc_log1p)(e), p = z < 0 ? tail : 1 - tail, q = z < 0 ? 1 - tail : tail;
            T log_p = -(near + (z < 0 ? -z : 0)), log_q = -(near + (z < 0 ? 0 : z));
            T q_g = a * F(nnc_exp)(gamma * log_q), p_g = b * F(nnc_exp)(gamma * log_p);
            sum -= q_g * log_p + p_g * log_q;
            if (d_output != NULL) d_output[i] = weight[row] * (p_g * (p - gamma * q * log_q) - q_g * (q - gamma * p * log_p));
        }
        loss[row] = sum;
    }
    return 0;
}

#endif
