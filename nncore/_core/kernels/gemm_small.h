/* Products of a batch of one sample, for the type T. Making a plan would take longer than these products do. Each is a function of its own:
 * together they need more registers than there are. Include after gemm_pack.h. */

#define OUTER_ROWS 4 /* rows of c that are written at the same time: each vector of b is read once for all of them */

/* c (rows, n) = start + a (rows, 1) . b (1, n). `rows` and `has_start` are constants after inlining. */
NNC_INLINE void F(outer_rows)(const int rows, const int has_start, int64_t n, const T *a, int64_t a_row, const T *b, const T *start,
                              int64_t start_row, T *c, int64_t c_row) {
    T factors[OUTER_ROWS]; /* (rows,) */
    for (int i = 0; i < rows; i++) factors[i] = a[i * a_row];
    int64_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        R part = (R) * (const V *)(b + j);
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++) {
            R sum = has_start ? (R) * (const V *)(start + i * start_row + j) : (R){0};
            *(V *)(c + i * c_row + j) = F(nnc_vector_fma)(factors[i], part, sum);
        }
    }
    if (j == n) return;
    R part = (R)F(load_partial)(b + j, n - j);
    for (int i = 0; i < rows; i++) {
        R sum = has_start ? (R)F(load_partial)(start + i * start_row + j, n - j) : (R){0};
        F(store_partial)(c + i * c_row + j, F(nnc_vector_fma)(factors[i], part, sum), n - j);
    }
}

/* All rows of outer_product. */
NNC_INLINE void F(outer_parts)(const int has_start, int64_t m, int64_t n, const T *a, int64_t a_row, const T *b, const T *start,
                               int64_t start_row, T *c, int64_t c_row) {
    for (; m >= OUTER_ROWS; m -= OUTER_ROWS, a += OUTER_ROWS * a_row, c += OUTER_ROWS * c_row) {
        F(outer_rows)(OUTER_ROWS, has_start, n, a, a_row, b, start, start_row, c, c_row);
        if (has_start) start += OUTER_ROWS * start_row;
    }
    for (; m > 0; m--, a += a_row, c += c_row) {
        F(outer_rows)(1, has_start, n, a, a_row, b, start, start_row, c, c_row);
        if (has_start) start += start_row;
    }
}

/* c (m, n) = start + a (m, 1) . b (1, n): the gradient of one sample. */
NNC_APART void F(outer_product)(int64_t m, int64_t n, const T *a, int64_t a_row, const T *b, const T *start, int64_t start_row, T *c,
                                int64_t c_row) {
    if (start != NULL) F(outer_parts)(1, m, n, a, a_row, b, start, start_row, c, c_row);
    else F(outer_parts)(0, m, n, a, a_row, b, start, start_row, c, c_row);
}

/* Adds a (1, rows) . b (rows, n) to c (1, n). n is a multiple of LANES, and `rows` a constant after inlining. */
NNC_INLINE void F(add_rows)(const int rows, int64_t n, const T *a, int64_t a_column, const T *b, int64_t b_row, T *c) {
    for (int64_t j = 0; j < n; j += LANES) {
        R sum = (R) * (const V *)(c + j);
#pragma GCC unroll 8
        for (int p = 0; p < rows; p++) sum = F(nnc_vector_fma)(a[p * a_column], *(const V *)(b + p * b_row + j), sum);
        *(V *)(c + j) = sum;
    }
}

#define SIDE_BY_SIDE 8 /* rows of b that are read at the same time, each from end to end, as hardware prefetchers expect */

/* c (1, n) = start + a (1, k) . b (k, n) */
NNC_APART void F(row_product)(int64_t n, int64_t k, const T *a, int64_t a_column, const T *b, int64_t b_row, const T *start, T *c) {
    int64_t whole = n - n % LANES, rest = n - whole, done = 0;
    for (int64_t j = 0; j < whole; j += LANES) *(V *)(c + j) = start != NULL ? *(const V *)(start + j) : (V){0};
    for (; done + SIDE_BY_SIDE <= k; done += SIDE_BY_SIDE)
        F(add_rows)(SIDE_BY_SIDE, whole, a + done * a_column, a_column, b + done * b_row, b_row, c);
    for (; done < k; done++) F(add_rows)(1, whole, a + done * a_column, a_column, b + done * b_row, b_row, c);
    if (rest == 0) return;
    R sum = start != NULL ? (R)F(load_partial)(start + whole, rest) : (R){0};
    for (int64_t p = 0; p < k; p++) sum = F(nnc_vector_fma)(a[p * a_column], F(load_partial)(b + p * b_row + whole, rest), sum);
    F(store_partial)(c + whole, sum, rest);
}

#define SMALL_TURNED 1024 /* most elements of b, which a level-1 cache holds: prefetching pays for more */

/* c (1, n) = start + a (1, k) . b (k, n) for a transposed b: the gradient of one sample's inputs. */
NNC_APART void F(row_by_turned)(int64_t n, int64_t k, const T *a, int64_t a_column, const T *b, int64_t b_row, int64_t b_column,
                                const T *start, T *c) {
    T part[NNC_VECTOR_BYTES / sizeof(T)][NNC_VECTOR_BYTES / sizeof(T)]; /* a square of b, transposed back */
    for (int64_t j = 0; j < n; j += LANES) {
        int64_t columns = nnc_least(n - j, LANES);
        R sum = start != NULL ? (R)F(load_partial)(start + j, columns) : (R){0};
        for (int64_t p = 0; p < k; p += LANES) {
            int64_t rows = nnc_least(k - p, LANES);
            const T *from = b + p * b_row + j * b_column;
            if (columns == LANES && rows == LANES) F(transpose)(LANES, LANES, from, b_column, *part, LANES);
            else F(transpose)(columns, rows, from, b_column, *part, LANES);
            for (int64_t q = 0; q < rows; q++) sum = F(nnc_vector_fma)(a[(p + q) * a_column], *(const V *)part[q], sum);
        }
        F(store_partial)(c + j, sum, columns);
    }
}
