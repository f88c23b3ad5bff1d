/* Sums of matrix rows times factors, for the few rows that a sparse vector names. A template over float and double; include vector.h
 * before. */

/* Vectors of sums side by side. */
#define SPARSE_VECTORS 4

/* Terms of a partial sum: short sums lose fewer digits. */
#define SPARSE_TERMS 256

/* The rows of the matrix come in no order. So the row of a term is prefetched this many terms ahead. */
#define SPARSE_AHEAD 8

/* y = start + the sum over k < n of values[k] times row (rows[k] - first) of x (., stride). y has `vectors` vectors, of which the last
 * holds `last` columns. `vectors` is a constant after inlining. If `start` is NULL, it is 0. */
NNC_INLINE void F(sparse_sum)(const int vectors, int64_t last, const T *start, const int32_t *rows, const T *values, int64_t n, const T *x,
                              int64_t first, int64_t stride, T *y) {
    R sum[SPARSE_VECTORS] = {{0}};
    const int whole = vectors - 1;
    if (start != NULL) {
        for (int v = 0; v < whole; v++) sum[v] = (R) * (const V *)(start + v * LANES);
        sum[whole] = (R)F(load_partial)(start + whole * LANES, last);
    }
    for (int64_t k = 0; k < n;) {
        R part[SPARSE_VECTORS] = {{0}};
        for (int64_t end = k + SPARSE_TERMS < n ? k + SPARSE_TERMS : n; k < end; k++) {
            const T *from = x + (rows[k] - first) * stride;
            if (k + SPARSE_AHEAD < n) {
                const T *later = x + (rows[k + SPARSE_AHEAD] - first) * stride;
                for (int v = 0; v < vectors; v++) __builtin_prefetch(later + v * LANES);
            }
            for (int v = 0; v < whole; v++) part[v] = F(nnc_vector_fma)(values[k], (R) * (const V *)(from + v * LANES), part[v]);
            from += whole * LANES;
            R rest = last == LANES ? (R) * (const V *)from : (R)F(load_partial)(from, last);
            part[whole] = F(nnc_vector_fma)(values[k], rest, part[whole]);
        }
        for (int v = 0; v < vectors; v++) sum[v] += part[v];
    }
    for (int v = 0; v < whole; v++) *(V *)(y + v * LANES) = (V)sum[v];
    F(store_partial)(y + whole * LANES, (V)sum[whole], last);
}

/* The same for n_columns columns. */
static void F(sparse_sums)(const T *start, const int32_t *rows, const T *values, int64_t n, const T *x, int64_t first, int64_t stride,
                           int64_t n_columns, T *y) {
    for (int64_t done = 0; done < n_columns; done += SPARSE_VECTORS * LANES) {
        int64_t left = n_columns - done, vectors = left > SPARSE_VECTORS * LANES ? SPARSE_VECTORS : (left + LANES - 1) / LANES;
        int64_t last = left < vectors * LANES ? left - (vectors - 1) * LANES : LANES;
        const T *begin = start == NULL ? NULL : start + done;
        switch (vectors) {
        case 1: F(sparse_sum)(1, last, begin, rows, values, n, x + done, first, stride, y + done); break;
        case 2: F(sparse_sum)(2, last, begin, rows, values, n, x + done, first, stride, y + done); break;
        case 3: F(sparse_sum)(3, last, begin, rows, values, n, x + done, first, stride, y + done); break;
        default: F(sparse_sum)(4, last, begin, rows, values, n, x + done, first, stride, y + done); break;
        }
    }
}
