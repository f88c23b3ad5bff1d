/* c = start + a . b with the elements of a and b rounded to bfloat16, to the nearest, ties to even.
 *
 * VDPBF16PS adds both products of two pairs to a float32. A pair has 32 bits: elements 2 q and 2 q + 1 of a row of a, or of a column of b,
 * side by side. Blocks of both operands are rounded and packed: a in rows of pairs, b in panels of two vectors whose lanes are columns. The
 * microkernel computes a tile of 14 rows and two vectors, whose sums stay in registers while k runs.
 *
 * Blocks hold whole pairs, and the sums of an element continue from one block to the next. So each is a chain of the same instructions,
 * wherever m and n are cut. If k is odd, the second half of the last pair is 0 in a and in b. */
#include "gemm_bf16.h"

#if NNC_MAKES_BF16
#    include <stddef.h>

#    include "nncore/float32.h"
#    include "vector.h"

#    include "gemm_transpose.h"

#    define WIDTH 16 /* lanes of a vector; also rows, and pairs in a row, of a square that is transposed */
#    define TILE_ROWS 14
#    define TILE_COLUMNS (2 * WIDTH)
#    define MOST_PAIRS 128 /* most pairs of a block of k */

typedef uint32_t pair;

/* Sizes of the blocks that are packed in the room of a thread, and of those on its stack, which may have only a few pages. */
#    define ROOM_COLUMNS 1024
#    define ROOM_STRIPS 18
#    define ROOM_ROWS 256
#    define STACK_PAIRS WIDTH
#    define STACK_ROWS 4

/* The first `count` lanes of a vector, or all. */
NNC_INLINE __mmask16 first_lanes(int64_t count) {
    return count >= WIDTH ? (__mmask16)0xffff : (__mmask16)((1u << (count < 0 ? 0 : count)) - 1);
}

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

/* The pairs of a matrix (n, k) to pack, from where and to where. Element (i, p) is at from[i * row + p * column], and one of these
 * strides is 1. Pair q of row i goes to to[i / TILE_COLUMNS * to_panel + i % TILE_COLUMNS * to_row + q * to_pair], and to_row or to_pair
 * is 1. */
typedef struct move {
    int64_t n, k;
    const float *from;
    int64_t row, column;
    pair *to;
    int64_t to_panel, to_row, to_pair;
} move;

/* Packs a square: WIDTH rows from row i on, and WIDTH pairs from element p on. Beyond the end of the matrix it writes zeros. If it
 * writes rows one by one, it writes only those that the matrix has. */
static __attribute__((noinline)) void pack_square(const move *m, int64_t i, int64_t p) {
    pair square[WIDTH * WIDTH] __attribute__((aligned(64)));
    const int lies_along = m->column == 1, turns = lies_along != (m->to_pair == 1);
    const float *from = m->from + i * m->row + p * m->column;
    pair *to = m->to + i / TILE_COLUMNS * m->to_panel + i % TILE_COLUMNS * m->to_row + p / 2 * m->to_pair;
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

/* Packs the whole matrix, in the order in which it lies in memory. */
static void pack(move m) {
    if (m.column == 1) {
        for (int64_t i = 0; i < m.n; i += WIDTH)
            for (int64_t p = 0; p < m.k; p += 2 * WIDTH) pack_square(&m, i, p);
    } else {
        for (int64_t p = 0; p < m.k; p += 2 * WIDTH)
            for (int64_t i = 0; i < m.n; i += WIDTH) pack_square(&m, i, p);
    }
}

/* c (rows, n) = start + a . b for some rows of a and a block of b. */
typedef struct strip {
    int64_t n, n_pairs;
    const pair *a; /* (rows, n_pairs), rows MOST_PAIRS apart */
    const pair *b; /* (n_pairs, n) in panels of TILE_COLUMNS, which lie b_panel apart */
    int64_t b_panel;
    const float *start; /* (rows, n), rows start_row apart; NULL for zeros */
    int64_t start_row;
    float *c;
    int64_t c_row;
} strip;

/* The microkernel. `rows` and `vectors` are constants after inlining, so that the sums become registers. */
NNC_INLINE void tile(const int rows, const int vectors, const strip *s) {
    const pair *a = s->a, *b = s->b;
    const __mmask16 last = first_lanes(s->n - (vectors - 1) * WIDTH);
    __m512 sum[TILE_ROWS][2];
    if (s->start == NULL) {
#    pragma GCC unroll 16
        for (int i = 0; i < rows; i++)
#    pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) sum[i][v] = _mm512_setzero_ps();
    } else {
        const float *from = s->start;
#    pragma GCC unroll 16
        for (int i = 0; i < rows; i++, from += s->start_row) {
            if (vectors == 2) sum[i][0] = _mm512_loadu_ps(from);
            sum[i][vectors - 1] = _mm512_maskz_loadu_ps(last, from + (vectors - 1) * WIDTH);
        }
    }
    for (int64_t q = 0; q < s->n_pairs; q++, a++, b += TILE_COLUMNS) {
        __m512bh of_b[2];
#    pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) of_b[v] = (__m512bh)_mm512_loadu_si512(b + v * WIDTH);
#    pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            __m512bh of_a = (__m512bh)_mm512_set1_epi32((int)a[i * MOST_PAIRS]);
#    pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) sum[i][v] = _mm512_dpbf16_ps(sum[i][v], of_b[v], of_a);
        }
    }
    float *to = s->c;
#    pragma GCC unroll 16
    for (int i = 0; i < rows; i++, to += s->c_row) {
        if (vectors == 2) _mm512_storeu_ps(to, sum[i][0]);
        _mm512_mask_storeu_ps(to + (vectors - 1) * WIDTH, last, sum[i][vectors - 1]);
    }
}

NNC_INLINE void tiles(const int rows, strip s) {
    for (; s.n > 0; s.n -= TILE_COLUMNS) {
        if (s.n > WIDTH) tile(rows, 2, &s);
        else tile(rows, 1, &s);
        s.b += s.b_panel;
        s.c += TILE_COLUMNS;
        if (s.start != NULL) s.start += TILE_COLUMNS;
    }
}

#    define EACH_ROW_COUNT(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#    define DEFINE(rows) \
    static void tiles_of_##rows(const strip *s) { tiles(rows, *s); }
EACH_ROW_COUNT(DEFINE)
#    undef DEFINE
#    define NAME(rows) tiles_of_##rows,
static void (*const tiles_of[])(const strip *) = {NULL, EACH_ROW_COUNT(NAME)};
#    undef NAME

/* How much is packed at a time, and where. */
typedef struct blocks {
    int64_t columns; /* of b; a multiple of TILE_COLUMNS */
    int64_t terms;   /* of k; a multiple of 2 * WIDTH */
    int64_t strips;  /* of a */
    int64_t rows;    /* of a strip, at most */
    pair *a;         /* (strips * rows, MOST_PAIRS), rounded up to WIDTH rows */
    pair *b;         /* (columns / TILE_COLUMNS, terms / 2, TILE_COLUMNS) */
} blocks;

/* Rows before strip i. Heights of strips differ by at most one: a strip of few rows has too few sums to hide the latency of
 * instructions. */
NNC_INLINE int64_t rows_before(int64_t i, int64_t m, int64_t n_strips) { return i * m / n_strips; }

/* clang-format off */
#    define PRODUCT                                                                         \
        int64_t m, int64_t n, int64_t k, const float *a, int64_t a_row, int64_t a_column,   \
        const float *b, int64_t b_row, int64_t b_column, const float *start, int64_t start_row, float *c, int64_t c_row
/* clang-format on */

static void multiply(const blocks *room, PRODUCT) {
    const int64_t n_strips = (m + room->rows - 1) / room->rows, parts = (k + room->terms - 1) / room->terms;
    const int64_t terms =
        ((k + parts - 1) / parts + 2 * WIDTH - 1) / (2 * WIDTH) * (2 * WIDTH); /* equal parts, rounded up to whole vectors */
    for (int64_t j = 0; j < n; j += room->columns)
        for (int64_t done = 0; done < k; done += terms) {
            const int64_t height = nnc_least(k - done, terms), columns = nnc_least(n - j, room->columns);
            strip s = {.n = columns, .n_pairs = (height + 1) / 2, .b = room->b, .b_panel = terms / 2 * TILE_COLUMNS, .c_row = c_row};
            pack((move){columns, height, b + done * b_row + j * b_column, b_column, b_row, room->b, s.b_panel, 1, TILE_COLUMNS});
            for (int64_t first = 0, end; first < n_strips; first = end) {
                end = nnc_least(n_strips, first + room->strips);
                const int64_t row = rows_before(first, m, n_strips), rows = rows_before(end, m, n_strips) - row;
                pack((move){rows, height, a + row * a_row + done * a_column, a_row, a_column, room->a, TILE_COLUMNS * MOST_PAIRS,
                            MOST_PAIRS, 1});
                for (int64_t i = first; i < end; i++) {
                    const int64_t begin = rows_before(i, m, n_strips), next = rows_before(i + 1, m, n_strips);
                    s.a = room->a + (begin - row) * MOST_PAIRS;
                    s.c = c + begin * c_row + j;
                    s.start = done > 0 ? s.c : start != NULL ? start + begin * start_row + j : NULL;
                    s.start_row = done > 0 ? c_row : start_row;
                    tiles_of[next - begin](&s);
                }
            }
        }
}

_Static_assert(ROOM_STRIPS *TILE_ROWS <= ROOM_ROWS && ROOM_ROWS % WIDTH == 0, "all squares of a that are turned fit");
_Static_assert((ROOM_COLUMNS + ROOM_ROWS) * MOST_PAIRS * sizeof(pair) <= NNC_GEMM_ROOM_BYTES, "blocks of a and of b fit together");

/* A separate function, so that only a thread without a room reserves this stack memory. */
static __attribute__((noinline)) void multiply_on_stack(PRODUCT) {
    pair of_a[WIDTH * MOST_PAIRS], of_b[STACK_PAIRS * TILE_COLUMNS];
    const blocks room = {TILE_COLUMNS, 2 * STACK_PAIRS, 1, STACK_ROWS, of_a, of_b};
    multiply(&room, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
}

NNC_DECLARE_GEMM(float, gemm_bf16) {
    if (gemm_room == NULL) {
        multiply_on_stack(m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
        return;
    }
    const blocks room = {ROOM_COLUMNS, 2 * MOST_PAIRS, ROOM_STRIPS, TILE_ROWS, gemm_room, (pair *)gemm_room + ROOM_ROWS * MOST_PAIRS};
    multiply(&room, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
}

#endif
