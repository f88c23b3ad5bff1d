/* Packing for gemm.c: copies blocks of a and b into contiguous memory, for the type T. Include after gemm_tile.h. */

#define TRANSPOSE_AHEAD 256 /* how far ahead of a transposed square to prefetch, in elements */

/* Separate functions: inlined into a loop, they would need too many registers. */
static void F(transpose_square)(const T *from, int64_t from_row, T *to, int64_t to_row) {
#pragma GCC unroll 16
    for (int64_t r = 0; r < LANES; r++) __builtin_prefetch(from + r * from_row + TRANSPOSE_AHEAD);
    F(transpose)(LANES, LANES, from, from_row, to, to_row);
}

static void F(transpose_part)(int64_t n, int64_t k, const T *from, int64_t from_row, T *to, int64_t to_row) {
    F(transpose)(n, k, from, from_row, to, to_row);
}

/* to = from, (rows, columns) */
NNC_INLINE void F(copy)(int64_t rows, int64_t columns, const T *from, int64_t from_row, T *to, int64_t to_row) {
    for (int64_t r = 0; r < rows; r++, from += from_row, to += to_row) {
        int64_t j = 0;
        for (; j + LANES <= columns; j += LANES) *(V *)(to + j) = *(const V *)(from + j);
        if (j < columns) F(store_partial)(to + j, F(load_partial)(from + j, columns - j), columns - j);
    }
}

/* Elements of a packed row of b: one vector or two. */
NNC_INLINE int64_t F(packed_width)(int64_t n) { return n > LANES ? TILE_COLUMNS : LANES; }

/* Packs b (k, n) into panels: packed (n / width rounded up, k, width). Columns that b does not have are 0. */
static void F(pack)(int64_t k, int64_t n, const T *b, int64_t b_row, int64_t b_column, T *packed) {
    int64_t width = F(packed_width)(n), panel = k * width;
    if (b_column == 1) { /* row by row, as b lies in memory */
        for (int64_t p = 0; p < k; p++, b += b_row) {
            T *to = packed + p * width;
            int64_t j = 0;
            for (; j + TILE_COLUMNS <= n; j += TILE_COLUMNS, to += panel) {
                *(V *)to = *(const V *)(b + j);
                *(V *)(to + LANES) = *(const V *)(b + j + LANES);
            }
            for (; j < n; j += LANES, to += LANES) *(V *)to = F(load_partial)(b + j, nnc_least(n - j, LANES));
        }
        return;
    }
    for (int64_t j = 0; j < n; j += LANES) {
        int64_t columns = nnc_least(n - j, LANES);
        T *to = packed + j / width * panel + j % width;
        for (int64_t p = 0; p < k; p += LANES) {
            const T *from = b + p * b_row + j * b_column;
            if (columns == LANES && p + LANES <= k) F(transpose_square)(from, b_column, to + p * width, width);
            else F(transpose_part)(columns, nnc_least(k - p, LANES), from, b_column, to + p * width, width);
        }
    }
}
