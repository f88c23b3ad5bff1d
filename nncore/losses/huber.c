/* c = y - Y clipped to [-delta, delta]; loss = mean_j c_j (y_j - Y_j - c_j / 2); d_y = c / n_outputs. hyper[0] is delta. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "huber.c"
#include "nncore/float64.h"
#include "huber.c"

const nnc_loss NNC_TABLE(loss, huber) = {
    NNC_HEAD(nnc_loss), huber_real_f32, huber_real_f64, NULL, NULL,
};

#else

/* Lets NaN pass. */
static inline T F(clipped)(T d, T delta) {
    T c = d < -delta ? -delta : d;
    return c > delta ? delta : c;
}

static int32_t F(huber_real)(const nnc_loss_call *call) {
    const T *output = call->output, *target = call->target, *weight = call->weight;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs;
    const double *hyper = call->site->hyper;
    T delta = (T)hyper[0];
    for (int64_t row = 0; row < n_rows; row++) {
        const T *y = output + row * n_outputs, *Y = target + row * n_outputs;
        T sum = 0;
        for (int64_t j = 0; j < n_outputs; j++) {
            T d = y[j] - Y[j], c = F(clipped)(d, delta);
            sum += c * (d - c / 2);
        }
        loss[row] = sum / (T)n_outputs;
        if (d_output == NULL) continue;
        T *d_y = d_output + row * n_outputs;
        T share = weight[row] / (T)n_outputs;
        for (int64_t j = 0; j < n_outputs; j++) d_y[j] = share * F(clipped)(y[j] - Y[j], delta);
    }
    return 0;
}

#endif
