/* See peak.h. */
#ifndef T
#include "gemm.h"
#include "level.h"
#include "peak.h"
#include "rooms.h"
#include "vector.h"

#include "nncore/float32.h"
#include "peak.c"
#include "nncore/float64.h"
#include "peak.c"

static double product(int rounds, float *matrices) {
    const int64_t n = NNC_PRODUCT_SIZE;
    void *room = nnc_take_room(NNC_GEMM_ROOM_BYTES), *caller_room = gemm_room;
    if (room == NULL) return 0;
    int caller_rounds = gemm_rounds;
    gemm_room = room;
    gemm_rounds = rounds ? NNC_ROUNDS : NNC_IS_EXACT;
    gemm_f32(n, n, n, matrices, n, 1, matrices + n * n, n, 1, NULL, 0, matrices + 2 * n * n, n);
    gemm_room = caller_room;
    gemm_rounds = caller_rounds;
    nnc_give_room(room);
    return 2.0 * (double)(n * n * n);
}

static void update_f32(float *restrict w, const float *restrict g, float *restrict m, float *restrict v, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        m[i] = nnc_fma_f32(0.75f, m[i], 0.25f * g[i]);
        v[i] = nnc_fma_f32(0.75f, v[i], 0.25f * g[i]);
        w[i] = nnc_fma_f32(0.75f, w[i], m[i] * v[i]);
    }
}

const nnc_peak NNC_PEAK(NNC_LEVEL) = {
#if defined(__AVX512F__)
    "AVX-512",
#elif defined(__AVX2__)
    "AVX2 and FMA",
#elif defined(__SSE4_2__)
    "SSE4.2",
#elif defined(__SSE2__)
    "SSE2",
#elif defined(__aarch64__)
    "Neon",
#else
    "no vector instructions known to nncore",
#endif
    multiply_add_f32, multiply_add_f64, product, update_f32,
};

#else
/* Independent chains of multiply-adds: enough to fill the pipelines, and few enough to leave registers for the two constants. Filling
 * takes latency times units: 8 to 16, or 12 where a multiplication and an addition follow each other. */
#undef CHAINS
#if defined(__AVX512F__) || defined(__aarch64__)
#    define CHAINS 24
#else
#    define CHAINS 12
#endif

static double F(multiply_add)(int64_t n_rounds, T *sink) {
    R sum[CHAINS], one = (R){0} + 1;
#pragma GCC unroll 32
    for (int c = 0; c < CHAINS; c++) sum[c] = (R){0} + (T)c;
    for (int64_t round = 0; round < n_rounds; round++)
#pragma GCC unroll 32
        for (int c = 0; c < CHAINS; c++)
            sum[c] = F(nnc_vector_fma)((T)0.5, sum[c], one); /* converges to 2: neither overflow nor subnormal numbers */
#pragma GCC unroll 32
    for (int c = 1; c < CHAINS; c++) sum[0] += sum[c];
    *(V *)sink = sum[0];
    return 2.0 * CHAINS * LANES * (double)n_rounds;
}

#endif
