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

#    include "cpu.h"
#    include "gemm_bf16_pack.h"

#    define TILE_ROWS 14
#    define TILE_COLUMNS PANEL
#    define MOST_PAIRS 128 /* most pairs of a block of k */

/* Sizes of the blocks that are packed in the room of a thread, and of those on its stack, which may have only a few pages. */
#    define ROOM_COLUMNS 1024
#    define ROOM_STRIPS 18
#    define ROOM_ROWS 256
#    define STACK_PAIRS WIDTH
#    define STACK_ROWS 4

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

static void multiply(const blocks *room, PRODUCT) {
    const int64_t n_strips = (m + room->rows - 1) / room->rows, parts = (k + room->terms - 1) / room->terms;
    const int64_t terms =
        ((k + parts - 1) / parts + 2 * WIDTH - 1) / (2 * WIDTH) * (2 * WIDTH); /* equal parts, rounded up to whole vectors */
    for (int64_t j = 0; j < n; j += room->columns)
        for (int64_t done = 0; done < k; done += terms) {
            const int64_t height = nnc_least(k - done, terms), columns = nnc_least(n - j, room->columns);
            strip s = {.n = columns, .n_pairs = (height + 1) / 2, .b = room->b, .b_panel = terms / 2 * TILE_COLUMNS, .c_row = c_row};
            pack_bf16(&(nnc_pairs){columns, height, b + done * b_row + j * b_column, b_column, b_row, room->b, s.b_panel, 1,
                                   WIDTH * TILE_COLUMNS, TILE_COLUMNS});
            for (int64_t first = 0, end; first < n_strips; first = end) {
                end = nnc_least(n_strips, first + room->strips);
                const int64_t row = rows_before(first, m, n_strips), rows = rows_before(end, m, n_strips) - row;
                pack_bf16(&(nnc_pairs){rows, height, a + row * a_row + done * a_column, a_row, a_column, room->a, PANEL * MOST_PAIRS,
                                       MOST_PAIRS, WIDTH, 1});
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
#    if NNC_MAKES_AMX
    if (nnc_uses_amx()) {
        gemm_amx(m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
        return;
    }
#    endif
    if (gemm_room == NULL) {
        multiply_on_stack(m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
        return;
    }
    const blocks room = {ROOM_COLUMNS, 2 * MOST_PAIRS, ROOM_STRIPS, TILE_ROWS, gemm_room, (pair *)gemm_room + ROOM_ROWS * MOST_PAIRS};
    multiply(&room, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
}

#endif
