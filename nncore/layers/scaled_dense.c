/* y = (x s) . W + b. Parameters: W (n_inputs, n_outputs), then b (n_outputs,) if hyper[0] (use_bias) is set, then the scale s (n_inputs,).
 *
 * Let g = x^T . d_y. The gradient of a row of W is its number of s times the row of g. The gradient of that number of s is the sum over
 * the row of W g. */
#ifndef T
#include <string.h>

#include "../_core/kernels/gemm.h"
#include "../_core/kernels/sorted.h"
#include "../_core/kernels/vector.h"
/* Rows and inputs that are scaled together. */
#define SCALED_ROWS 16
#define SCALED_INPUTS 64
/* Rows and columns of g that are computed together for gradients of s. */
#define G_ROWS 8
#define G_COLUMNS 128

static inline int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }

#include "nncore/float32.h"
#include "scaled_dense.c"
#include "nncore/float64.h"
#include "scaled_dense.c"

const nnc_layer NNC_TABLE(layer, scaled_dense) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = scaled_forward_f32,
    .forward_f64 = scaled_forward_f64,
    .backward_f32 = scaled_backward_f32,
    .backward_f64 = scaled_backward_f64,
    .touch_f32 = scaled_touch_f32,
    .touch_f64 = scaled_touch_f64,
    .touched_gradient_f32 = scaled_touched_gradient_f32,
    .touched_gradient_f64 = scaled_touched_gradient_f64,
    .gradient_f32 = scaled_gradient_f32,
    .gradient_f64 = scaled_gradient_f64,
};

#else

#include "../_core/kernels/row_sums.h"
#include "../_core/kernels/sparse_sums.h"

/* Where s begins among the parameters. */
static int64_t F(scale_place)(const nnc_layer_call *call) {
    return call->n_inputs * call->n_outputs + (call->site->hyper[0] != 0 ? call->n_outputs : 0);
}

/* Columns begin .. end - 1 of y for sparse x. Each row of x names the rows of W to add up. */
static void F(scaled_forward_sparse)(const nnc_layer_call *call, const T *weight, const T *bias, const T *scale) {
    const nnc_sparse_rows *x = call->sparse;
    T scaled[SPARSE_TERMS];
    int64_t n_outputs = call->n_outputs, n = call->end_column - call->begin_column;
    T *y = (T *)call->y + call->begin_column;
    for (int64_t i = 0; i < call->n_rows; i++, y += n_outputs) {
        const T *start = bias;
        int64_t from = x->begins[i];
        do {
            int64_t size = nnc_least(x->ends[i] - from, SPARSE_TERMS);
            for (int64_t k = 0; k < size; k++) scaled[k] = ((const T *)x->values)[from + k] * scale[x->columns[from + k]];
            F(sparse_sums)(start, x->columns + from, scaled, size, weight, 0, n_outputs, n, y);
            start = y;
            from += size;
        } while (from < x->ends[i]);
    }
}

static int32_t F(scaled_forward)(const nnc_layer_call *call) {
    int64_t n_inputs = call->n_inputs, n_outputs = call->n_outputs, begin = call->begin_column, n = call->end_column - begin;
    const T *weight = (const T *)call->parameters + begin, *scale = (const T *)call->parameters + F(scale_place)(call);
    const T *bias = call->site->hyper[0] != 0 ? weight + n_inputs * n_outputs : NULL;
    if (call->sparse != NULL) {
        F(scaled_forward_sparse)(call, weight, bias, scale);
        return 0;
    }
    T scaled[SCALED_ROWS * SCALED_INPUTS];
    for (int64_t row = 0, rows; row < call->n_rows; row += rows) {
        const T *x = (const T *)call->x + row * n_inputs;
        T *y = (T *)call->y + row * n_outputs + begin;
        rows = nnc_least(call->n_rows - row, SCALED_ROWS);
        for (int64_t j = 0, m; j < n_inputs; j += m) {
            m = nnc_least(n_inputs - j, SCALED_INPUTS);
            for (int64_t i = 0; i < rows; i++)
                for (int64_t k = 0; k < m; k++) scaled[i * m + k] = x[i * n_inputs + j + k] * scale[j + k];
            F(gemm)(rows, n, m, scaled, m, 1, weight + j * n_outputs, n_outputs, 1, j > 0 ? y : bias, j > 0 ? n_outputs : 0, y, n_outputs);
        }
    }
    return 0;
}

/* d_x = (d_y . W^T) s */
static int32_t F(scaled_backward)(const nnc_layer_call *call) {
    int64_t n_inputs = call->n_inputs, n_outputs = call->n_outputs, begin = call->begin_column, n = call->end_column - begin;
    const T *weight = call->parameters, *scale = weight + F(scale_place)(call) + begin;
    T *d_x = (T *)call->d_x + begin;
    F(gemm)(call->n_rows, n, n_outputs, call->d_y, n_outputs, 1, weight + begin * n_outputs, 1, n_outputs, NULL, 0, d_x, n_inputs);
    for (int64_t i = 0; i < call->n_rows; i++, d_x += n_inputs)
        for (int64_t k = 0; k < n; k++) d_x[k] *= scale[k];
    return 0;
}

/* Columns begin .. begin + n - 1 of one row of g, for sparse x. Its column of x has the numbers at places place .. end - 1 of the
 * batch's sorted numbers. */
static void F(sparse_row_of_g)(const nnc_layer_call *call, int64_t place, int64_t end, int64_t begin, int64_t n, T *to) {
    const nnc_sparse_rows *x = call->sparse;
    int64_t first = call->first_row, from = nnc_first_from(x->sorted_rows, place, end, first);
    int64_t until = nnc_first_from(x->sorted_rows, from, end, first + call->n_rows);
    F(sparse_sums)(NULL, x->sorted_rows + from, (const T *)x->sorted_values + from, until - from, (const T *)call->d_y + begin, first,
                   call->n_outputs, n, to);
}

/* Rows i .. i_end - 1 and columns o .. o_end - 1 of g, to a matrix with rows of `width`. */
static void F(rows_of_g)(const nnc_layer_call *call, int64_t i, int64_t i_end, int64_t o, int64_t o_end, T *to, int64_t width) {
    int64_t n_inputs = call->n_inputs, n_outputs = call->n_outputs;
    if (call->sparse == NULL) {
        F(gemm)(i_end - i, o_end - o, call->n_rows, (const T *)call->x + i, 1, n_inputs, (const T *)call->d_y + o, n_outputs, 1, NULL, 0,
                to, width);
        return;
    }
    const int32_t *columns = call->sparse->sorted_columns;
    int64_t place = nnc_first_from(columns, 0, call->sparse->n_sorted, i),
            end = nnc_first_from(columns, place, call->sparse->n_sorted, i_end);
    for (; i < i_end; i++, to += width) {
        int64_t next = place;
        while (next < end && columns[next] == i) next++;
        if (next > place) F(sparse_row_of_g)(call, place, next, o, o_end - o, to);
        else memset(to, 0, (size_t)(o_end - o) * sizeof(T));
        place = next;
    }
}

/* The same for d_W. */
static void F(rows_of_weight)(const nnc_layer_call *call, int64_t i, int64_t i_end, int64_t o, int64_t o_end, T *to) {
    if (i >= i_end || o >= o_end) return;
    const T *scale = (const T *)call->parameters + F(scale_place)(call);
    F(rows_of_g)(call, i, i_end, o, o_end, to, call->n_outputs);
    for (; i < i_end; i++, to += call->n_outputs)
        for (int64_t k = 0; k < o_end - o; k++) to[k] *= scale[i];
}

/* d_s begin .. end - 1 */
static void F(scale_gradient)(const nnc_layer_call *call, int64_t begin, int64_t end, T *to) {
    int64_t n_outputs = call->n_outputs;
    T g[G_ROWS * G_COLUMNS];
    for (int64_t i = begin, rows; i < end; i += rows, to += rows) {
        double sums[G_ROWS] = {0};
        rows = nnc_least(end - i, G_ROWS);
        for (int64_t o = 0, n; o < n_outputs; o += n) {
            n = nnc_least(n_outputs - o, G_COLUMNS);
            F(rows_of_g)(call, i, i + rows, o, o + n, g, n);
            for (int64_t k = 0; k < rows; k++) {
                const T *weight = (const T *)call->parameters + (i + k) * n_outputs + o;
                T sum = 0;
                for (int64_t c = 0; c < n; c++) sum += weight[c] * g[k * n + c];
                sums[k] += (double)sum;
            }
        }
        for (int64_t k = 0; k < rows; k++) to[k] = (T)sums[k];
    }
}

/* The next two functions are called for sparse x only. */
static int32_t F(scaled_touch)(const nnc_layer_call *call) {
    const nnc_sparse_rows *x = call->sparse;
    int64_t begin = call->begin_parameter / call->n_outputs, end = call->end_parameter / call->n_outputs;
    for (int64_t k = nnc_first_from(x->sorted_columns, 0, x->n_sorted, begin); k < x->n_sorted && x->sorted_columns[k] < end; k++)
        nnc_touch(call->touched, x->sorted_columns[k]);
    return 0;
}

static int32_t F(scaled_touched_gradient)(const nnc_layer_call *call) {
    const nnc_sparse_rows *x = call->sparse;
    const int32_t *columns = x->sorted_columns;
    int64_t n_outputs = call->n_outputs, begin = call->begin_parameter / n_outputs, end = call->end_parameter / n_outputs;
    for (int64_t k = nnc_first_from(columns, 0, x->n_sorted, begin), next; k < x->n_sorted && columns[k] < end; k = next) {
        for (next = k + 1; next < x->n_sorted && columns[next] == columns[k];) next++;
        F(rows_of_weight)(call, columns[k], columns[k] + 1, 0, n_outputs,
                          (T *)call->d_parameters + nnc_touched_before(call->touched, columns[k]) * n_outputs);
    }
    return 0;
}

static int32_t F(scaled_gradient)(const nnc_layer_call *call) {
    int64_t n = call->n_outputs, of_weight = call->n_inputs * n, of_scale = F(scale_place)(call);
    int64_t begin = call->begin_parameter, end = call->end_parameter;
    T *to = call->d_parameters; /* of begin_parameter */
    if (begin < of_weight) {    /* whole rows of W, and parts of the first and the last */
        int64_t until = nnc_least(end, of_weight), first = (begin + n - 1) / n, last = until / n;
        T *of_first = to + (first * n - begin); /* the place of row `first` */
        if (first > last) {
            F(rows_of_weight)(call, last, first, begin % n, until % n, to);
        } else {
            if (begin % n != 0) F(rows_of_weight)(call, first - 1, first, begin % n, n, to);
            F(rows_of_weight)(call, first, last, 0, n, of_first);
            F(rows_of_weight)(call, last, last + 1, 0, until % n, of_first + (last - first) * n);
        }
    }
    int64_t from = later(begin, of_weight), until = nnc_least(end, of_scale);
    if (from < until)
        F(sum_of_rows)((const T *)call->d_y + (from - of_weight), n, NULL, 0, call->n_rows, until - from, to + (from - begin));
    from = later(begin, of_scale);
    if (from < end) F(scale_gradient)(call, from - of_scale, end - of_scale, to + (from - begin));
    return 0;
}

#endif
