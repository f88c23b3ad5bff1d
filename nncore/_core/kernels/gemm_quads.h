/* Products with at most four columns, for the type T, with AVX-512, whose vectors have room for more. Include after gemm_pack.h.
 *
 * A vector of sums holds four columns of several rows of c. One load for each of these rows fetches four elements of a. A shuffle
 * spreads one of the four over all columns of its row. So one multiply-add serves as many rows as a vector holds. */

#undef QUAD_ROWS
#define QUAD 4
#define QUAD_ROWS (NNC_VECTOR_BYTES / (int)sizeof(T) / QUAD) /* in a vector */
#define QUAD_SUMS 4                                          /* vectors at a time, to hide the latency of multiply-adds */
#define QUAD_STRIP (QUAD_SUMS * QUAD_ROWS)                   /* rows at a time */
#define QUAD_BLOCK (STACK_SHARE / NNC_VECTOR_BYTES)          /* rows of b at a time */

/* One quad for each row of a vector: the first n of four elements at `from`, and at the QUAD_ROWS - 1 places that follow, `apart`
 * elements apart. */
NNC_INLINE R F(load_quads)(const T *from, int64_t apart, int64_t n) {
    R quads = F(same_quads)(from, n);
#pragma GCC unroll 3
    for (int64_t r = 1; r < QUAD_ROWS; r++) quads = F(replace_quad)(quads, r, from + r * apart, n);
    return quads;
}

/* sum + the terms of the first `count` elements of each quad of x, in order. */
NNC_INLINE R F(add_terms)(R sum, R x, const R *b, int64_t count) {
    sum = F(fma_lanes)(F(NNC_SPREAD)(x, 0), b[0], sum);
    if (count > 1) sum = F(fma_lanes)(F(NNC_SPREAD)(x, 1), b[1], sum);
    if (count > 2) sum = F(fma_lanes)(F(NNC_SPREAD)(x, 2), b[2], sum);
    if (count > 3) sum = F(fma_lanes)(F(NNC_SPREAD)(x, 3), b[3], sum);
    return sum;
}

/* Computes QUAD_STRIP rows of c from k rows of b. Each row of b is a vector of the same quad. */
NNC_INLINE void F(quad_strip)(int64_t n, int64_t k, const T *a, int64_t a_row, const R *b, const T *start, int64_t start_row, T *c,
                              int64_t c_row) {
    R sum[QUAD_SUMS];
#pragma GCC unroll 4
    for (int v = 0; v < QUAD_SUMS; v++) sum[v] = start == NULL ? (R){0} : F(load_quads)(start + v * QUAD_ROWS * start_row, start_row, n);
    int64_t p = 0;
    for (; p + QUAD <= k; p += QUAD)
#pragma GCC unroll 4
        for (int v = 0; v < QUAD_SUMS; v++)
            sum[v] = F(add_terms)(sum[v], F(load_quads)(a + v * QUAD_ROWS * a_row + p, a_row, QUAD), b + p, QUAD);
    if (p < k)
#pragma GCC unroll 4
        for (int v = 0; v < QUAD_SUMS; v++)
            sum[v] = F(add_terms)(sum[v], F(load_quads)(a + v * QUAD_ROWS * a_row + p, a_row, k - p), b + p, k - p);
#pragma GCC unroll 4
    for (int v = 0; v < QUAD_SUMS; v++)
#pragma GCC unroll 4
        for (int r = 0; r < QUAD_ROWS; r++) F(store_quad)(c + (v * QUAD_ROWS + r) * c_row, sum[v], r, n);
}

/* The product for n <= QUAD, a_column == 1 and m a multiple of QUAD_STRIP. */
static void F(quad_product)(PRODUCT) {
    R packed[QUAD_BLOCK];
    int64_t done = 0;
    do {
        int64_t height = nnc_least(k - done, QUAD_BLOCK);
        for (int64_t p = 0; p < height; p++) {
            T quad[QUAD] = {0};
            const T *row = b + (done + p) * b_row;
            for (int64_t j = 0; j < n && b_column != 1; j++) quad[j] = row[j * b_column];
            packed[p] = F(same_quads)(b_column == 1 ? row : quad, n);
        }
        for (int64_t i = 0; i < m; i += QUAD_STRIP)
            F(quad_strip)(n, height, a + i * a_row + done * a_column, a_row, packed, start != NULL ? start + i * start_row : NULL,
                          start_row, c + i * c_row, c_row);
        start = c;
        start_row = c_row;
        done += height;
    } while (done < k);
}
