/* P(class >= k) = sigmoid(g_k), g_1 = u_1, g_k = g_(k-1) - log(1 + exp u_k). For class c of 0, ..., n: loss = log(1 + exp(-g_c)) if c > 0,
 * plus log(1 + exp g_(c+1)) if c < n, plus log(1 + exp(-u_(c+1))) if both. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "ordinal.c"
#include "nncore/float64.h"
#include "ordinal.c"

const nnc_loss NNC_TABLE(loss, ordinal) = {
    NNC_HEAD(nnc_loss), NULL, NULL, ordinal_labels_f32, ordinal_labels_f64,
};

#else

/* log(1 + exp x), and its slope. */
static T F(soft)(T x, T *slope) {
    T e = F(nnc_exp)(-F(nnc_magnitude)(x));
    *slope = (x < 0 ? e : 1) / (1 + e);
    return (x > 0 ? x : 0) + F(nnc_log1p)(e);
}

static int32_t F(ordinal_labels)(const nnc_loss_call *call) {
    int64_t n = call->n_outputs;
    for (int64_t row = 0; row < call->n_rows; row++) {
        const T *u = (const T *)call->output + row * n;
        T *d_u = call->d_output == NULL ? NULL : (T *)call->d_output + row * n;
        T g = u[0], value = 0, nothing = 0, above = 0, below = 0, gap = 0, slope;
        int64_t label = call->labels[row];
        for (int64_t k = 0; k < n; k++) {
            nothing += u[k] - u[k]; /* NaN passes */
            if (k > 0 && k <= label) g -= F(soft)(u[k], &slope);
            if (k + 1 == label) value += F(soft)(-g, &above);
            if (k == label) value += F(soft)(g, &below);
            if (k == label && k > 0) value += F(soft)(-u[k], &gap);
        }
        ((T *)call->loss)[row] = value + nothing;
        if (d_u == NULL) continue;
        T weight = ((const T *)call->weight)[row];
        for (int64_t k = 0; k < n; k++) {
            (void)F(soft)(u[k], &slope);
            T d = k == 0 ? below - above : k < label ? slope * (above - below) : k == label ? -slope * below - gap : 0;
            d_u[k] = weight * ((k > label ? 0 : d) + (u[k] - u[k]));
        }
    }
    return 0;
}

#endif
