/* Replaces NaN in x by a learned value of its column. Parameters: a value for each column that is filled. The first number, hyper[0],
 * says whether an indicator column of 0 and 1 is appended for each of them. The second, hyper[1], the number of filled columns, 0 for
 * all of x. Then come the filled columns. */
#ifndef T
#include <string.h>

#include "../_core/kernels/level.h"

/* Values whose gradients are summed together, and rows of a partial sum: short sums lose fewer digits. */
#define STRIP 256
#define SUM_ROWS 128

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
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = fill_missing_forward_f32,
    .forward_f64 = fill_missing_forward_f64,
    .backward_f32 = fill_missing_backward_f32,
    .backward_f64 = fill_missing_backward_f64,
    .gradient_f32 = fill_missing_gradient_f32,
    .gradient_f64 = fill_missing_gradient_f64,
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

/* Adds to total (m,) the sums over rows begin .. end - 1 of d_y where x is NaN, for the columns of m <= STRIP values from `first` on. */
static void F(add_missing)(const nnc_layer_call *call, int64_t first, int64_t m, int64_t begin, int64_t end, T *total) {
    T sum[STRIP] = {0};
    for (int64_t i = begin; i < end; i++) {
        const T *x = (const T *)call->x + i * call->n_inputs, *d_y = (const T *)call->d_y + i * call->n_outputs;
        for (int64_t k = 0; k < m; k++) {
            int64_t column = filled_column(call, first + k);
            if (x[column] != x[column]) sum[k] += d_y[column];
        }
    }
    for (int64_t k = 0; k < m; k++) total[k] += sum[k];
}

/* d_value[k] = the sum of d_y over the rows where its column is NaN */
static int32_t F(fill_missing_gradient)(const nnc_layer_call *call) {
    int64_t first = call->begin_parameter;
    T *d_value = call->d_parameters; /* (end_parameter - begin_parameter,) */
    memset(d_value, 0, (size_t)(call->end_parameter - first) * sizeof(T));
    for (int64_t m; first < call->end_parameter; first += m, d_value += m) {
        m = nnc_least(call->end_parameter - first, STRIP);
        for (int64_t begin = 0, end; begin < call->n_rows; begin = end) {
            end = nnc_least(begin + SUM_ROWS, call->n_rows);
            F(add_missing)(call, first, m, begin, end, d_value);
        }
    }
    return 0;
}

#endif
