/* A learned value of its column where x is NaN. Parameters: a value for each column that is filled. hyper[0]: whether a column of 0 and 1
 * is appended for each of them; hyper[1]: how many they are, 0 for all that x has; then which ones. */
#ifndef T
#include <string.h>

#include "../_core/kernels/level.h"

static int64_t count_filled(const nnc_layer_call *call) {
    return call->site->hyper[1] != 0 ? (int64_t)call->site->hyper[1] : call->n_inputs;
}

static int64_t filled_column(const nnc_layer_call *call, int64_t k) {
    return call->site->hyper[1] != 0 ? (int64_t)call->site->hyper[2 + k] : k;
}

#include "nncore/float32.h"
#include "fill_missing.c"
#include "nncore/float64.h"
#include "fill_missing.c"

const nnc_layer NNC_TABLE(layer, fill_missing) = {
    NNC_HEAD(nnc_layer),       fill_missing_forward_f32,  fill_missing_forward_f64,  fill_missing_backward_f32,
    fill_missing_backward_f64, fill_missing_gradient_f32, fill_missing_gradient_f64,
};

#else

static int32_t F(fill_missing_forward)(const nnc_layer_call *call) {
    int64_t n_inputs = call->n_inputs, n_outputs = call->n_outputs, n_filled = count_filled(call);
    int has_indicator = call->site->hyper[0] != 0;
    const T *value = call->parameters; /* (n_filled,) */
    for (int64_t i = 0; i < call->n_rows; i++) {
        const T *x = (const T *)call->x + i * n_inputs; /* (n_inputs,)  */
        T *y = (T *)call->y + i * n_outputs;            /* (n_outputs,) */
        memcpy(y, x, (size_t)n_inputs * sizeof(T));
        for (int64_t k = 0; k < n_filled; k++) {
            int64_t column = filled_column(call, k);
            int is_missing = x[column] != x[column];
            if (is_missing) y[column] = value[k];
            if (has_indicator) y[n_inputs + k] = (T)is_missing;
        }
    }
    return 0;
}

static int32_t F(fill_missing_backward)(const nnc_layer_call *call) {
    int64_t n_inputs = call->n_inputs, n_filled = count_filled(call);
    for (int64_t i = 0; i < call->n_rows; i++) {
        const T *x = (const T *)call->x + i * n_inputs; /* (n_inputs,) */
        T *d_x = (T *)call->d_x + i * n_inputs;         /* (n_inputs,) */
        memcpy(d_x, (const T *)call->d_y + i * call->n_outputs, (size_t)n_inputs * sizeof(T));
        for (int64_t k = 0; k < n_filled; k++) {
            int64_t column = filled_column(call, k);
            if (x[column] != x[column]) d_x[column] = 0;
        }
    }
    return 0;
}

/* d_value[k] = the sum of d_y over the rows where its column is NaN */
static int32_t F(fill_missing_gradient)(const nnc_layer_call *call) {
    int64_t begin = call->begin_parameter, end = call->end_parameter;
    T *restrict d_value = call->d_parameters; /* (end - begin,) */
    for (int64_t k = begin; k < end; k++) d_value[k - begin] = 0;
    for (int64_t i = 0; i < call->n_rows; i++) {
        const T *x = (const T *)call->x + i * call->n_inputs, *d_y = (const T *)call->d_y + i * call->n_outputs;
        for (int64_t k = begin; k < end; k++) {
            int64_t column = filled_column(call, k);
            if (x[column] != x[column]) d_value[k - begin] += d_y[column];
        }
    }
    return 0;
}

#endif
