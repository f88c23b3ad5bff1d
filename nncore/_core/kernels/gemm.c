/* Matrix products c = start + a . b. c is row-major; a and b may each be transposed.
 *
 * The microkernel of gemm_tile.h computes a tile of a few rows and two vectors of columns, whose sums stay in registers. Blocks of a and b
 * are packed into contiguous memory by gemm_pack.h. Batches of one sample are multiplied by gemm_small.h. This file chooses the blocks, and
 * decides what is packed and what is read in place.
 *
 * The reduction order never changes. Each element of c adds its terms in the order of k, and continues its sum from one block of k to
 * the next. So no choice of blocks changes a bit of the result. */
#ifndef T
#include <stddef.h>

#include "gemm.h"
#include "gemm_bf16.h"
#include "vector.h"

/* Bytes of the level-1 and of the level-2 cache that one block may fill. The rest is for data that streams past it. */
#define L1_SHARE (16 * 1024)
#if defined(__AVX512F__)
#    define L2_SHARE (512 * 1024) /* these CPUs have 1 MB or more */
#else
#    define L2_SHARE (192 * 1024)
#endif
#define K_BLOCK 256       /* most rows of a packed block of b */
#define LOW_BLOCK 48      /* rows of an unpacked b in one block, if a is transposed */
#define KEPT_ROWS 512     /* most rows of a that stay packed in kept_rows; a multiple of LANES */
#define A_STRIPS 4        /* strips of a that are packed at a time */
#define PANEL_ROWS 256    /* most rows of a in F(panels); a third of it if b is transposed */
#define LEVEL_2 (1 << 20) /* a level-2 cache may hold an a of this many bytes */
#define NEAR (384 * 1024) /* bytes of b that a level-2 cache holds next to all other data */
#define FAR (4 << 20)     /* a b of this many bytes does not stay in a level-2 cache until the next product */

/* Whether a product with a transposed b computes c^T = b^T . a^T instead (turned_product). It transposes a and c, where they are smaller
 * than b. Off with AVX-512, where it has not been measured. */
#if defined(__AVX512F__)
#    define TURNS_FEW_ROWS 0
#else
#    define TURNS_FEW_ROWS 1
#endif
#define TURNED_COLUMNS 96         /* columns of c at a time */
#define TURNED_SHARE (640 * 1024) /* most bytes of the transposed a and c */

/* Whether rows of a stay packed for all blocks of columns (kept_rows). Off with AVX-512, too, where it has not been measured. */
#define KEEPS_A TURNS_FEW_ROWS

/* Bytes that may be packed on the stack, which may be as small as a few pages. Larger blocks are packed in gemm_room. */
#define STACK_SHARE (4 * 1024)

_Thread_local void *gemm_room;
_Thread_local int gemm_rounds;

#include "nncore/float32.h"
#include "gemm.c"
#include "nncore/float64.h"
#include "gemm.c"

#else
#include "gemm_tile.h"
#include "gemm_transpose.h"
#include "gemm_pack.h"

/* How a product is cut into blocks, and what is packed or prefetched. */
typedef struct F(plan) {
    int64_t n_block, k_block; /* columns and rows of b in one block */
    int packs_a, packs_b, fetches_a;
    int keeps_a;   /* a stays packed for all blocks of columns, if the thread has a room */
    int64_t ahead; /* F(strip).ahead */
} F(plan);

/* Whether rows `stride` apart compete for the same few sets of a cache: their distance is nearly a multiple of `multiple` bytes. */
NNC_INLINE int F(collide)(int64_t stride, int64_t multiple) {
    int64_t bytes = stride * (int64_t)sizeof(T);
    return bytes > multiple / 2 && (bytes + CACHE_LINE) % multiple <= 2 * CACHE_LINE;
}

/* The size of a part when n is cut into nearly equal parts of at most `most`. */
static int64_t F(even_part)(int64_t n, int64_t most) {
    int64_t parts = (n + most - 1) / most;
    return parts > 0 ? (n + parts - 1) / parts : 1;
}

/* The plan for one strip of rows. It reads b once, so packing b would cost as much as reading it. Only a transposed b is packed. */
static F(plan) F(plan_strip)(int64_t m, int64_t n, int64_t k, int64_t b_row, int64_t b_column) {
    /* A block of a transposed b stays in the level-1 cache. */
    if (b_column != 1) return (F(plan)){.n_block = TILE_COLUMNS, .k_block = 64, .packs_b = 1};
    if (n <= TILE_COLUMNS) return (F(plan)){.n_block = n, .k_block = k};
    /* Blocks of few rows of b and all columns, so that each row is read from end to end. If b does not fit the level-2 cache, the next
     * block is prefetched. */
    int is_far = k * n * (int64_t)sizeof(T) > NEAR;
    int64_t k_block = (!is_far ? 32 : m > 4 ? 16 : 8) * (64 / NNC_VECTOR_BYTES);
    return (F(plan)){.n_block = n, .k_block = k_block, .ahead = is_far ? k_block * b_row : 0};
}

static F(plan) F(plan_strips)(int64_t m, int64_t n, int64_t k, int64_t a_row, int64_t a_column, int64_t b_row, int64_t b_column) {
    /* A strip of a transposed a reads from k rows of memory, not from at most TILE_ROWS. So smaller strides collide, too. */
    int packs_a = n > TILE_COLUMNS && (a_row != 1 ? F(collide)(a_row, 4096) : F(collide)(a_column, k < K_BLOCK ? 4096 : 2048));
    if (b_column == 1 && !packs_a) {
        /* Read b in place: the level-1 cache holds enough of its rows, and b has one panel or few strips read it. */
        int64_t held = L1_SHARE / (int64_t)sizeof(T) / b_row;
        if ((k <= held || held >= 64) && (n <= TILE_COLUMNS || m < 8 * TILE_ROWS)) return (F(plan)){.n_block = n, .k_block = held};
        /* Each row of a transposed a is in its own cache line, and often all compete for a few sets of the cache. So blocks have few
         * rows. Then b need not be packed either, unless many strips read it. */
        int64_t n_low = L2_SHARE / (int64_t)sizeof(T) / LOW_BLOCK / TILE_COLUMNS * TILE_COLUMNS;
        int packing_pays = m >= 12 * TILE_ROWS && (k <= K_BLOCK || n > n_low || F(collide)(b_row, 1024));
        if (!FETCHES && a_row == 1 && !packing_pays && !F(collide)(b_row, 4096))
            return (F(plan)){.n_block = nnc_least(n, n_low), .k_block = LOW_BLOCK};
        if (m < 4 * TILE_ROWS && !F(collide)(b_row, 4096)) return (F(plan)){.n_block = TILE_COLUMNS, .k_block = K_BLOCK};
    }
    int64_t k_block = F(even_part)(k, K_BLOCK);
    int64_t n_block = L2_SHARE / (int64_t)sizeof(T) / k_block / TILE_COLUMNS * TILE_COLUMNS;
    int fetches_a = FETCHES && !packs_a && m * k * (int64_t)sizeof(T) > LEVEL_2;
    int keeps_a = KEEPS_A && n > n_block && (packs_a || a_row == 1); /* a transposed a costs more to read in place */
    return (F(plan)){
        .n_block = nnc_least(n, n_block), .k_block = k_block, .packs_a = packs_a, .packs_b = 1, .fetches_a = fetches_a, .keeps_a = keeps_a};
}

/* The parameters of gemm. */
/* clang-format off */
#define PRODUCT                                                                   \
    int64_t m, int64_t n, int64_t k, const T *a, int64_t a_row, int64_t a_column, \
    const T *b, int64_t b_row, int64_t b_column, const T *start, int64_t start_row, T *c, int64_t c_row
/* clang-format on */

/* Multiplies all strips of a by one block of b. Packs A_STRIPS strips of a at a time into packed (A_STRIPS * TILE_ROWS, strip.k). */
static void F(packed_strips)(int64_t m, F(strip) strip, T *packed) {
    F(strip) part = strip;
    part.a = packed;
    for (int64_t i = 0; i < m; i += A_STRIPS * TILE_ROWS) {
        int64_t rows = nnc_least(m - i, A_STRIPS * TILE_ROWS);
        if (strip.a_column == 1) {
            part.a_row = strip.k;
            F(copy)(rows, strip.k, strip.a, strip.a_row, packed, part.a_row);
        } else {
            part.a_row = 1;
            part.a_column = rows;
            F(copy)(strip.k, rows, strip.a, strip.a_column, packed, part.a_column);
        }
        F(strips)(rows, part);
        strip.a += rows * strip.a_row;
        part.c += rows * strip.c_row;
        if (part.start != NULL) part.start += rows * strip.start_row;
    }
}

/* Packs strip.b, a block (strip.k, strip.n), into `packed`, where the strip then reads it. May compute the first strip of the m rows
 * while it packs; `strip` then begins behind it. Returns how many rows are left. */
NNC_INLINE int64_t F(pack_block)(int64_t m, F(strip) *strip, int64_t b_row, int64_t b_column, T *packed) {
#if PACKS_AS_IT_READS
    if (b_column == 1 && m >= 2 * TILE_ROWS && strip->n >= TILE_COLUMNS) {
        F(packing_strip)(*strip, packed);
        m -= TILE_ROWS;
        strip->a += TILE_ROWS * strip->a_row;
        strip->c += TILE_ROWS * strip->c_row;
        if (strip->start != NULL) strip->start += TILE_ROWS * strip->start_row;
    } else
#endif
        F(pack)(strip->k, strip->n, strip->b, b_row, b_column, packed);
    strip->b = packed;
    strip->b_row = F(packed_width)(strip->n);
    strip->b_panel = strip->k * strip->b_row;
    return m;
}

/* Runs a plan block by block. packed_a and packed_b are memory for what it packs. */
NNC_INLINE void F(blocks)(F(plan) plan, T *packed_a, T *packed_b, PRODUCT) {
    for (int64_t j = 0; j < n; j += plan.n_block) {
        F(strip) strip = {.n = nnc_least(n - j, plan.n_block),
                          .a_row = a_row,
                          .a_column = a_column,
                          .start = start ? start + j : NULL,
                          .start_row = start_row,
                          .c = c + j,
                          .c_row = c_row,
                          .ahead = plan.ahead};
        int64_t done = 0;
        do {
            strip.k = nnc_least(k - done, plan.k_block);
            strip.a = a + done * a_column;
            strip.b = b + done * b_row + j * b_column;
            strip.b_row = b_row;
            strip.b_panel = TILE_COLUMNS;
            int64_t rows = m;
            if (plan.packs_b) rows = F(pack_block)(m, &strip, b_row, b_column, packed_b);
            F(fetch_nothing)(&strip);
            if (plan.fetches_a) { /* F(fetch) sees a as (k, m) */
                F(fetch)(&strip, strip.a + TILE_ROWS * a_row, a_column, a_row);
                strip.fetch_strip = a_row;
            }
            if (plan.packs_a) F(packed_strips)(rows, strip, packed_a);
            else F(strips)(rows, strip);
            strip.c = c + j;
            strip.start = strip.c;
            strip.start_row = c_row;
            done += strip.k;
        } while (done < k);
    }
}

#if KEEPS_A
/* packed (m, k) = a, whose rows or columns are contiguous. Rows of `packed` are packed_row apart, a multiple of LANES, and at least k. */
static void F(pack_rows)(int64_t m, int64_t k, const T *a, int64_t a_row, int64_t a_column, T *packed, int64_t packed_row) {
    if (a_column == 1) {
        F(copy)(m, k, a, a_row, packed, packed_row);
        return;
    }
    for (int64_t p = 0; p < k; p += LANES)
        for (int64_t i = 0; i < m; i += LANES) {
            const T *from = a + i * a_row + p * a_column;
            T *to = packed + i * packed_row + p;
            int64_t rows = nnc_least(m - i, LANES), columns = nnc_least(k - p, LANES);
            if (rows == LANES && columns == LANES) F(transpose_square)(from, a_column, to, packed_row);
            else F(transpose_part)(columns, rows, from, a_column, to, packed_row);
        }
}

/* The product for several blocks of columns. For each block of k, some rows of a are packed once, and stay packed for all blocks of
 * columns. n is a multiple of LANES. */
static __attribute__((noinline)) void F(kept_rows)(F(plan) plan, T *room, PRODUCT) {
    T *packed_b = room, *packed_a = room + L2_SHARE / sizeof(T); /* (plan.k_block, plan.n_block) in panels, (m_block, packed_row) */
    int64_t m_block = F(even_part)(m, KEPT_ROWS), packed_row = (plan.k_block + LANES - 1) / LANES * LANES;
    for (int64_t i = 0; i < m; i += m_block) {
        int64_t rows = nnc_least(m - i, m_block);
        for (int64_t done = 0; done < k; done += plan.k_block) {
            int64_t height = nnc_least(k - done, plan.k_block);
            F(pack_rows)(rows, height, a + i * a_row + done * a_column, a_row, a_column, packed_a, packed_row);
            for (int64_t j = 0; j < n; j += plan.n_block) {
                F(strip) strip = {.n = nnc_least(n - j, plan.n_block),
                                  .k = height,
                                  .a = packed_a,
                                  .a_row = packed_row,
                                  .a_column = 1,
                                  .b = b + done * b_row + j * b_column,
                                  .b_row = b_row,
                                  .c = c + i * c_row + j,
                                  .c_row = c_row};
                strip.start = done > 0 ? strip.c : start != NULL ? start + i * start_row + j : NULL;
                strip.start_row = done > 0 ? c_row : start_row;
                int64_t left = F(pack_block)(rows, &strip, b_row, b_column, packed_b);
                F(fetch_nothing)(&strip);
                F(strips)(left, strip);
            }
        }
    }
}

_Static_assert(L2_SHARE + KEPT_ROWS * K_BLOCK * sizeof(T) <= NNC_GEMM_ROOM_BYTES, "a block of b and the rows that are kept fit together");
#endif

/* The product for few rows and a b that does not fit the level-2 cache. For each block of k, a is packed once. Each panel of b is packed
 * right before all rows use it, and the first strip of the previous panel prefetches it. The product needs n a multiple of LANES, and an
 * a that is not transposed. */
static __attribute__((noinline)) void F(panels)(T *room, PRODUCT) {
    T *packed_b = room, *packed_a = room + K_BLOCK * TILE_COLUMNS; /* (K_BLOCK, TILE_COLUMNS), (m, K_BLOCK) */
    int64_t k_block = F(even_part)(k, K_BLOCK);
    for (int64_t done = 0; done < k; done += k_block) {
        F(strip) strip = {.k = nnc_least(k - done, k_block), .a = packed_a, .a_column = 1, .b = packed_b, .c_row = c_row};
        strip.a_row = strip.k;
        F(copy)(m, strip.k, a + done * a_column, a_row, packed_a, strip.a_row);
        for (int64_t j = 0; j < n; j += TILE_COLUMNS) {
            const T *panel = b + done * b_row + j * b_column;
            strip.n = nnc_least(n - j, TILE_COLUMNS);
            F(pack)(strip.k, strip.n, panel, b_row, b_column, packed_b);
            strip.b_row = F(packed_width)(strip.n);
            F(fetch)(&strip, j + TILE_COLUMNS < n ? panel + TILE_COLUMNS * b_column : b + (done + strip.k) * b_row, b_row, b_column);
            strip.c = c + j;
            strip.start = done > 0 ? strip.c : start != NULL ? start + j : NULL;
            strip.start_row = done > 0 ? c_row : start_row;
            F(strips)(m, strip);
        }
    }
}

_Static_assert((PANEL_ROWS + TILE_COLUMNS) * K_BLOCK * sizeof(T) <= NNC_GEMM_ROOM_BYTES, "a panel of b and what meets it fit together");
_Static_assert(L2_SHARE + A_STRIPS * TILE_ROWS * K_BLOCK * sizeof(T) <= NNC_GEMM_ROOM_BYTES, "blocks of b and of a fit together");
_Static_assert(TILE_COLUMNS * sizeof(T) <= STACK_SHARE, "a row of a panel fits");

/* Separate functions, so that only a product that packs on the stack reserves stack memory. */
static __attribute__((noinline)) void F(blocks_in_room)(F(plan) plan, T *room, PRODUCT) {
    T *packed_a = room != NULL ? room + L2_SHARE / sizeof(T) : NULL;
    F(blocks)(plan, packed_a, room, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
}

static __attribute__((noinline)) void F(blocks_on_stack)(F(plan) plan, PRODUCT) {
    T packed_b[STACK_SHARE / sizeof(T)];
    F(blocks)(plan, NULL, packed_b, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
}

/* Multiplies without packing: a and b are read in place, in one block. */
NNC_INLINE void F(as_they_lie)(int64_t ahead, PRODUCT) {
    F(strip) strip = {.n = n,
                      .k = k,
                      .a = a,
                      .a_row = a_row,
                      .a_column = a_column,
                      .b = b,
                      .b_row = b_row,
                      .b_panel = TILE_COLUMNS,
                      .start = start,
                      .start_row = start_row,
                      .c = c,
                      .c_row = c_row,
                      .ahead = ahead};
    (void)b_column;
    F(fetch_nothing)(&strip);
    F(strips)(m, strip);
}

/* Runs a plan. A thread without a room packs smaller blocks, on its stack. The result has the same bits. */
NNC_INLINE void F(run_plan)(F(plan) plan, PRODUCT) {
    if (!plan.packs_a && !plan.packs_b && plan.n_block >= n && plan.k_block >= k) {
        F(as_they_lie)(plan.ahead, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
        return;
    }
    int64_t panels = (plan.n_block + TILE_COLUMNS - 1) / TILE_COLUMNS, width = plan.n_block > LANES ? panels * TILE_COLUMNS : LANES;
    int fits = plan.packs_b && !plan.packs_a && nnc_least(plan.k_block, k) * width * (int64_t)sizeof(T) <= STACK_SHARE;
    T *room = NULL;
    if ((plan.packs_a || plan.packs_b) && !fits && (room = gemm_room) == NULL) {
        plan = (F(plan)){.n_block = TILE_COLUMNS, .k_block = STACK_SHARE / (TILE_COLUMNS * (int64_t)sizeof(T)), .packs_b = 1};
        fits = 1;
    }
    if (fits) F(blocks_on_stack)(plan, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
    else F(blocks_in_room)(plan, room, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
}

/* tile (n, TILE_COLUMNS) = start (m, n) transposed. */
static __attribute__((noinline)) void F(turn_start)(int64_t n, int64_t m, const T *start, int64_t start_row, T *tile) {
    for (int64_t j = 0; j < n; j++)
        for (int64_t r = 0; r < m; r++) tile[j * TILE_COLUMNS + r] = start[r * start_row + j];
}

/* The product for few columns, n < LANES, and a transposed a, a_row == 1. It computes c^T = b^T . a^T, whose vectors are full. m is a
 * multiple of LANES. */
static __attribute__((noinline)) void F(transposed_product)(PRODUCT) {
    T tile[NNC_VECTOR_BYTES / sizeof(T)][2 * NNC_VECTOR_BYTES / sizeof(T)]; /* (n, TILE_COLUMNS) of c^T */
    T rows_of_c[NNC_VECTOR_BYTES / sizeof(T)][NNC_VECTOR_BYTES / sizeof(T)];
    for (int64_t i = 0; i < m; i += TILE_COLUMNS) {
        F(strip) strip = {.n = nnc_least(m - i, TILE_COLUMNS),
                          .k = k,
                          .a = b,
                          .a_row = b_column,
                          .a_column = b_row,
                          .b = a + i * a_row,
                          .fetch = a + i * a_row,
                          .b_row = a_column,
                          .c = *tile,
                          .c_row = TILE_COLUMNS};
        if (start != NULL) {
            F(turn_start)(n, strip.n, start + i * start_row, start_row, *tile);
            strip.start = *tile;
            strip.start_row = TILE_COLUMNS;
        }
        F(strips)(n, strip);
        for (int64_t r = 0; r < strip.n; r++) {
            if (r % LANES == 0) F(transpose_part)(n, LANES, *tile + r, TILE_COLUMNS, *rows_of_c, LANES);
            F(store_partial)(c + (i + r) * c_row, *(const V *)rows_of_c[r % LANES], n);
        }
    }
}

#if TURNS_FEW_ROWS
/* Elements of memory that turned_product needs: for a transposed, and for some rows of c^T. */
NNC_INLINE int64_t F(turned_elements)(int64_t m, int64_t k) {
    return (m + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS * (k + TURNED_COLUMNS);
}

/* The product for a transposed b, b_row == 1, and few rows. c^T = b^T . a^T reads b in place; a and c are transposed instead. n is a
 * multiple of LANES. */
static __attribute__((noinline)) void F(turned_product)(T *room, PRODUCT) {
    int64_t width = F(packed_width)(m), panels = (m + width - 1) / width, k_block = F(even_part)(k, K_BLOCK);
    T *turned_c = room + panels * width * k; /* (panels, TURNED_COLUMNS, TILE_COLUMNS), some rows of c^T */
    F(pack)(k, m, a, a_column, a_row, room); /* (panels, k, width) */
    for (int64_t j = 0; j < n; j += TURNED_COLUMNS) {
        int64_t columns = nnc_least(n - j, TURNED_COLUMNS);
        for (int64_t done = 0; done < k; done += k_block)
            for (int64_t i = 0; i < panels; i++) {
                F(strip) strip = {.n = width,
                                  .k = nnc_least(k - done, k_block),
                                  .a = b + j * b_column + done * b_row,
                                  .a_row = b_column,
                                  .a_column = b_row,
                                  .b = room + (i * k + done) * width,
                                  .b_row = width,
                                  .c = turned_c + i * TURNED_COLUMNS * TILE_COLUMNS,
                                  .c_row = TILE_COLUMNS};
                if (done == 0 && start != NULL)
                    F(turn_start)(columns, nnc_least(m - i * width, width), start + i * width * start_row + j, start_row, strip.c);
                if (done > 0 || start != NULL) {
                    strip.start = strip.c;
                    strip.start_row = TILE_COLUMNS;
                }
                F(strips)(columns, strip);
            }
        for (int64_t i = 0; i < m; i += LANES) {
            const T *from = turned_c + i / width * TURNED_COLUMNS * TILE_COLUMNS + i % width;
            for (int64_t q = 0; q < columns; q += LANES, from += LANES * TILE_COLUMNS) {
                T *to = c + i * c_row + j + q;
                if (m - i >= LANES) F(transpose_square)(from, TILE_COLUMNS, to, c_row);
                else F(transpose_part)(LANES, m - i, from, TILE_COLUMNS, to, c_row);
            }
        }
    }
}
#endif

/* The product for n a multiple of LANES. */
NNC_INLINE void F(whole_vectors)(PRODUCT) {
    if (FETCHES && m > TILE_ROWS && m <= (b_column == 1 ? PANEL_ROWS : PANEL_ROWS / 3) && a_column == 1 &&
        k * n * (int64_t)sizeof(T) > FAR && gemm_room != NULL) {
        F(panels)(gemm_room, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
        return;
    }
#if TURNS_FEW_ROWS
    if (b_column != 1 && a_column == 1 && m > TILE_ROWS && m * (n + k) < n * k && gemm_room != NULL &&
        F(turned_elements)(m, k) * (int64_t)sizeof(T) <= TURNED_SHARE) {
        F(turned_product)(gemm_room, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
        return;
    }
#endif
    F(plan) plan = m <= TILE_ROWS ? F(plan_strip)(m, n, k, b_row, b_column) : F(plan_strips)(m, n, k, a_row, a_column, b_row, b_column);
#if KEEPS_A
    if (plan.keeps_a && gemm_room != NULL) {
        F(kept_rows)(plan, gemm_room, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
        return;
    }
#endif
    F(run_plan)(plan, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
}

#if defined(__AVX512F__)
#    include "gemm_quads.h"
#endif

/* The product for n < LANES. b is packed, so that its rows can be read as whole vectors. It is read in place if the level has masked
 * loads and b fits the level-1 cache. */
NNC_INLINE void F(part_of_vector)(PRODUCT) {
    if (NNC_READS_PARTS && b_column == 1 && k * b_row * (int64_t)sizeof(T) <= L1_SHARE) {
        F(as_they_lie)(0, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
        return;
    }
    F(plan) plan = {.n_block = LANES, .k_block = K_BLOCK, .packs_b = 1};
    F(run_plan)(plan, m, n, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
}

#include "gemm_small.h"

NNC_DECLARE_GEMM(T, F(gemm)) {
#if NNC_MAKES_BF16
    if (sizeof(T) == sizeof(float) && k >= NNC_BF16_TERMS && gemm_rounds != NNC_IS_EXACT) {
        gemm_rounds = NNC_HAS_ROUNDED;
        gemm_bf16(m, n, k, (const void *)a, a_row, a_column, (const void *)b, b_row, b_column, (const void *)start, start_row, (void *)c,
                  c_row);
        return;
    }
#endif
    if (k == 1 && b_column == 1) {
        F(outer_product)(m, n, a, a_row, b, start, start_row, c, c_row);
        return;
    }
    if (m == 1 && b_column == 1 && (NNC_READS_PARTS || n % LANES == 0)) {
        F(row_product)(n, k, a, a_column, b, b_row, start, c);
        return;
    }
    if (m == 1 && b_column != 1 && k * n <= SMALL_TURNED) {
        F(row_by_turned)(n, k, a, a_column, b, b_row, b_column, start, c);
        return;
    }
    int64_t whole = n - n % LANES, rest = n - whole;
    if (whole > 0) F(whole_vectors)(m, whole, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
    if (rest == 0) return;
    b += whole * b_column;
    c += whole;
    if (start != NULL) start += whole;
    int turns = a_row == 1 && (m <= TILE_COLUMNS || k > 2 * rest); /* transposing c back costs the same for each row, whatever k is */
    int64_t done = turns ? m - m % LANES : 0;
    if (done > 0) F(transposed_product)(done, rest, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
#if defined(__AVX512F__)
    if (rest <= QUAD && a_column == 1 && done == 0) {
        done = m - m % QUAD_STRIP;
        if (done > 0) F(quad_product)(done, rest, k, a, a_row, a_column, b, b_row, b_column, start, start_row, c, c_row);
    }
#endif
    if (done == m) return;
    if (start != NULL) start += done * start_row;
    F(part_of_vector)(m - done, rest, k, a + done * a_row, a_row, a_column, b, b_row, b_column, start, start_row, c + done * c_row, c_row);
}

#endif
