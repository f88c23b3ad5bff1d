/* Output t K + k is quantile q_k of target t; d = Y - y. loss = mean_tk max(q d, (q - 1) d); d_y = -q / n_outputs where d > 0,
 * (1 - q) / n_outputs where d < 0. hyper holds q. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "quantile.c"
#include "nncore/float64.h"
#include "quantile.c"

const nnc_loss NNC_TABLE(loss, quantile) = {
    NNC_HEAD(nnc_loss), quantile_real_f32, quantile_real_f64, NULL, NULL,
};

#else

static int32_t F(quantile_real)(const T *output, const T *target, const T *weight, T *loss, T *d_output,
                                int64_t n_rows, int64_t n_outputs, int64_t n_targets, const double *hyper) {
    int64_t n_quantiles = n_outputs / n_targets;
    for (int64_t row = 0; row < n_rows; row++) {
        const T *y = output + row * n_outputs, *Y = target + row * n_targets;
        T *d_y = d_output == NULL ? NULL : d_output + row * n_outputs;
        T sum = 0, share = weight[row] / (T)n_outputs;
        for (int64_t t = 0; t < n_targets; t++, y += n_quantiles) {
            for (int64_t k = 0; k < n_quantiles; k++) {
                T q = (T)hyper[k], d = Y[t] - y[k];
                sum += d > 0 ? q * d : (q - 1) * d;
            }
            if (d_y == NULL) continue;
            for (int64_t k = 0; k < n_quantiles; k++) {
                T q = (T)hyper[k], d = Y[t] - y[k];
                d_y[k] = d > 0 ? -share * q : d < 0 ? share * (1 - q) : d; /* 0, or NaN, which passes */
            }
            d_y += n_quantiles;
        }
        loss[row] = sum / (T)n_outputs;
    }
    return 0;
}

#endif
