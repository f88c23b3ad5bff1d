/* The microkernel of gemm.c for the type T: products of a few rows, whose sums stay in registers while k runs. */

#undef TILE_ROWS
#if defined(__AVX512F__)
#    define TILE_ROWS 14 /* 28 sums, 2 vectors of b, 2 elements of a: the 32 registers of AVX-512 */
#elif defined(__aarch64__)
#    define TILE_ROWS 8
#else
#    define TILE_ROWS 6 /* 12 sums of the 16 registers */
#endif
#define TILE_COLUMNS (2 * LANES)
#define CACHE_LINE 64
#define LINE (CACHE_LINE / (int64_t)sizeof(T))
#define PACKS_AS_IT_READS (TILE_ROWS != 14) /* the first strip packs b while it multiplies; not measured with AVX-512 */
#define FETCHES (TILE_ROWS == 14)           /* tiles prefetch later data: with AVX-512 alone, whose tiles wait for their multiply-adds */

/* c = start + a . b for at most TILE_ROWS rows. */
typedef struct F(strip) {
    int64_t n, k;
    const T *a; /* (rows, k): a[i][p] is at a[i * a_row + p * a_column] */
    int64_t a_row, a_column;
    const T *b; /* (k, n) in panels of TILE_COLUMNS: b[p][j] is at b[p * b_row + j / TILE_COLUMNS * b_panel + j % TILE_COLUMNS] */
    int64_t b_row, b_panel;
    const T *start; /* (rows, n), rows start_row apart, which may be 0; NULL for zeros */
    int64_t start_row;
    T *c; /* (rows, n) */
    int64_t c_row;
    int64_t ahead; /* distance in b from what is read to what is prefetched for the next block; 0 if the cache holds b */
    /* What a strip prefetches for later: two cache lines for each row of b that it reads. They belong to fetch_rows rows, fetch_row
     * apart. Then it goes back by fetch_back, to the next lines of these rows. The next strip prefetches fetch_strip times its rows
     * further on, or nothing if fetch_strip is 0. If there is nothing to prefetch, all four numbers are 0, and `fetch` is any address. */
    const T *fetch;
    int64_t fetch_row, fetch_rows, fetch_back, fetch_strip;
} F(strip);

NNC_INLINE void F(fetch_nothing)(F(strip) *strip) {
    if (!FETCHES) return;
    strip->fetch = strip->b;
    strip->fetch_row = strip->fetch_rows = strip->fetch_back = strip->fetch_strip = 0;
}

/* Lets a strip prefetch from a matrix (k, n) with strides `row` and `column`, one of which is 1. */
NNC_INLINE void F(fetch)(F(strip) *strip, const T *from, int64_t row, int64_t column) {
    strip->fetch = from;
    strip->fetch_row = column == 1 ? row : column;
    strip->fetch_rows = column == 1 ? 0 : TILE_COLUMNS; /* all k rows of TILE_COLUMNS columns, or that many columns of k elements */
    strip->fetch_back = column == 1 ? 0 : TILE_COLUMNS * column - TILE_COLUMNS;
}

/* Moves the prefetch on by `rows` rows, for the next strip. Only products of many strips have a next one worth prefetching for, and
 * their strips are high. */
NNC_INLINE void F(fetch_on)(const int height, F(strip) *strip, int64_t rows) {
    if (FETCHES && height >= TILE_ROWS - 1 && strip->fetch_strip != 0) strip->fetch += rows * strip->fetch_strip;
    else F(fetch_nothing)(strip);
}

/* The microkernel: one tile of c. `rows` and `vectors` are constants after inlining, so that the sums become registers. If `partial`,
 * there is one vector, and it holds only the n < LANES columns that are left. If it `packs`, it copies what it reads of b, (k, vectors *
 * LANES), to `packed` (k, TILE_COLUMNS). */
NNC_INLINE void F(tile)(const int rows, const int vectors, const int partial, const int packs, const F(strip) *strip, T *packed) {
    const T *a = strip->a, *b = strip->b, *start = strip->start;
    int64_t k = strip->k, a_row = strip->a_row, a_column = strip->a_column, b_row = strip->b_row;
    R sum[TILE_ROWS][2];
    if (start == NULL) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) sum[i][v] = (R){0};
    } else {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) {
                const T *from = start + i * strip->start_row + v * LANES;
                sum[i][v] = partial ? F(load_partial)(from, strip->n) : *(const V *)from;
            }
    }
    const T *fetch = strip->fetch;
    for (int64_t p = 0, left = strip->fetch_rows; p < k; p++) {
        if (FETCHES && vectors == 2 &&
            3 * rows > 2 * TILE_ROWS) { /* high tiles have time for it, and need not test whether there is anything to prefetch */
            __builtin_prefetch(fetch, 0, 2);
            __builtin_prefetch(fetch + LINE, 0, 2);
            fetch += strip->fetch_row;
            if (--left == 0) {
                left = strip->fetch_rows;
                fetch -= strip->fetch_back;
            }
        }
        if (packs) __builtin_prefetch(b + p * b_row + TILE_COLUMNS); /* no hardware prefetcher crosses rows that are far apart */
        R row_of_b[2];
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) {
            row_of_b[v] = partial && NNC_READS_PARTS ? F(load_partial)(b + p * b_row, strip->n) : *(const V *)(b + p * b_row + v * LANES);
            if (packs) *(V *)(packed + p * TILE_COLUMNS + v * LANES) = row_of_b[v];
        }
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            T element = a[i * a_row + p * a_column];
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) sum[i][v] = F(nnc_vector_fma)(element, row_of_b[v], sum[i][v]);
        }
    }
    T *c = strip->c;
    int64_t c_row = strip->c_row;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) {
            T *to = c + i * c_row + v * LANES;
            if (partial) F(store_partial)(to, sum[i][v], strip->n);
            else *(V *)to = sum[i][v];
        }
}

/* Tiles side by side; n is a multiple of LANES, or smaller than that. */
NNC_INLINE void F(tiles)(const int rows, F(strip) strip) {
    for (; strip.n >= TILE_COLUMNS; strip.n -= TILE_COLUMNS) {
        if (strip.ahead)
            for (int64_t p = 0; p < strip.k; p++)
                for (int64_t j = 0; j < TILE_COLUMNS; j += LINE) __builtin_prefetch(strip.b + strip.ahead + p * strip.b_row + j, 0, 2);
        F(tile)(rows, 2, 0, 0, &strip, NULL);
        strip.b += strip.b_panel;
        strip.c += TILE_COLUMNS;
        if (strip.start != NULL) strip.start += TILE_COLUMNS;
    }
    if (strip.n == LANES) F(tile)(rows, 1, 0, 0, &strip, NULL);
    else if (strip.n > 0) F(tile)(rows, 1, 1, 0, &strip, NULL);
}

#if PACKS_AS_IT_READS
/* One strip of TILE_ROWS rows that packs b meanwhile, into packed (n / TILE_COLUMNS rounded up, k, TILE_COLUMNS). Its loads and stores
 * overlap with multiply-adds. b is not transposed. n is a multiple of LANES, and at least TILE_COLUMNS. */
static __attribute__((noinline)) void F(packing_strip)(F(strip) strip, T *packed) {
    for (; strip.n >= TILE_COLUMNS; strip.n -= TILE_COLUMNS) {
        F(tile)(TILE_ROWS, 2, 0, 1, &strip, packed);
        packed += strip.k * TILE_COLUMNS;
        strip.b += TILE_COLUMNS;
        strip.c += TILE_COLUMNS;
        if (strip.start != NULL) strip.start += TILE_COLUMNS;
    }
    if (strip.n > 0) F(tile)(TILE_ROWS, 1, 0, 1, &strip, packed);
}
#endif

/* `count` strips of `rows` rows. */
NNC_INLINE void F(equal_strips)(const int rows, int64_t count, F(strip) strip) {
    for (; count > 0; count--) {
        F(tiles)(rows, strip);
        F(fetch_on)(rows, &strip, rows);
        strip.a += rows * strip.a_row;
        strip.c += rows * strip.c_row;
        if (strip.start != NULL) strip.start += rows * strip.start_row;
    }
}

#if TILE_ROWS == 14
#    define EACH_ROW_COUNT(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#elif TILE_ROWS == 8
#    define EACH_ROW_COUNT(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#else
#    define EACH_ROW_COUNT(X) X(1) X(2) X(3) X(4) X(5) X(6)
#endif
#define DEFINE(rows) \
    static void F(strips_of_##rows)(int64_t count, const F(strip) *strip) { F(equal_strips)(rows, count, *strip); }
EACH_ROW_COUNT(DEFINE)
#undef DEFINE

/* Any number of rows, in strips whose heights differ by at most one: a strip of few rows has too few sums to hide the latency of
 * multiply-adds. */
NNC_INLINE void F(strips)(int64_t m, F(strip) strip) {
    int64_t count = (m + TILE_ROWS - 1) / TILE_ROWS;
    while (m > 0) {
        int64_t rows = count == 1 ? m : (m + count - 1) / count, equal = count - (rows * count - m);
        switch (rows) {
#define CASE(rows) \
    case rows: F(strips_of_##rows)(equal, &strip); break;
            EACH_ROW_COUNT(CASE)
#undef CASE
        }
        F(fetch_on)(TILE_ROWS, &strip, equal * rows);
        m -= equal * rows;
        count -= equal;
        strip.a += equal * rows * strip.a_row;
        strip.c += equal * rows * strip.c_row;
        if (strip.start != NULL) strip.start += equal * rows * strip.start_row;
    }
}
#undef EACH_ROW_COUNT
