/* slack = hyper[0] - Y y for one output, hyper[0] - (y_c - the largest other output) for class c; loss = max(0, slack), or its square
 * if hyper[1]. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "hinge.c"
#include "nncore/float64.h"
#include "hinge.c"

const nnc_loss NNC_TABLE(loss, hinge) = {
    NNC_HEAD(nnc_loss), hinge_real_f32, hinge_real_f64, hinge_labels_f32, hinge_labels_f64,
};

#else

/* Writes the loss and returns its derivative with respect to the slack. NaN passes through both. */
static inline T F(hinge)(T slack, int squared, T *loss) {
    T positive = slack <= 0 ? 0 : slack;
    *loss = squared ? positive * positive : positive;
    return squared ? 2 * positive : slack > 0 ? 1 : positive;
}

static int32_t F(hinge_real)(const nnc_loss_call *call) {
    const T *output = call->output, *target = call->target, *weight = call->weight;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_rows = call->n_rows;
    const double *hyper = call->site->hyper;
    T margin = (T)hyper[0];
    int squared = hyper[1] != 0;
    for (int64_t row = 0; row < n_rows; row++) {
        T slope = F(hinge)(margin - target[row] * output[row], squared, loss + row);
        if (d_output != NULL) d_output[row] = -weight[row] * slope * target[row];
    }
    return 0;
}

static int32_t F(hinge_labels)(const nnc_loss_call *call) {
    const T *output = call->output, *weight = call->weight;
    const int64_t *labels = call->labels;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs;
    const double *hyper = call->site->hyper;
    T margin = (T)hyper[0];
    int squared = hyper[1] != 0;
    for (int64_t row = 0; row < n_rows; row++) {
        const T *y = output + row * n_outputs;
        int64_t label = labels[row], rival = label == 0 && n_outputs > 1;
        for (int64_t j = rival + 1; j < n_outputs; j++)
            if (j != label && (y[j] > y[rival] || y[j] != y[j]) && y[rival] == y[rival]) rival = j; /* the first NaN stays */
        T slope = F(hinge)(margin - (y[label] - y[rival]), squared, loss + row);
        if (d_output == NULL) continue;
        T *d_y = d_output + row * n_outputs;
        for (int64_t j = 0; j < n_outputs; j++) d_y[j] = 0;
        d_y[rival] = weight[row] * slope;
        d_y[label] = -weight[row] * slope;
    }
    return 0;
}

#endif
