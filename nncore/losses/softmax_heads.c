/* For every head h, hyper[h] columns and a class Y_h: loss = sum_h log sum_j exp(z_hj - max z_h) - (z_h[Y_h] - max z_h);
 * d_z_h = softmax(z_h) - onehot(Y_h). */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "softmax_heads.c"
#include "nncore/float64.h"
#include "softmax_heads.c"

const nnc_loss NNC_TABLE(loss, softmax_heads) = {
    NNC_HEAD(nnc_loss), softmax_heads_real_f32, softmax_heads_real_f64, NULL, NULL,
};

#else
#include "../_core/kernels/softmax.h"

static int32_t F(softmax_heads_real)(const T *output, const T *target, const T *weight, T *loss, T *d_output,
                                     int64_t n_rows, int64_t n_outputs, int64_t n_targets, const double *hyper) {
    for (int64_t row = 0; row < n_rows; row++, target += n_targets) {
        const T *z = output + row * n_outputs;
        T *d_z = d_output == NULL ? NULL : d_output + row * n_outputs, total = 0;
        for (int64_t head = 0, n; head < n_targets; head++, z += n) {
            n = (int64_t)hyper[head];
            if (!(target[head] >= 0 && target[head] < (T)n)) return 1; /* the host has checked them, but shares them with the user */
            int64_t label = (int64_t)target[head];
            T largest, sum;
            F(exp_rows)(z, 1, n, d_z, &largest, &sum);
            total += F(nnc_log)(sum) - (z[label] - largest);
            if (d_z == NULL) continue;
            T share = 1 / sum, of_label = weight[row] * (d_z[label] * share - 1);
            for (int64_t j = 0; j < n; j++) d_z[j] = weight[row] * (d_z[j] * share);
            d_z[label] = of_label;
            d_z += n;
        }
        loss[row] = total;
    }
    return 0;
}

#endif
