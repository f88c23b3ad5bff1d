/* a = 2 - p, b = p - 1, r = z - log Y; loss = sum_j Y^a (expm1(a r) / a + expm1(-b r) / b), written with expm1 of negative numbers;
 * d_z = exp(a z) - Y exp(-b z). hyper[0] is p. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

#define LOG_OF_0 -1e30 /* exp of it is 0, and exp of its multiples, too */

#include "nncore/float32.h"
#include "tweedie.c"
#include "nncore/float64.h"
#include "tweedie.c"

const nnc_loss NNC_TABLE(loss, tweedie) = {
    NNC_HEAD(nnc_loss), tweedie_real_f32, tweedie_real_f64, NULL, NULL,
};

#else

static int32_t F(tweedie_real)(const nnc_loss_call *call) {
    const T *output = call->output, *target = call->target, *weight = call->weight;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_outputs = call->n_outputs;
    T a = (T)(2 - call->site->hyper[0]), b = (T)(call->site->hyper[0] - 1);
    for (int64_t row = 0; row < call->n_rows; row++) {
        T sum = 0;
        for (int64_t i = row * n_outputs; i < (row + 1) * n_outputs; i++) {
            T z = output[i], log_Y = target[i] > 0 ? F(nnc_log)(target[i]) : (T)LOG_OF_0;
            T rise = F(nnc_exp)(a * z), fall = F(nnc_exp)(log_Y - b * z), Y_a = F(nnc_exp)(a * log_Y);
            T distance = F(nnc_magnitude)(z - log_Y);
            T of_a = F(nnc_expm1_of_negative)(-a * distance) / a, of_b = F(nnc_expm1_of_negative)(-b * distance) / b;
            sum += z < log_Y ? Y_a * of_a - fall * of_b : Y_a * of_b - rise * of_a;
            if (d_output != NULL) d_output[i] = weight[row] * (rise - fall);
        }
        loss[row] = sum;
    }
    return 0;
}

#endif
