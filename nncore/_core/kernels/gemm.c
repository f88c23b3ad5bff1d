/* c = bias + a . b for row-major c, and for a and b in either orientation.
 *
 * A tile of c, TILE_ROWS x (2 * LANES), stays in registers while k runs: each step broadcasts one element of a per row and reads
 * one stretch of a row of b. b is walked in panels that fit the L1 cache (K_BLOCK rows of two vectors); a panel is copied when
 * enough rows of c will use it, when it has to be turned, or when it is narrower than a vector and has to be padded. */
#ifndef T
#include <string.h>

#include "gemm.h"
#include "nncore/float32.h"
#include "gemm.c"
#include "nncore/float64.h"
#include "gemm.c"

#else
#include "vector.h"

#undef TILE_ROWS
#if defined(__AVX512F__)
#    define TILE_ROWS 14 /* 28 accumulators, 2 for b, 2 for a: the 32 registers of AVX-512 */
#elif defined(__aarch64__)
#    define TILE_ROWS 8
#else
#    define TILE_ROWS 6 /* 12 accumulators of the 16 registers */
#endif
#define K_BLOCK 192
#define PACK_FROM_ROWS (4 * TILE_ROWS)

/* One tile: `rows` and `vectors` are constants after inlining, so that the accumulators become registers.
 * start: NULL adds to what c holds, else the tile begins at start (vectors * LANES,). */
NNC_INLINE void F(tile)(const int rows, const int vectors, int64_t k, const T *a, int64_t a_row, int64_t a_column,
                        const T *b, int64_t b_row, const T *start, T *c, int64_t c_row) {
    V sum[TILE_ROWS][2];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) sum[i][v] = *(const V *)((start ? start : c + i * c_row) + v * LANES);
    for (int64_t p = 0; p < k; p++) {
        V row_of_b[2];
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) row_of_b[v] = *(const V *)(b + p * b_row + v * LANES);
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            T element = a[i * a_row + p * a_column];
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) sum[i][v] += element * row_of_b[v];
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) *(V *)(c + i * c_row + v * LANES) = sum[i][v];
}

/* All rows of c against one panel of b that is `vectors` wide. */
NNC_INLINE void F(panel)(const int vectors, int64_t m, int64_t k, const T *a, int64_t a_row, int64_t a_column,
                         const T *b, int64_t b_row, const T *start, T *c, int64_t c_row) {
    int64_t i = 0;
    for (; i + TILE_ROWS <= m; i += TILE_ROWS)
        F(tile)(TILE_ROWS, vectors, k, a + i * a_row, a_row, a_column, b, b_row, start, c + i * c_row, c_row);
    a += i * a_row;
    c += i * c_row;
#define REST(rows) \
    case rows: F(tile)(rows, vectors, k, a, a_row, a_column, b, b_row, start, c, c_row); break;
    switch (m - i) {
        REST(1) REST(2) REST(3) REST(4) REST(5)
#if TILE_ROWS > 6
        REST(6) REST(7)
#endif
#if TILE_ROWS > 8
        REST(8) REST(9) REST(10) REST(11) REST(12) REST(13)
#endif
    }
#undef REST
}

static void F(two_vectors)(int64_t m, int64_t k, const T *a, int64_t a_row, int64_t a_column, const T *b, int64_t b_row,
                           const T *start, T *c, int64_t c_row) {
    F(panel)(2, m, k, a, a_row, a_column, b, b_row, start, c, c_row);
}

static void F(one_vector)(int64_t m, int64_t k, const T *a, int64_t a_row, int64_t a_column, const T *b, int64_t b_row,
                          const T *start, T *c, int64_t c_row) {
    F(panel)(1, m, k, a, a_row, a_column, b, b_row, start, c, c_row);
}

/* panel (rows, width) = b (rows, n), padded with zeros to the right. */
static void F(pack)(int64_t rows, int64_t n, int64_t width, const T *b, int64_t b_row, int64_t b_column, T *panel) {
    if (b_column == 1 && n == width) { /* whole vectors, one or two */
        for (int64_t p = 0; p < rows; p++)
            for (int64_t j = 0; j < width; j += LANES) *(V *)(panel + p * width + j) = *(const V *)(b + p * b_row + j);
        return;
    }
    for (int64_t j = 0; j < n; j++)
        for (int64_t p = 0; p < rows; p++) panel[p * width + j] = b[p * b_row + j * b_column];
    for (int64_t p = 0; p < rows; p++)
        for (int64_t j = n; j < width; j++) panel[p * width + j] = 0;
}

/* The last n < LANES columns: a padded panel, and tiles padded the same way beside c. */
static void F(narrow)(int64_t m, int64_t n, int64_t k, const T *a, int64_t a_row, int64_t a_column, const T *b, int64_t b_row,
                      int64_t b_column, const T *bias, T *c, int64_t c_row) {
    T panel[K_BLOCK * NNC_VECTOR_BYTES / sizeof(T)];  /* (K_BLOCK, LANES) */
    T tile[TILE_ROWS * NNC_VECTOR_BYTES / sizeof(T)]; /* (TILE_ROWS, LANES) */
    T start[NNC_VECTOR_BYTES / sizeof(T)] = {0};      /* (LANES,) */
    if (bias) memcpy(start, bias, n * sizeof(T));
    memset(tile, 0, sizeof tile);
    int64_t done = 0;
    do {
        int64_t block = k - done < K_BLOCK ? k - done : K_BLOCK;
        F(pack)(block, n, LANES, b + done * b_row, b_row, b_column, panel);
        for (int64_t i = 0; i < m; i += TILE_ROWS) {
            int64_t rows = m - i < TILE_ROWS ? m - i : TILE_ROWS;
            if (done)
                for (int64_t r = 0; r < rows; r++)
                    for (int64_t j = 0; j < n; j++) tile[r * LANES + j] = c[(i + r) * c_row + j];
            F(one_vector)(rows, block, a + i * a_row + done * a_column, a_row, a_column, panel, LANES, done ? NULL : start, tile, LANES);
            for (int64_t r = 0; r < rows; r++)
                for (int64_t j = 0; j < n; j++) c[(i + r) * c_row + j] = tile[r * LANES + j];
        }
        done += block;
    } while (done < k);
}

NNC_DECLARE_GEMM(T, F(gemm)) {
    T packed[K_BLOCK * 2 * NNC_VECTOR_BYTES / sizeof(T)]; /* (K_BLOCK, 2 * LANES) */
    T zeros[2 * NNC_VECTOR_BYTES / sizeof(T)] = {0};      /* (2 * LANES,) */
    int64_t j = 0;
    while (j + LANES <= n) {
        int64_t vectors = j + 2 * LANES <= n ? 2 : 1, width = vectors * LANES, done = 0;
        const T *start = bias ? bias + j : zeros;
        do {
            int64_t block = k - done < K_BLOCK ? k - done : K_BLOCK;
            const T *panel = b + done * b_row + j * b_column;
            int64_t panel_row = b_row;
            if (m >= PACK_FROM_ROWS || b_column != 1) {
                F(pack)(block, width, width, panel, b_row, b_column, packed);
                panel = packed;
                panel_row = width;
            }
            (vectors == 2 ? F(two_vectors) : F(one_vector))(m, block, a + done * a_column, a_row, a_column, panel, panel_row,
                                                            done ? NULL : start, c + j, c_row);
            done += block;
        } while (done < k);
        j += width;
    }
    if (j < n) F(narrow)(m, n - j, k, a, a_row, a_column, b + j * b_column, b_row, b_column, bias ? bias + j : NULL, c + j, c_row);
}

#endif
