/* p = softmax(z), rest = 1 - p; loss = -sum_j a_j Y_j rest_j^g log p_j; with h_j = a_j Y_j rest_j^g (g p_j log p_j / rest_j - 1),
 * d_z = h rest - p (sum h - h). hyper: g, the number of weights a (0: all are 1; 1: one for all), the weights. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "focal.c"
#include "nncore/float64.h"
#include "focal.c"

/* One function for class indices and for target rows over the classes. */
const nnc_loss NNC_TABLE(loss, focal) = {
    NNC_HEAD(nnc_loss), focal_any_f32, focal_any_f64, focal_any_f32, focal_any_f64,
};

#else

static int32_t F(focal_any)(const nnc_loss_call *call) {
    const T *weight = call->weight;
    const double *hyper = call->site->hyper;
    T *loss = call->loss, *d_output = call->d_output, gamma = (T)hyper[0];
    int64_t n = call->n_outputs, n_weights = (int64_t)hyper[1];
    for (int64_t row = 0; row < call->n_rows; row++) {
        const T *z = (const T *)call->output + row * n, *Y = call->target == NULL ? NULL : (const T *)call->target + row * n;
        int64_t label = Y == NULL ? call->labels[row] : -1, top = 0;
        for (int64_t j = 1; j < n; j++)
            if (z[j] > z[top] || z[j] != z[j]) top = j;
        T others = 0, value = 0, sum = 0;
        for (int64_t j = 0; j < n; j++) others += j == top ? z[j] - z[j] : F(nnc_exp)(z[j] - z[top]); /* NaN passes */
        T total = 1 + others, log_total = F(nnc_log1p_of_positive)(others);
        for (int is_gradient = 0; is_gradient <= (d_output != NULL); is_gradient++)
            for (int64_t j = 0; j < n; j++) {
                T e = F(nnc_exp)(z[j] - z[top]), p = e / total, rest = (j == top ? others : total - e) / total;
                if (is_gradient) {
                    T h = d_output[row * n + j];
                    d_output[row * n + j] = weight[row] * (h * rest - p * (sum - h));
                    continue;
                }
                T mass = Y == NULL ? (T)(j == label) : Y[j];
                if (n_weights > 0) mass *= (T)hyper[n_weights == 1 ? 2 : 2 + j];
                T log_p = z[j] - z[top] - log_total;
                T factor = gamma == 0 ? 1 : gamma == 1 ? rest : gamma == 2 ? rest * rest : F(nnc_exp)(gamma * F(nnc_log)(rest));
                value -= mass * factor * log_p;
                T h = mass * factor * (gamma * p * (rest == 0 ? -1 : log_p / rest) - 1);
                sum += h;
                if (d_output != NULL) d_output[row * n + j] = h;
            }
        loss[row] = value + (others - others); /* NaN passes, also where the factor is 1 and the label is another class */
    }
    return 0;
}

#endif
