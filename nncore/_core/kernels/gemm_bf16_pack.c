/* Elements are rounded to the nearest number of bfloat16, ties to even. */
#include "gemm_bf16.h"

#if NNC_MAKES_BF16
#    include <stddef.h>

#    include "gemm_bf16_pack.h"
#    include "nncore/float32.h"

#    include "gemm_transpose.h"

NNC_INLINE __m512 load(const float *from, int64_t count) { return _mm512_maskz_loadu_ps(first_lanes(count), from); }

/* Sixteen consecutive pairs: the first `count` elements, at most 32, then zeros. */
NNC_INLINE __m512i pairs_along(const float *from, int64_t count) {
    return (__m512i)_mm512_cvtne2ps_pbh(load(from + WIDTH, count - WIDTH), load(from, count));
}

/* Sixteen pairs: first halves from `low`, second halves from `high`, or 0 if that is NULL. */
NNC_INLINE __m512i pairs_across(const float *low, const float *high, int64_t count) {
    const __m512i places = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3,
                                            18, 2, 17, 1, 16, 0);
    __m512 second = high != NULL ? load(high, count) : _mm512_setzero_ps();
    return _mm512_permutexvar_epi16(places, (__m512i)_mm512_cvtne2ps_pbh(second, load(low, count)));
}

/* Packs a square: WIDTH rows from row i on, and WIDTH pairs from element p on. Beyond the end of the matrix it writes zeros. If it
 * writes rows one by one, it writes only those that the matrix has. */
static __attribute__((noinline)) void pack_square(const nnc_pairs *m, int64_t i, int64_t p) {
    pair square[WIDTH * WIDTH] __attribute__((aligned(64)));
    const int lies_along = m->column == 1, turns = lies_along != (m->to_pair == 1);
    const float *from = m->from + i * m->row + p * m->column;
    pair *to = m->to + i / PANEL * m->to_panel + i % PANEL * m->to_row + p / (2 * WIDTH) * m->to_square;
    pair *line = turns ? square : to;
    const int64_t apart = turns ? WIDTH : lies_along ? m->to_row : m->to_pair;
    if (lies_along) {
        const int64_t n = nnc_least(m->n - i, WIDTH);
        for (int64_t v = 0; v < n; v++, line += apart) _mm512_storeu_si512(line, pairs_along(from + v * m->row, m->k - p));
        for (int64_t v = n; v < WIDTH && turns; v++, line += apart) _mm512_storeu_si512(line, _mm512_setzero_si512());
    } else {
        for (int64_t v = 0; v < WIDTH; v++, line += apart, from += 2 * m->column) {
            const int64_t left = m->k - p - 2 * v;
            _mm512_storeu_si512(line, left > 0 ? pairs_across(from, left > 1 ? from + m->column : NULL, m->n - i) : _mm512_setzero_si512());
        }
    }
    if (turns) /* moves 32 bits, whatever they mean */
        transpose_f32(WIDTH, WIDTH, (const float *)square, WIDTH, (float *)to, lies_along ? m->to_pair : m->to_row);
}

/* In the order in which the matrix lies in memory. */
void pack_bf16(const nnc_pairs *m) {
    if (m->column == 1) {
        for (int64_t i = 0; i < m->n; i += WIDTH)
            for (int64_t p = 0; p < m->k; p += 2 * WIDTH) pack_square(m, i, p);
    } else {
        for (int64_t p = 0; p < m->k; p += 2 * WIDTH)
            for (int64_t i = 0; i < m->n; i += WIDTH) pack_square(m, i, p);
    }
}

#endif
