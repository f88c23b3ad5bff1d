/* Products of quantised layers: int32 sums over k of (q - zero) w, where q has 8 bits without a sign and w has 8 bits with one. Integers
 * have no rounding, so the sums are the same at every CPU level and in every order. Kernels that include this say how large k may be.
 *
 * Weights (k, n) are packed into panels of few columns. Weights that one instruction multiplies lie side by side: four of a column with
 * AVX512_VNNI (vpdpbusd), pairs of int16 elsewhere (pmaddwd). Neither saturates. The sums of a block of rows stay in registers. */
#ifndef NNCORE_GEMM_INT8_H
#define NNCORE_GEMM_INT8_H

#include <string.h>

#include "cpu.h"
#include "vector.h"

#if defined(__AVX2__)
#    define PAIR_BYTES 32
#else
#    define PAIR_BYTES 16
#    if defined(__SSE2__)
#        include <emmintrin.h>
#    endif
#endif

/* Few processors with AVX-512 lack AVX512_VNNI. So at that level the code for pairs is compiled for size, not for speed. */
#if defined(__AVX512BW__)
#    define PAIRS_FUNCTION NNC_RARE
#else
#    define PAIRS_FUNCTION static
#endif

/* Columns of a panel, which are two vectors of sums, and rows of a block: of quads at most QUAD_COLUMNS and QUAD_ROWS, of pairs
 * PAIR_COLUMNS and FEW_ROWS. */
#define QUAD_COLUMNS 32
#define QUAD_ROWS 12
#define PAIR_COLUMNS (2 * PAIR_BYTES / 4)
#define FEW_ROWS 4

/* Bytes of the rows as int16 that all panels are multiplied by, one after the other: they stay in the second-level cache. At least so many
 * rows share what it takes to pack the panels. */
#define PAIR_BLOCK 196608
#define LEAST_ROWS 64

typedef int32_t pair_sums __attribute__((vector_size(PAIR_BYTES), aligned(4), may_alias));

/* In each lane: sums + the two products of a pair of int16. */
NNC_INLINE pair_sums dot_pairs(pair_sums sums, pair_sums a, pair_sums b) {
#if defined(__AVX2__)
    return sums + (pair_sums)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return sums + (pair_sums)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
    return sums + (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);
#endif
}

/* sums (rows, PAIR_COLUMNS) of q (rows, n_pairs) and a panel (n_pairs, PAIR_COLUMNS) of pairs; a row of q is `stride` numbers. */
NNC_INLINE void pairs_block(const int rows, int64_t n_pairs, const int16_t *q, int64_t stride, const int16_t *panel, int32_t *sums) {
    pair_sums sum[FEW_ROWS][2];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = (pair_sums){0};
    for (int64_t p = 0; p < n_pairs; p++) {
        pair_sums w0 = *(const pair_sums *)(panel + p * 2 * PAIR_COLUMNS), w1 = *(const pair_sums *)(panel + (p * 2 + 1) * PAIR_COLUMNS);
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++) {
            int32_t pair;
            memcpy(&pair, q + i * stride + 2 * p, sizeof pair);
            pair_sums all = pair - (pair_sums){0};
            sum[i][0] = dot_pairs(sum[i][0], all, w0);
            sum[i][1] = dot_pairs(sum[i][1], all, w1);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) {
        *(pair_sums *)(sums + i * PAIR_COLUMNS) = sum[i][0];
        *(pair_sums *)(sums + i * PAIR_COLUMNS + PAIR_COLUMNS / 2) = sum[i][1];
    }
}

PAIRS_FUNCTION void multiply_pairs(int64_t rows, int64_t n_pairs, const int16_t *q, int64_t stride, const int16_t *panel, int32_t *sums) {
    if (rows == FEW_ROWS) pairs_block(FEW_ROWS, n_pairs, q, stride, panel, sums);
    else pairs_block(1, n_pairs, q, stride, panel, sums);
}

#if defined(__AVX512BW__)
#    define HAS_QUADS 1
#    define WITH_VNNI __attribute__((target("avx512vnni")))

/* sums (rows, QUAD_COLUMNS) of q (rows, n_quads) and a panel (n_quads, QUAD_COLUMNS) of quads. Each row of sums begins with `start`
 * (QUAD_COLUMNS,). */
WITH_VNNI NNC_INLINE void quads_block(const int rows, int64_t n_quads, const uint8_t *q, int64_t stride, const int8_t *panel,
                                      const int32_t *start, int32_t *sums) {
    __m512i sum[QUAD_ROWS][2];
#    pragma GCC unroll 12
    for (int i = 0; i < rows; i++) {
        sum[i][0] = _mm512_loadu_si512(start);
        sum[i][1] = _mm512_loadu_si512(start + 16);
    }
    for (int64_t p = 0; p < n_quads; p++) {
        __m512i w0 = _mm512_loadu_si512(panel + p * 4 * QUAD_COLUMNS), w1 = _mm512_loadu_si512(panel + p * 4 * QUAD_COLUMNS + 64);
#    pragma GCC unroll 12
        for (int i = 0; i < rows; i++) {
            int32_t quad;
            memcpy(&quad, q + i * stride + 4 * p, sizeof quad);
            __m512i all = _mm512_set1_epi32(quad);
            sum[i][0] = _mm512_dpbusd_epi32(sum[i][0], all, w0);
            sum[i][1] = _mm512_dpbusd_epi32(sum[i][1], all, w1);
        }
    }
#    pragma GCC unroll 12
    for (int i = 0; i < rows; i++) {
        _mm512_storeu_si512(sums + i * QUAD_COLUMNS, sum[i][0]);
        _mm512_storeu_si512(sums + i * QUAD_COLUMNS + 16, sum[i][1]);
    }
}

WITH_VNNI static void multiply_quads(int64_t rows, int64_t n_quads, const uint8_t *q, int64_t stride, const int8_t *panel,
                                     const int32_t *start, int32_t *sums) {
    if (rows == QUAD_ROWS) quads_block(QUAD_ROWS, n_quads, q, stride, panel, start, sums);
    else if (rows == FEW_ROWS) quads_block(FEW_ROWS, n_quads, q, stride, panel, start, sums);
    else quads_block(1, n_quads, q, stride, panel, start, sums);
}
#else
#    define HAS_QUADS 0
#endif

/* Whether one instruction multiplies four weights of a column. */
static int has_quads(void) {
#if HAS_QUADS
    return nnc_machine_has_vnni();
#else
    return 0;
#endif
}

/* Bytes of a panel, of a row of q, and of `start` with the sums of a block. k is padded to a multiple of four. */
#define PANEL_BYTES(k) (32 * (k))
#define ROW_BYTES(k) (2 * (k))
#define SUM_BYTES ((QUAD_ROWS + 1) * QUAD_COLUMNS * 4)

/* Packs columns `first` and following of weight (k, n) into a panel, with zeros beyond the matrix. `at_once` rows of weight lie side by
 * side: four as int8, or two as int16. */
NNC_INLINE void pack_panel(const int at_once, const int columns, const int8_t *weight, int64_t k, int64_t n, int64_t first, void *panel) {
    const int8_t *from[4];
    int8_t part[4][QUAD_COLUMNS] = {{0}};
    int64_t there = nnc_least(n - first, columns);
    for (int64_t p = 0; p < k; p += at_once) {
#pragma GCC unroll 4
        for (int j = 0; j < at_once; j++) {
            const int8_t *row = weight + (p + j) * n + first;
            from[j] = row;
            if (p + j < k && there == columns) continue;
            if (p + j < k) memcpy(part[j], row, (size_t)there);
            else memset(part[j], 0, sizeof part[j]);
            from[j] = part[j];
        }
        if (at_once == 4) {
            int8_t *to = (int8_t *)panel + p * columns;
            const int8_t *w0 = from[0], *w1 = from[1], *w2 = from[2], *w3 = from[3];
            for (int c = 0; c < columns; c++) to[4 * c] = w0[c], to[4 * c + 1] = w1[c], to[4 * c + 2] = w2[c], to[4 * c + 3] = w3[c];
        } else {
            int16_t *to = (int16_t *)panel + p * columns;
            const int8_t *w0 = from[0], *w1 = from[1];
            for (int c = 0; c < columns; c++) to[2 * c] = w0[c], to[2 * c + 1] = w1[c];
        }
    }
}

#if defined(__AVX2__)
/* Columns that one row is multiplied by at once, where there are as many: a line of the cache. Weights are read where they lie, since a panel
 * pays for several rows only. */
#    define HAS_ROW 1
#    define ROW_COLUMNS 64
#    define FEW_COLUMNS 16

/* sums (columns,) of one row of q, as int16, and as many columns of weight (k, n); k numbers of q are followed by a 0 if k is odd. */
NNC_INLINE void row_block(const int columns, int64_t k, const int16_t *q, const int8_t *weight, int64_t n, int32_t *sums) {
    __m256i sum[ROW_COLUMNS / 8];
#    pragma GCC unroll 8
    for (int c = 0; c < columns / 8; c++) sum[c] = _mm256_setzero_si256();
    for (int64_t p = 0; p < k; p += 2) {
        int32_t pair;
        memcpy(&pair, q + p, sizeof pair);
        __m256i all = _mm256_set1_epi32(pair);
        const int8_t *w0 = weight + p * n, *w1 = p + 1 < k ? w0 + n : w0; /* times 0 */
#    pragma GCC unroll 4
        for (int c = 0; c < columns / 16; c++) {
            __m128i a = _mm_loadu_si128((const __m128i *)(w0 + 16 * c)), b = _mm_loadu_si128((const __m128i *)(w1 + 16 * c));
            __m256i low = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b)), high = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b));
            sum[2 * c] = _mm256_add_epi32(sum[2 * c], _mm256_madd_epi16(all, low));
            sum[2 * c + 1] = _mm256_add_epi32(sum[2 * c + 1], _mm256_madd_epi16(all, high));
        }
    }
    memcpy(sums, sum, (size_t)columns * sizeof *sums);
}

PAIRS_FUNCTION void multiply_row(int64_t columns, int64_t k, const int16_t *q, const int8_t *weight, int64_t n, int32_t *sums) {
    if (columns == ROW_COLUMNS) row_block(ROW_COLUMNS, k, q, weight, n, sums);
    else row_block(FEW_COLUMNS, k, q, weight, n, sums);
}
#else
#    define HAS_ROW 0
#endif

#if HAS_QUADS
/* Packs a panel, and computes what its sums begin with: start (QUAD_COLUMNS,) = -zero times the sum of each column. */
WITH_VNNI static void start_quads(const int8_t *weight, int64_t k, int64_t n, int64_t first, int32_t zero, int8_t *panel, int32_t *start) {
    pack_panel(4, QUAD_COLUMNS, weight, k, n, first, panel);
    __m512i sum[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()}, all = _mm512_set1_epi8((char)zero);
    for (int64_t p = 0; p < k && zero != 0; p += 4)
        for (int half = 0; half < 2; half++)
            sum[half] = _mm512_dpbusd_epi32(sum[half], all, _mm512_loadu_si512(panel + p * QUAD_COLUMNS + 64 * half));
    for (int half = 0; half < 2; half++) _mm512_storeu_si512(start + 16 * half, _mm512_sub_epi32(_mm512_setzero_si512(), sum[half]));
}
#endif

#endif
