/* What both kernels of bfloat16 products share: pairs of rounded elements, and how blocks of the operands are packed. A pair has 32 bits:
 * elements 2 q and 2 q + 1 of a row of a, or of a column of b, side by side. */
#ifndef NNCORE_GEMM_BF16_PACK_H
#define NNCORE_GEMM_BF16_PACK_H

#include "gemm_bf16.h"

#include "vector.h"

#define WIDTH 16          /* lanes of a vector; also rows, and pairs in a row, of a square that is packed */
#define PANEL (2 * WIDTH) /* columns of b, or rows of a, that lie together */

typedef uint32_t pair;

/* The pairs of a matrix (n, k) to pack, from where and to where. Element (i, p) is at from[i * row + p * column], and one of these
 * strides is 1. to_row or to_pair is 1, and this is where pair q of row i goes:
 *
 *     to[i / PANEL * to_panel + i % PANEL * to_row + q / WIDTH * to_square + q % WIDTH * to_pair]
 */
typedef struct nnc_pairs {
    int64_t n, k;
    const float *from;
    int64_t row, column;
    pair *to;
    int64_t to_panel, to_row, to_square, to_pair;
} nnc_pairs;

/* The parameters of a product, which gemm.h explains. */
/* clang-format off */
#define PRODUCT                                                                             \
        int64_t m, int64_t n, int64_t k, const float *a, int64_t a_row, int64_t a_column,   \
        const float *b, int64_t b_row, int64_t b_column, const float *start, int64_t start_row, float *c, int64_t c_row
/* clang-format on */

/* The first `count` lanes of a vector, or all. */
NNC_INLINE __mmask16 first_lanes(int64_t count) {
    return count >= WIDTH ? (__mmask16)0xffff : (__mmask16)((1u << (count < 0 ? 0 : count)) - 1);
}

#define pack_bf16 NNC_GEMM(pack_bf16, NNC_LEVEL)

/* Rounds and packs the whole matrix. Zeros follow in whole squares of WIDTH rows and pairs, except that rows that lie one after the other
 * (to_pair is 1) need not be complete. */
void pack_bf16(const nnc_pairs *m);

#endif
