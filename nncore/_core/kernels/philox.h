/* Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): counter-based random numbers. The number of an
 * element depends only on (seed, step, layer, element). nncore/contract/philox.py is its oracle. */
#ifndef NNCORE_PHILOX_H
#define NNCORE_PHILOX_H

#include <stdint.h>
#include <string.h>

#include "nncore/float32.h"
#include "level.h"
#include "vector.h"

#if defined(__SSE2__)
#    include <immintrin.h>
#elif defined(__ARM_NEON)
#    include <arm_neon.h>
#endif

/* A 32-bit number in the low half of every lane. The high half may hold anything. */
typedef uint64_t nnc_words __attribute__((vector_size(NNC_VECTOR_BYTES)));
#define NNC_WORD_LANES (NNC_VECTOR_BYTES / 8)

/* Vectors of counters that are computed together, to hide latency. */
#define NNC_PHILOX_VECTORS 2
/* Words that one call draws. */
#define NNC_PHILOX_WORDS (4 * NNC_PHILOX_VECTORS * NNC_WORD_LANES)

/* Products of the low halves. Compilers do not find the instruction by themselves. */
NNC_INLINE nnc_words nnc_multiply_words(nnc_words a, nnc_words b) {
#if defined(__AVX512F__)
    return (nnc_words)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (nnc_words)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (nnc_words)_mm_mul_epu32((__m128i)a, (__m128i)b);
#elif defined(__ARM_NEON)
    return (nnc_words)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
#else
    return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}

/* Random words for elements 4 * block .. 4 * block + NNC_PHILOX_WORDS - 1. */
NNC_INLINE void nnc_philox(uint64_t seed, uint64_t step, uint32_t layer, uint32_t block, uint32_t words[NNC_PHILOX_WORDS]) {
    const nnc_words zero = {0}, factor0 = zero + 0xD2511F53u, factor1 = zero + 0xCD9E8D57u;
    nnc_words key0 = zero + (seed & 0xFFFFFFFFu), key1 = zero + (seed >> 32);
    nnc_words c0[NNC_PHILOX_VECTORS], c1[NNC_PHILOX_VECTORS], c2[NNC_PHILOX_VECTORS], c3[NNC_PHILOX_VECTORS];
    nnc_words lanes = zero;
    for (int lane = 0; lane < NNC_WORD_LANES; lane++) lanes[lane] = (uint64_t)lane;
    for (int v = 0; v < NNC_PHILOX_VECTORS; v++) {
        c0[v] = lanes + ((uint64_t)block + (uint64_t)(v * NNC_WORD_LANES));
        c1[v] = zero + layer, c2[v] = zero + (step & 0xFFFFFFFFu), c3[v] = zero + (step >> 32);
    }
    for (int round = 0; round < 10; round++) {
        for (int v = 0; v < NNC_PHILOX_VECTORS; v++) {
            nnc_words product0 = nnc_multiply_words(c0[v], factor0), product1 = nnc_multiply_words(c2[v], factor1);
            c0[v] = (product1 >> 32) ^ c1[v] ^ key0;
            c2[v] = (product0 >> 32) ^ c3[v] ^ key1;
            c1[v] = product1;
            c3[v] = product0;
        }
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    uint64_t pairs[NNC_PHILOX_WORDS / 2]; /* of words, the first in the low half, where little-endian machines keep it first */
    for (int v = 0; v < NNC_PHILOX_VECTORS; v++) {
        nnc_words first = (c0[v] & 0xFFFFFFFFu) | c1[v] << 32, second = (c2[v] & 0xFFFFFFFFu) | c3[v] << 32;
        for (int lane = 0; lane < NNC_WORD_LANES; lane++) {
            pairs[2 * (v * NNC_WORD_LANES + lane)] = first[lane];
            pairs[2 * (v * NNC_WORD_LANES + lane) + 1] = second[lane];
        }
    }
    memcpy(words, pairs, sizeof pairs);
}

#endif
