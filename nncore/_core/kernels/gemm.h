/* Matrix products of layers, compiled once per CPU level; gemm.c explains how. Every element of c sums its terms in the order of k,
 * whatever the sizes. So the bits do not depend on how rows are split. */
#ifndef NNCORE_GEMM_H
#define NNCORE_GEMM_H

#include "level.h"

#define NNC_GEMM_(suffix, level) nnc_gemm_##suffix##_##level
#define NNC_GEMM(suffix, level) NNC_GEMM_(suffix, level)
#define gemm_f32 NNC_GEMM(f32, NNC_LEVEL)
#define gemm_f64 NNC_GEMM(f64, NNC_LEVEL)
#define gemm_room NNC_GEMM(room, NNC_LEVEL)

/* Working memory of this thread, in which large products pack blocks: NNC_GEMM_ROOM_BYTES, aligned like vectors. The caller of kernels
 * lends it. If it is NULL, large products are slower. */
#if defined(__AVX512F__)
#    define NNC_GEMM_ROOM_BYTES (640 * 1024)
#else
#    define NNC_GEMM_ROOM_BYTES (1216 * 1024)
#endif
extern _Thread_local void *gemm_room;

/* Whether products of this thread round their factors to bfloat16. With NNC_ROUNDS, those of at least NNC_BF16_TERMS terms do; the first
 * one sets NNC_HAS_ROUNDED. Only a run on a processor with the instructions (gemm_bf16.h) asks for it. The number of terms does not
 * depend on how rows and columns are split. */
enum { NNC_IS_EXACT = 0, NNC_ROUNDS = 1, NNC_HAS_ROUNDED = 2 };
#define NNC_BF16_TERMS 64
#define NNC_BF16_ENLARGES (1 + 1 / 256.) /* rounding to 8 significant bits enlarges a number at most by this factor */
#define gemm_rounds NNC_GEMM(rounds, NNC_LEVEL)
extern _Thread_local int gemm_rounds;

/* c = start + a . b, or c = a . b if start is NULL. a and b may each be transposed; start may be c. */
/* clang-format off */
#define NNC_DECLARE_GEMM(T, name)                                                                                     \
    void name(int64_t m, int64_t n, int64_t k,                                                                        \
              const T *a, int64_t a_row, int64_t a_column, /* (m, k): a[i][p] is at a[i * a_row + p * a_column] */    \
              const T *b, int64_t b_row, int64_t b_column, /* (k, n): b[p][j] is at b[p * b_row + j * b_column] */    \
              const T *start, int64_t start_row,           /* (m, n) or NULL: at start[i * start_row + j];        */    \
                                                           /* start_row is 0 if one row is added to every row     */    \
              T *c, int64_t c_row)                         /* (m, n): c[i][j] is at c[i * c_row + j]            */
/* clang-format on */
NNC_DECLARE_GEMM(float, gemm_f32);
NNC_DECLARE_GEMM(double, gemm_f64);

#endif
