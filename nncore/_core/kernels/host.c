/* The host's services, compiled once per CPU level like the kernels that use them. */
#ifndef T
#include "host.h"

#include "gemm.h"
#include "level.h"
#include "philox.h"
#include "rooms.h"
#include "vector_math.h"

/* Random words of n elements from `first` on, which may lie inside a group of four. NNC_PHILOX_WORDS are drawn at a time. */
static void draw(uint64_t seed, int64_t step, int32_t layer, int64_t first, int64_t n, uint32_t *words) {
    for (int64_t at = -(first % 4); at < n; at += NNC_PHILOX_WORDS) {
        uint32_t drawn[NNC_PHILOX_WORDS];
        nnc_philox(seed, (uint64_t)step, (uint32_t)layer, (uint32_t)((first + at) / 4), drawn);
        int64_t begin = at < 0 ? 0 : at, end = nnc_least(n, at + NNC_PHILOX_WORDS);
        memcpy(words + begin, drawn + (begin - at), (size_t)(end - begin) * sizeof *words);
    }
}

#include "nncore/float32.h"
#include "host.c"
#include "nncore/float64.h"
#include "host.c"

extern const nnc_host NNC_HOST(NNC_LEVEL);
const nnc_host NNC_HOST(NNC_LEVEL) = {
    sizeof(nnc_host), product_f32, product_f64,    draw,           exp_of_f32,   exp_of_f64,   log_of_f32,   log_of_f64,
    tanh_of_f32,      tanh_of_f64, sigmoid_of_f32, sigmoid_of_f64, sinpi_of_f32, sinpi_of_f64, cospi_of_f32, cospi_of_f64,
};

extern nnc_lender NNC_LENDER(NNC_LEVEL);
int NNC_LENDER(NNC_LEVEL)(int lends, int rounds) {
    nnc_give_room(gemm_room);
    gemm_rounds = rounds ? NNC_ROUNDS : NNC_IS_EXACT;
    gemm_room = lends ? nnc_take_room(NNC_GEMM_ROOM_BYTES) : NULL;
    return lends && gemm_room == NULL ? -1 : 0;
}

#else
static void F(product)(const nnc_gemm_call *call) {
    int64_t a_row = call->a_transposed ? 1 : call->a_stride, a_column = call->a_transposed ? call->a_stride : 1;
    int64_t b_row = call->b_transposed ? 1 : call->b_stride, b_column = call->b_transposed ? call->b_stride : 1;
    F(gemm)(call->m, call->n, call->k, call->a, a_row, a_column, call->b, b_row, b_column, call->start, call->start_stride, call->c,
            call->c_stride);
}

#define DEFINE_MAP(name)                                            \
    static void F(name##_of)(const T *x, T *y, int64_t n) {         \
        for (int64_t i = 0; i < n; i++) y[i] = F(nnc_##name)(x[i]); \
    }
DEFINE_MAP(exp)
DEFINE_MAP(log)
DEFINE_MAP(tanh)
DEFINE_MAP(sigmoid)
DEFINE_MAP(sinpi)
DEFINE_MAP(cospi)
#undef DEFINE_MAP

#endif
