/* The order in which an epoch visits the samples. Included by runner.c. */
#ifndef NNCORE_PERMUTATION_H
#define NNCORE_PERMUTATION_H

#include "kernels/philox.h"

/* A number that no layer has: the random words of a permutation are its own. */
#define PERMUTATION_LAYER 0xFFFFFFFFu

/* order (n,) = the numbers 0 .. n - 1 shuffled, n at most 2^32 - 1 (Fisher & Yates 1938, Durstenfeld 1964). `epoch` and `seed` decide.
 * Place i changes with place floor(r (i + 1)), where r in [0, 1) has 64 random bits: the bias is below n / 2^64. */
static void permute(int64_t *order, int64_t n, uint64_t seed, uint64_t epoch) {
    uint32_t words[NNC_PHILOX_WORDS];
    for (int64_t first = 0; first < n; first += NNC_PHILOX_WORDS / 2) {
        nnc_philox(seed, epoch, PERMUTATION_LAYER, (uint32_t)(first / 2), words);
        int64_t end = nnc_least(first + NNC_PHILOX_WORDS / 2, n);
        for (int64_t i = first; i < end; i++) {
            uint64_t low = words[2 * (i - first)], high = words[2 * (i - first) + 1], count = (uint64_t)i + 1;
            int64_t j = (int64_t)((high * count + (low * count >> 32)) >> 32);
            order[i] = i;
            order[i] = order[j];
            order[j] = i;
        }
    }
}

#endif
