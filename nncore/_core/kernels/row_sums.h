/* Sums over the rows of a batch, for the type T, from partial sums of SUM_ROWS rows: short sums lose fewer digits. */
#ifndef SUM_ROWS
#    define SUM_ROWS 128
#    define STRIP 256 /* columns that are summed together through these rows */
#endif

/* Adds to total (width,) the sums over n_rows rows of `from`, which are `step` numbers apart. If `factors` is not NULL, it multiplies
 * each row by one of `factors`, which are `factors_step` apart. width <= STRIP. */
static void F(add_rows)(const T *from, int64_t step, const T *factors, int64_t factors_step, int64_t n_rows, int64_t width, T *total) {
    T sum[STRIP] = {0};
    for (int64_t row = 0; row < n_rows; row++, from += step) {
        if (factors == NULL) {
            for (int64_t i = 0; i < width; i++) sum[i] += from[i];
        } else {
            for (int64_t i = 0; i < width; i++) sum[i] += from[i] * factors[i];
            factors += factors_step;
        }
    }
    for (int64_t i = 0; i < width; i++) total[i] += sum[i];
}

/* to (width,) = the same sums, for any width. */
static void F(sum_of_rows)(const T *from, int64_t step, const T *factors, int64_t factors_step, int64_t n_rows, int64_t width, T *to) {
    for (int64_t first = 0, n; first < width; first += n) {
        n = nnc_least(width - first, STRIP);
        for (int64_t i = 0; i < n; i++) to[first + i] = 0;
        for (int64_t row = 0, rows; row < n_rows; row += rows) {
            rows = nnc_least(n_rows - row, SUM_ROWS);
            F(add_rows)(from + row * step + first, step, factors == NULL ? NULL : factors + row * factors_step + first, factors_step, rows,
                        n, to + first);
        }
    }
}
