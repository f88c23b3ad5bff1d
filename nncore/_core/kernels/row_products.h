/* Gradients that are sums over the rows of d_y times a number of each element, a template: include after level.h and float32.h or float64.h
 * where FACTOR(i, k) is that number in row i, at place k of matrices (n_rows, n_inputs), made of x and cache. */

#ifndef NNCORE_ROW_PRODUCTS_H
#define NNCORE_ROW_PRODUCTS_H
#include <string.h>

/* Columns whose gradients are summed together through all rows; and rows that are summed by themselves, so that no sum is long. */
#define STRIP 256
#define SUM_ROWS 128

#endif

/* To total (m,): the sums over rows begin .. end - 1, for m <= STRIP columns from `first` on. */
static void F(add_products)(const nnc_layer_call *call, int64_t first, int64_t m, int64_t begin, int64_t end, T *total) {
    const T *x = call->x, *d_y = call->d_y, *cache = call->cache;
    int64_t n = call->n_inputs;
    T sum[STRIP] = {0};
    (void)cache;
    for (int64_t i = begin; i < end; i++)
        for (int64_t j = 0, k = i * n + first; j < m; j++, k++) sum[j] = F(nnc_fma)(d_y[k], FACTOR(i, k), sum[j]);
    for (int64_t j = 0; j < m; j++) total[j] += sum[j];
}

/* Of the columns that are parameters begin_parameter .. end_parameter - 1 of the call, to its d_parameters. */
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
