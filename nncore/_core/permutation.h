/* The order in which an epoch visits the samples. Included by runner.c. */
#ifndef NNCORE_PERMUTATION_H
#define NNCORE_PERMUTATION_H

#include "kernels/philox.h"

/* A layer number that no layer has, so that permutations have random words of their own. */
#define PERMUTATION_LAYER 0xFFFFFFFFu

/* order (n,) = the numbers 0 .. n - 1 shuffled, n at most 2^32 - 1 (Fisher & Yates 1938, Durstenfeld 1964). `epoch` and `seed` determine
 * the order. Place i changes with place floor(r (i + 1)), where r in [0, 1) has 64 random bits: the bias is below n / 2^64. */
static void permute(int64_t *order, int64_t n, uint64_t seed, uint64_t epoch) {
    uint32_t words[NNC_PHILOX_WORDS];
    for (int64_t first = 0; first < n; first += NNC_PHILOX_WORDS / 2) {
        nnc_philox(seed, epoch, PERMUTATION_LAYER, (uint32_t)(first / 2), words);
        int64_t places[NNC_PHILOX_WORDS / 2], n_places = nnc_least(NNC_PHILOX_WORDS / 2, n - first);
        for (int64_t k = 0; k < n_places; k++) {
            uint64_t low = words[2 * k], high = words[2 * k + 1], count = (uint64_t)(first + k) + 1;
            places[k] = (int64_t)((high * count + (low * count >> 32)) >> 32);
            __builtin_prefetch(order + places[k], 1); /* a place far away, needed in a moment */
        }
        for (int64_t k = 0; k < n_places; k++) {
            int64_t i = first + k, j = places[k];
            order[i] = i;
            order[i] = order[j];
            order[j] = i;
        }
    }
}

#endif
