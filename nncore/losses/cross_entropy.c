/* loss = -sum_j Y_j log y_j, y being probabilities, at least the smallest normal number; d_y = -Y / y. With hyper[0] = e > 0 Y is
 * replaced by (1 - e) Y + e mean_j Y_j. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "cross_entropy.c"
#include "nncore/float64.h"
#include "cross_entropy.c"

const nnc_loss NNC_TABLE(loss, cross_entropy) = {
    NNC_HEAD(nnc_loss), cross_entropy_real_f32, cross_entropy_real_f64, cross_entropy_labels_f32, cross_entropy_labels_f64,
};

#else

/* Lets NaN pass. */
static inline T F(at_least_tiny)(T y) {
    T tiny = sizeof(T) == sizeof(float) ? (T)FLT_MIN : (T)DBL_MIN;
    return y < tiny ? tiny : y;
}

static int32_t F(cross_entropy_real)(const nnc_loss_call *call) {
    const T *output = call->output, *target = call->target, *weight = call->weight;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs;
    T e = (T)call->site->hyper[0], kept = 1 - e;
    for (int64_t row = 0; row < n_rows; row++) {
        const T *y = output + row * n_outputs, *Y = target + row * n_outputs;
        T sum = 0, share = 0;
        if (e > 0) {
            for (int64_t j = 0; j < n_outputs; j++) share += Y[j];
            share *= e / (T)n_outputs;
        }
        for (int64_t j = 0; j < n_outputs; j++) sum += (kept * Y[j] + share) * F(nnc_log)(F(at_least_tiny)(y[j]));
        loss[row] = -sum;
        if (d_output == NULL) continue;
        T *d_y = d_output + row * n_outputs;
        for (int64_t j = 0; j < n_outputs; j++) d_y[j] = -weight[row] * ((kept * Y[j] + share) / F(at_least_tiny)(y[j]));
    }
    return 0;
}

static int32_t F(cross_entropy_labels)(const nnc_loss_call *call) {
    const T *output = call->output, *weight = call->weight;
    const int64_t *labels = call->labels;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs;
    T e = (T)call->site->hyper[0], kept = 1 - e, share = e / (T)n_outputs;
    for (int64_t row = 0; row < n_rows; row++) {
        const T *y = output + row * n_outputs;
        int64_t label = labels[row], first = e > 0 ? 0 : label, end = e > 0 ? n_outputs : label + 1;
        T sum = 0;
        for (int64_t j = first; j < end; j++) sum += ((j == label ? kept : 0) + share) * F(nnc_log)(F(at_least_tiny)(y[j]));
        loss[row] = -sum;
        if (d_output == NULL) continue;
        T *d_y = d_output + row * n_outputs;
        for (int64_t j = 0; j < n_outputs; j++) d_y[j] = 0;
        for (int64_t j = first; j < end; j++) d_y[j] = -weight[row] * (((j == label ? kept : 0) + share) / F(at_least_tiny)(y[j]));
    }
    return 0;
}

#endif
