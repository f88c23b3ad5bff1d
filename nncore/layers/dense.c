/* y = x . W + b. Parameters: W (n_inputs, n_outputs), then b (n_outputs,) if hyper[0] (use_bias) is set. b is like one more row of W
 * with an input of 1. Gradients are split between rows. */
#ifndef T
#include <string.h>

#include "../_core/kernels/gemm.h"
#include "../_core/kernels/sorted.h"
#include "../_core/kernels/vector.h"
/* Rows of a partial sum, and vectors of sums side by side. */
#define SUM_ROWS 256
#define SUM_VECTORS (NNC_VECTOR_BYTES == 64 ? 1 : 2)

#include "nncore/float32.h"
#include "dense.c"
#include "nncore/float64.h"
#include "dense.c"

const nnc_layer NNC_TABLE(layer, dense) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = dense_forward_f32,
    .forward_f64 = dense_forward_f64,
    .backward_f32 = dense_backward_f32,
    .backward_f64 = dense_backward_f64,
    .touch_f32 = dense_touch_f32,
    .touch_f64 = dense_touch_f64,
    .touched_gradient_f32 = dense_touched_gradient_f32,
    .touched_gradient_f64 = dense_touched_gradient_f64,
    .gradient_f32 = dense_gradient_f32,
    .gradient_f64 = dense_gradient_f64,
};

#else

#include "../_core/kernels/sparse_sums.h"

/* y = x . W + b for sparse x. Each row of x names the rows of W to add up. */
static __attribute__((noinline)) void F(dense_forward_sparse)(const nnc_layer_call *call, const T *weight, const T *bias) {
    const nnc_sparse_rows *x = call->sparse;
    const T *values = x->values;
    int64_t n_outputs = call->n_outputs, n = call->end_column - call->begin_column;
    T *y = (T *)call->y + call->begin_column;
    for (int64_t i = 0; i < call->n_rows; i++) {
        int64_t begin = x->begins[i];
        F(sparse_sums)(bias, x->columns + begin, values + begin, x->ends[i] - begin, weight, 0, n_outputs, n, y + i * n_outputs);
    }
}

static int32_t F(dense_forward)(const nnc_layer_call *call) {
    int64_t n_inputs = call->n_inputs, n_outputs = call->n_outputs, begin = call->begin_column, end = call->end_column;
    const T *weight = call->parameters;                                                       /* (n_inputs, n_outputs) */
    const T *bias = call->site->hyper[0] != 0 ? weight + n_inputs * n_outputs + begin : NULL; /* (end - begin,)        */
    if (call->sparse != NULL) F(dense_forward_sparse)(call, weight + begin, bias);
    else
        F(gemm)(call->n_rows, end - begin, n_inputs, call->x, n_inputs, 1, weight + begin, n_outputs, 1, bias, 0, (T *)call->y + begin,
                n_outputs);
    return 0;
}

/* d_x = d_y . W^T */
static int32_t F(dense_backward)(const nnc_layer_call *call) {
    int64_t n_inputs = call->n_inputs, n_outputs = call->n_outputs, begin = call->begin_column, end = call->end_column;
    const T *weight = call->parameters; /* (n_inputs, n_outputs) */
    F(gemm)(call->n_rows, end - begin, n_outputs, call->d_y, n_outputs, 1, weight + begin * n_outputs, 1, n_outputs, NULL, 0,
            (T *)call->d_x + begin, n_inputs);
    return 0;
}

/* sums + the row x, in `vectors` vectors of which the last holds `last` columns. */
NNC_INLINE void F(add_row)(const int vectors, const T *x, int64_t last, V *sums) {
    for (int v = 0; v < vectors - 1; v++) sums[v] += *(const V *)(x + v * LANES);
    x += (vectors - 1) * LANES;
    sums[vectors - 1] += last == LANES ? *(const V *)x : F(load_partial)(x, last);
}

/* Column sums of some columns of x (n_rows, n), from partial sums of SUM_ROWS rows: short sums lose fewer digits. Each partial sum has
 * four interleaved parts, so that additions need not wait for each other. `vectors` is a constant after inlining, and so is `last` where
 * it is LANES. */
NNC_INLINE void F(sum_columns)(const int vectors, int64_t last, const T *x, int64_t n_rows, int64_t n, T *sums) {
    V sum[SUM_VECTORS] = {{0}};
    int64_t i = 0;
    do {
        int64_t end = nnc_least(i + SUM_ROWS, n_rows);
        V parts[4][SUM_VECTORS] = {{{0}}};
        for (; i + 4 <= end; i += 4)
#pragma GCC unroll 4
            for (int part = 0; part < 4; part++) F(add_row)(vectors, x + (i + part) * n, last, parts[part]);
        for (; i < end; i++) F(add_row)(vectors, x + i * n, last, parts[0]);
        for (int v = 0; v < vectors; v++) sum[v] += (parts[0][v] + parts[1][v]) + (parts[2][v] + parts[3][v]);
    } while (i < n_rows);
    for (int v = 0; v < vectors - 1; v++) *(V *)(sums + v * LANES) = sum[v];
    F(store_partial)(sums + (vectors - 1) * LANES, sum[vectors - 1], last);
}

/* Column sums (n,) of x (n_rows, n), a cache line of columns at a time where there is one. */
static void F(column_sums)(const T *x, int64_t n_rows, int64_t n, T *sums) {
    int64_t first = 0;
    for (; first + SUM_VECTORS * LANES <= n; first += SUM_VECTORS * LANES)
        F(sum_columns)(SUM_VECTORS, LANES, x + first, n_rows, n, sums + first);
    for (; first < n; first += LANES) F(sum_columns)(1, nnc_least(n - first, LANES), x + first, n_rows, n, sums + first);
}

/* Writes n rows of d_W = x^T . d_y from row `begin` on to d_weight, for sparse x. Without `touched` it writes all of them, with zeros
 * where a column of x has no numbers. With `touched` it writes only touched rows. */
static __attribute__((noinline)) void F(dense_gradient_sparse)(const nnc_layer_call *call, int64_t begin, int64_t n, T *d_weight) {
    const nnc_sparse_rows *x = call->sparse;
    const int32_t *columns = x->sorted_columns, *rows = x->sorted_rows;
    const T *values = x->sorted_values;
    int64_t n_outputs = call->n_outputs, first = call->first_row, last = first + call->n_rows;
    int64_t place = nnc_first_from(columns, 0, x->n_sorted, begin), end = nnc_first_from(columns, place, x->n_sorted, begin + n);
    if (call->touched == NULL) memset(d_weight, 0, (size_t)(n * n_outputs) * sizeof(T));
    for (int64_t next; place < end; place = next) {
        for (next = place + 1; next < end && columns[next] == columns[place];) next++;
        int64_t from = nnc_first_from(rows, place, next, first), to = nnc_first_from(rows, from, next, last);
        int64_t row = call->touched != NULL ? nnc_touched_before(call->touched, columns[place]) : columns[place] - begin;
        F(sparse_sums)(NULL, rows + from, values + from, to - from, call->d_y, first, n_outputs, n_outputs, d_weight + row * n_outputs);
    }
}

/* The next two functions are called for sparse x only: a dense batch may touch every row of W. */
static int32_t F(dense_touch)(const nnc_layer_call *call) {
    const nnc_sparse_rows *x = call->sparse;
    int64_t begin = call->begin_parameter / call->n_outputs, end = call->end_parameter / call->n_outputs;
    for (int64_t k = nnc_first_from(x->sorted_columns, 0, x->n_sorted, begin); k < x->n_sorted && x->sorted_columns[k] < end; k++)
        nnc_touch(call->touched, x->sorted_columns[k]);
    return 0;
}

static int32_t F(dense_touched_gradient)(const nnc_layer_call *call) {
    int64_t begin = call->begin_parameter / call->n_outputs, end = call->end_parameter / call->n_outputs;
    F(dense_gradient_sparse)(call, begin, end - begin, call->d_parameters);
    return 0;
}

/* Some rows of d_W = x^T . d_y, and d_b = column sums of d_y. */
static int32_t F(dense_gradient)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n_inputs = call->n_inputs, n_outputs = call->n_outputs;
    int64_t begin = call->begin_parameter / n_outputs, end = call->end_parameter / n_outputs, n = nnc_least(end, n_inputs) - begin;
    const T *x = call->x, *d_y = call->d_y; /* (n_rows, n_inputs), (n_rows, n_outputs) */
    T *d_parameters = call->d_parameters;   /* (end - begin, n_outputs) */
    if (n > 0 && call->sparse != NULL) F(dense_gradient_sparse)(call, begin, n, d_parameters);
    else if (n > 0) F(gemm)(n, n_outputs, n_rows, x + begin, 1, n_inputs, d_y, n_outputs, 1, NULL, 0, d_parameters, n_outputs);
    if (end > n_inputs) F(column_sums)(d_y, n_rows, n_outputs, d_parameters + n * n_outputs);
    return 0;
}

#endif
