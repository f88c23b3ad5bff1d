/* Gradients of parameters, one for each column: sums over the rows of d_y times a factor. A template: include after level.h and
 * float32.h or float64.h, and define FACTOR(i, k) before. It is the factor in row i, at place k of matrices (n_rows, n_inputs), computed
 * from x and cache. */

#ifndef NNCORE_ROW_PRODUCTS_H
#define NNCORE_ROW_PRODUCTS_H
#include <string.h>

/* Columns that are summed together, and rows of a partial sum: short sums lose fewer digits. */
#define STRIP 256
#define SUM_ROWS 128

#endif

/* Adds to total (m,) the sums over rows begin .. end - 1, for m <= STRIP columns from `first` on. */
static void F(add_products)(const nnc_layer_call *call, int64_t first, int64_t m, int64_t begin, int64_t end, T *total) {
    const T *x = call->x, *d_y = call->d_y, *cache = call->cache;
    int64_t n = call->n_inputs;
    T sum[STRIP] = {0};
    (void)cache;
    for (int64_t i = begin; i < end; i++)
        for (int64_t j = 0, k = i * n + first; j < m; j++, k++) sum[j] = F(nnc_fma)(d_y[k], FACTOR(i, k), sum[j]);
    for (int64_t j = 0; j < m; j++) total[j] += sum[j];
}

/* Writes d_parameters of the call: the gradients of parameters begin_parameter .. end_parameter - 1, one for each column. */
static void F(row_products)(const nnc_layer_call *call) {
    int64_t first = call->begin_parameter;
    T *total = call->d_parameters; /* (end_parameter - begin_parameter,) */
    memset(total, 0, (size_t)(call->end_parameter - first) * sizeof(T));
    for (int64_t m; first < call->end_parameter; first += m, total += m) {
        m = nnc_least(call->end_parameter - first, STRIP);
        for (int64_t begin = 0, end; begin < call->n_rows; begin = end) {
            end = nnc_least(begin + SUM_ROWS, call->n_rows);
            F(add_products)(call, first, m, begin, end, total);
        }
    }
}
