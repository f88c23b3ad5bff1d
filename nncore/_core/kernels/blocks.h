/* Loops over numbers, each by itself, in whole blocks alone: a template, include after float32.h or float64.h.
 *
 * A compiler makes a vector loop and a scalar remainder of a loop of any length. Where a sum has two terms that are products, or one that
 * is a product on one side of a branch only, it may fuse another one in the remainder than in the vectors, and the bits of a number would
 * depend on how many follow it. A loop over whole blocks has no remainder; what is left over becomes a block of its own, filled up with
 * zeros. */
#ifndef NNCORE_BLOCKS_H
#define NNCORE_BLOCKS_H

#include <string.h>

#include "level.h"

#define NNC_LOOP_BLOCK 64 /* numbers: a multiple of every vector */

/* Not inlined, so that a block that is filled up runs through the same instructions as the others. */
#define NNC_BLOCK_LOOP static __attribute__((noinline))

#endif

/* Each y from the x in its place, all (n_blocks * NNC_LOOP_BLOCK,). `y` may be `x`. */
typedef void (*F(nnc_block_map))(const T *x, T *y, int64_t n_blocks, const double *hyper);

/* The same with a second input, which `y` may be. */
typedef void (*F(nnc_block_map2))(const T *x, const T *d, T *y, int64_t n_blocks, const double *hyper);

NNC_INLINE void F(nnc_in_blocks)(F(nnc_block_map) map, const T *x, T *y, int64_t n, const double *hyper) {
    int64_t n_blocks = n / NNC_LOOP_BLOCK, whole = n_blocks * NNC_LOOP_BLOCK;
    size_t rest = (size_t)(n - whole) * sizeof(T);
    map(x, y, n_blocks, hyper);
    if (rest == 0) return;
    T block[NNC_LOOP_BLOCK] = {0};
    memcpy(block, x + whole, rest);
    map(block, block, 1, hyper);
    memcpy(y + whole, block, rest);
}

NNC_INLINE void F(nnc_in_blocks2)(F(nnc_block_map2) map, const T *x, const T *d, T *y, int64_t n, const double *hyper) {
    int64_t n_blocks = n / NNC_LOOP_BLOCK, whole = n_blocks * NNC_LOOP_BLOCK;
    size_t rest = (size_t)(n - whole) * sizeof(T);
    map(x, d, y, n_blocks, hyper);
    if (rest == 0) return;
    T block[NNC_LOOP_BLOCK] = {0}, d_block[NNC_LOOP_BLOCK] = {0};
    memcpy(block, x + whole, rest);
    memcpy(d_block, d + whole, rest);
    map(block, d_block, d_block, 1, hyper);
    memcpy(y + whole, d_block, rest);
}
