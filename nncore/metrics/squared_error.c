/* (y - Y)^2 of every output, in float64. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "squared_error.c"
#include "nncore/float64.h"
#include "squared_error.c"

const nnc_metric NNC_TABLE(metric, squared_error) = {
    NNC_HEAD(nnc_metric), squared_error_real_f32, squared_error_real_f64, squared_error_labels_f32, squared_error_labels_f64,
};

#else

static int32_t F(squared_error_real)(const nnc_metric_call *call) {
    const T *y = call->output, *target = call->target;
    for (int64_t i = 0; i < call->n_rows * call->n_outputs; i++) {
        double d = (double)y[i] - (double)target[i];
        call->terms[i] = d * d;
    }
    return 0;
}

static int32_t F(squared_error_labels)(const nnc_metric_call *call) { /* of a single output */
    const T *y = call->output;
    for (int64_t i = 0; i < call->n_rows; i++) {
        double d = (double)y[i] - (double)call->labels[i];
        call->terms[i] = d * d;
    }
    return 0;
}

#endif
