/* The copies that gemm.c makes of blocks of its operands, for the type T. Include after gemm_tile.h. */

/* to (k, LANES) = from (n, k) transposed, followed by zeros; n and k are 1 .. LANES, and constants where speed counts. */
NNC_INLINE void F(transpose)(int64_t n, int64_t k, const T *from, int64_t from_row, T *to, int64_t to_row) {
    R rows[2][NNC_VECTOR_BYTES / sizeof(T)];
    int now = 0;
#if NNC_VECTOR_BYTES == 32
    /* Instructions interleave within halves of 16 bytes: what is to meet in one must be there when it is loaded. */
    const int64_t group = LANES / 2;
    if (n == LANES && k == LANES) {
#pragma GCC unroll 4
        for (int64_t r = 0; r < group; r++) {
            rows[0][r] = F(load_halves)(from + r * from_row, from + (r + group) * from_row);
            rows[0][r + group] = F(load_halves)(from + r * from_row + group, from + (r + group) * from_row + group);
        }
    } else {
#pragma GCC unroll 8
        for (int64_t r = 0; r < LANES; r++) rows[1][r] = r >= n ? (V){0} : F(load_partial)(from + r * from_row, k);
#pragma GCC unroll 4
        for (int64_t r = 0; r < group; r++) {
            rows[0][r] = F(NNC_JOIN_HALVES)(0, rows[1][r], rows[1][r + group]);
            rows[0][r + group] = F(NNC_JOIN_HALVES)(1, rows[1][r], rows[1][r + group]);
        }
    }
#else
    const int64_t group = LANES;
#pragma GCC unroll 16
    for (int64_t r = 0; r < LANES; r++) {
        const T *row = from + r * from_row;
        rows[0][r] = r >= n ? (V){0} : k == LANES ? *(const V *)row : F(load_partial)(row, k);
    }
#endif
    /* Interleaving the first half of the rows with the second turns the bits of an element's place, row before column, by one. */
#pragma GCC unroll 4
    for (int64_t stage = 1; stage < group; stage *= 2, now = !now)
#pragma GCC unroll 8
        for (int64_t r = 0; r < LANES / 2; r++) {
            int64_t first = r / (group / 2) * group + r % (group / 2), to = first + r % (group / 2);
            rows[!now][to] = INTERLEAVE_LOW(rows[now][first], rows[now][first + group / 2]);
            rows[!now][to + 1] = INTERLEAVE_HIGH(rows[now][first], rows[now][first + group / 2]);
        }
#pragma GCC unroll 16
    for (int64_t p = 0; p < LANES; p++)
        if (p < k) *(V *)(to + p * to_row) = rows[now][p];
}

#define TRANSPOSE_AHEAD 256 /* elements between what is transposed and what is fetched meanwhile */

/* Functions of their own, since the registers do not suffice for a caller's loop as well. */
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

/* packed (n / width, k, width), rounded up, = b (k, n) with zeros for the columns that b has not. */
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
