/* c = start + a . b with the elements of a and b rounded to bfloat16, by AMX.
 *
 * TDPBF16PS multiplies a tile of 16 rows and 16 pairs of a with one of 16 pairs and 16 columns of b. Blocks of both operands are rounded and
 * packed: a in panels of 32 rows, b in panels of 32 columns, each cut into tiles. Four tiles of sums, 32 rows and 32 columns, stay in
 * registers while k runs.
 *
 * The order of a sum: each tile of 32 terms adds its terms with even places, and those with odd places, one after the other. Then it adds
 * both sums, and that to the sum so far. Numbers below the smallest normal one count as 0. Blocks of k hold whole tiles, and zeros on both
 * sides complete the last one. The sums of an element continue from one block to the next. So each element is a chain of the same
 * instructions, wherever m and n are cut. */
#include "gemm_bf16.h"

#if NNC_MAKES_AMX
#    include <stddef.h>

#    include "gemm_bf16_pack.h"

#    define SQUARE (WIDTH * WIDTH) /* pairs of a tile */
#    define TERMS (2 * WIDTH)      /* of k in a tile */

/* Pairs of a and of b that are packed in the room of a thread, and most terms of a block. A panel of a takes a third of the first-level
 * cache, so that the panels of b pass beside it. On the stack, which may have only a few pages, there are two tiles of each. */
#    define ROOM_TERMS 256
#    define ROOM_OF_A (256 * ROOM_TERMS / 2)
#    define ROOM_OF_B (1024 * ROOM_TERMS / 2)

/* GCC's intrinsics do not say that loads of tiles, or of their shapes, read memory: everything is written before this point. */
#    define EVERYTHING_IS_WRITTEN(where) __asm__ volatile("" : : "r"(where) : "memory")

/* What LDTILECFG reads. Registers 0 to 3 are tiles of c, row by row, 4 and 5 of a, 6 and 7 of b. */
typedef struct tile_shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes_in_row[16];
    uint8_t rows[16];
} tile_shapes;
_Static_assert(sizeof(tile_shapes) == 64, "as LDTILECFG reads it");

/* How many of `count` rows or columns are in the first tile, or in the second one. */
NNC_INLINE int64_t within_tile(int64_t count, int second) {
    count -= second ? WIDTH : 0;
    return count < 0 ? 0 : nnc_least(count, WIDTH);
}

static void set_shape(tile_shapes *shapes, int tile, int64_t rows, int64_t floats_in_row) {
    if (rows == 0 || floats_in_row == 0) return; /* empty tiles are not used */
    shapes->rows[tile] = (uint8_t)rows;
    shapes->bytes_in_row[tile] = (uint16_t)(floats_in_row * (int64_t)sizeof(float));
}

/* Sets the shapes for a part of c with so many rows and columns, at most PANEL. A pair takes as much as a float. */
static __attribute__((noinline)) void set_shapes(int64_t rows, int64_t columns) {
    tile_shapes shapes = {.palette = 1};
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) set_shape(&shapes, 2 * i + j, within_tile(rows, i), within_tile(columns, j));
        set_shape(&shapes, 4 + i, within_tile(rows, i), WIDTH);
        set_shape(&shapes, 6 + i, within_tile(columns, i) > 0 ? WIDTH : 0, within_tile(columns, i));
    }
    EVERYTHING_IS_WRITTEN(&shapes);
    _tile_loadconfig(&shapes);
}

/* The microkernel, for one or two tiles of rows and of columns. Strides are in bytes. While k runs, it
 * fetches the part of c to the right, which comes next. */
NNC_INLINE void multiply_tiles(const int tall, const int wide, int64_t n_squares, const pair *a, const pair *b, const float *start,
                               int64_t start_row, float *c, int64_t c_row) {
    EVERYTHING_IS_WRITTEN(a);
    if (start == NULL) {
        _tile_zero(0);
        if (wide) _tile_zero(1);
        if (tall) _tile_zero(2);
        if (tall && wide) _tile_zero(3);
    } else {
        const float *below = (const float *)((const char *)start + WIDTH * start_row);
        _tile_loadd(0, start, start_row);
        if (wide) _tile_loadd(1, start + WIDTH, start_row);
        if (tall) _tile_loadd(2, below, start_row);
        if (tall && wide) _tile_loadd(3, below + WIDTH, start_row);
    }
    const int64_t fetched = (PANEL + n_squares - 1) / n_squares; /* rows in each step */
    const char *next = (const char *)(c + PANEL);
    for (int64_t q = 0; q < n_squares; q++, a += 2 * SQUARE, b += 2 * SQUARE) {
        for (int64_t i = 0; i < fetched; i++, next += c_row) {
            __builtin_prefetch(next, 1);
            __builtin_prefetch(next + WIDTH * sizeof(float), 1);
        }
        _tile_loadd(4, a, WIDTH * sizeof(pair));
        if (tall) _tile_loadd(5, a + SQUARE, WIDTH * sizeof(pair));
        _tile_loadd(6, b, PANEL * sizeof(pair));
        if (wide) _tile_loadd(7, b + WIDTH, PANEL * sizeof(pair));
        _tile_dpbf16ps(0, 4, 6);
        if (wide) _tile_dpbf16ps(1, 4, 7);
        if (tall) _tile_dpbf16ps(2, 5, 6);
        if (tall && wide) _tile_dpbf16ps(3, 5, 7);
    }
    float *below = (float *)((char *)c + WIDTH * c_row);
    _tile_stored(0, c, c_row);
    if (wide) _tile_stored(1, c + WIDTH, c_row);
    if (tall) _tile_stored(2, below, c_row);
    if (tall && wide) _tile_stored(3, below + WIDTH, c_row);
}

typedef struct blocks {
    pair *a, *b;
    int64_t n_a, n_b; /* pairs that fit there */
    int64_t terms;    /* most of a block of k */
} blocks;

/* The product of a packed block of a (m, pairs) and one of b (pairs, n). */
static void multiply_block(const blocks *room, int64_t m, int64_t n, int64_t n_squares, const float *start, int64_t start_row, float *c,
                           int64_t c_row) {
    const int64_t panel = n_squares * 2 * SQUARE;
    int64_t set = -1;
    for (int64_t i = 0; i < m; i += PANEL)
        for (int64_t j = 0; j < n; j += PANEL) {
            const int64_t rows = nnc_least(m - i, PANEL), columns = nnc_least(n - j, PANEL);
            const pair *of_a = room->a + i / PANEL * panel, *of_b = room->b + j / PANEL * panel;
            const float *from = start != NULL ? start + i * start_row + j : NULL;
            float *to = c + i * c_row + j;
            const int64_t from_bytes = start_row * (int64_t)sizeof(float), to_bytes = c_row * (int64_t)sizeof(float);
            if (set != rows * PANEL + columns) set_shapes(rows, columns);
            set = rows * PANEL + columns;
            if (rows > WIDTH && columns > WIDTH) multiply_tiles(1, 1, n_squares, of_a, of_b, from, from_bytes, to, to_bytes);
            else if (rows > WIDTH) multiply_tiles(1, 0, n_squares, of_a, of_b, from, from_bytes, to, to_bytes);
            else if (columns > WIDTH) multiply_tiles(0, 1, n_squares, of_a, of_b, from, from_bytes, to, to_bytes);
            else multiply_tiles(0, 0, n_squares, of_a, of_b, from, from_bytes, to, to_bytes);
        }
}

static void multiply(const blocks *room, PRODUCT) {
    const int64_t parts = (k + room->terms - 1) / room->terms;
    const int64_t n_squares = ((k + parts - 1) / parts + TERMS - 1) / TERMS; /* of a block, in equal parts of k but for whole tiles */
    const int64_t terms = n_squares * TERMS, columns = room->n_b / (n_squares * 2 * SQUARE) * PANEL,
                  rows = room->n_a / (n_squares * 2 * SQUARE) * PANEL;
    for (int64_t j = 0; j < n; j += columns)
        for (int64_t done = 0; done < k; done += terms) {
            const int64_t height = nnc_least(k - done, terms), width = nnc_least(n - j, columns), n_here = (height + TERMS - 1) / TERMS;
            pack_bf16(&(nnc_pairs){width, height, b + done * b_row + j * b_column, b_column, b_row, room->b, n_here * 2 * SQUARE, 1,
                                   2 * SQUARE, PANEL});
            for (int64_t i = 0; i < m; i += rows) {
                const int64_t tall = nnc_least(m - i, rows);
                float *to = c + i * c_row + j;
                pack_bf16(&(nnc_pairs){tall, height, a + i * a_row + done * a_column, a_row, a_column, room->a, n_here * 2 * SQUARE, WIDTH,
                                       2 * SQUARE, 1});
                if (done > 0) multiply_block(room, tall, width, n_here, to, c_row, to, c_row);
                else multiply_block(room, tall, width, n_here, start != NULL ? start + i * start_row + j : NULL, start_row, to, c_row);
            }
        }
    _tile_release(); /* tiles in use make switching to another thread slower */
}

_Static_assert((ROOM_OF_A + ROOM_OF_B) * sizeof(pair) <= NNC_GEMM_ROOM_BYTES, "blocks of a and of b fit together");

/* A separate function, so that only a thread without a room reserves this stack memory. */
static __attribute__((noinline)) void multiply_on_stack(PRODUCT) {
    pair of_a[2 * SQUARE] __attribute__((aligned(64))), of_b[2 * SQUARE] __attribute__((aligned(64)));
    const blocks room = {of_a, of_b, 2 * SQUARE, 2 * SQUARE, TERMS};
    multiply(&room, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
}

NNC_DECLARE_GEMM(float, gemm_amx) {
    if (gemm_room == NULL) {
        multiply_on_stack(m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
        return;
    }
    const blocks room = {gemm_room, (pair *)gemm_room + ROOM_OF_A, ROOM_OF_A, ROOM_OF_B, ROOM_TERMS};
    multiply(&room, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
}

#endif
