/* y = scale (sum over k of (q - zero) w) + b, with q = round(x / input_scale) + zero, clamped to 0 .. 255. hyper: input_scale, zero,
 * use_bias. Buffers: scale (n_outputs,), b (n_outputs,) if use_bias is set, w (n_inputs, n_outputs) int8. For prediction only. */
#ifndef T
#include "../_core/kernels/gemm_int8.h"

/* Quantises inputs to 8 bits, (n_rows, k) with rows of `padded` numbers: q as bytes, or q - zero as int16. Adding and subtracting
 * `whole` rounds to integers, ties to even. NaN becomes 0. */
#define DEFINE_QUANTIZE(linkage, name, Q, shift, whole)                                                          \
    linkage void F(name)(const T *x, int64_t n_rows, int64_t k, T inverse, int32_t zero, Q *q, int64_t padded) { \
        T low = (T) - zero, high = (T)(255 - zero);                                                              \
        for (int64_t i = 0; i < n_rows; i++, x += k, q += padded) {                                              \
            for (int64_t j = 0; j < k; j++) {                                                                    \
                T t = x[j] * inverse;                                                                            \
                t = t > low ? t : low;                                                                           \
                t = t < high ? t : high;                                                                         \
                q[j] = (Q)((int32_t)((t + (T)(whole)) - (T)(whole)) + (shift));                                  \
            }                                                                                                    \
            for (int64_t j = k; j < padded; j++) q[j] = 0;                                                       \
        }                                                                                                        \
    }

#include "nncore/float32.h"
#define WHOLE 12582912.0f
#include "quantized_dense.c"
#undef WHOLE
#include "nncore/float64.h"
#define WHOLE 6755399441055744.0
#include "quantized_dense.c"
#undef WHOLE

const nnc_layer NNC_TABLE(layer, quantized_dense) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = quantized_dense_forward_f32,
    .forward_f64 = quantized_dense_forward_f64,
};

#else

DEFINE_QUANTIZE(PAIRS_FUNCTION, quantize_pairs, int16_t, 0, WHOLE)
#if HAS_QUADS
DEFINE_QUANTIZE(static, quantize_quads, uint8_t, zero, WHOLE)
#endif

/* y = scale sums + b for `columns` columns of some rows. Rows of sums are `width` apart. */
static void F(scale_sums)(int64_t n_rows, int64_t columns, const int32_t *sums, int64_t width, const T *scale, const T *bias, T *y,
                          int64_t n) {
    for (int64_t i = 0; i < n_rows; i++, sums += width, y += n)
        for (int64_t j = 0; j < columns; j++) y[j] = (T)sums[j] * scale[j] + (bias != NULL ? bias[j] : 0);
}

#if HAS_ROW
/* y (n,) of one row, with weights as they lie; n is at least FEW_COLUMNS. The last block begins with columns of the one before. */
PAIRS_FUNCTION void F(one_row)(int64_t k, const int16_t *q, const int8_t *weight, int64_t n, int32_t *sums, const T *scale, const T *bias,
                               T *y) {
    for (int64_t first = 0, columns; first < n; first += columns) {
        columns = n - first < ROW_COLUMNS ? FEW_COLUMNS : ROW_COLUMNS;
        int64_t at = nnc_least(first, n - columns);
        multiply_row(columns, k, q, weight + at, n, sums);
        F(scale_sums)(1, columns, sums, columns, scale + at, bias == NULL ? NULL : bias + at, y + at, n);
    }
}
#endif

/* y of rows `first_row` to `end_row` - 1. */
static void F(some_rows)(const nnc_layer_call *call, int quads, int64_t first_row, int64_t end_row) {
    int64_t n_rows = end_row - first_row, k = call->n_inputs, n = call->n_outputs, padded = (k + 3) / 4 * 4;
    const double *hyper = call->site->hyper;
    T inverse = (T)(1 / hyper[0]);
    int32_t zero = (int32_t)hyper[1];
    const T *x = (const T *)call->x + first_row * k;
    T *y = (T *)call->y + first_row * n;
    const T *scale = call->buffers, *bias = hyper[2] != 0 ? scale + n : NULL;    /* (n,) */
    const int8_t *weight = (const int8_t *)(scale + (bias != NULL ? 2 : 1) * n); /* (k, n) */
    char *work = (char *)call->site->work, *panel = work + (64 - (uintptr_t)work % 64) % 64;
    int32_t *start = (int32_t *)(panel + PANEL_BYTES(padded)), *sums = start + QUAD_COLUMNS;
    void *q = (char *)start + SUM_BYTES; /* (n_rows, padded) */
    int64_t width = quads ? QUAD_COLUMNS : PAIR_COLUMNS, most = quads ? QUAD_ROWS : FEW_ROWS;
    int64_t rows = n_rows >= most ? most : n_rows >= FEW_ROWS ? FEW_ROWS : 1; /* the last block overlaps the previous one */
#if HAS_QUADS
    if (quads) F(quantize_quads)(x, n_rows, k, inverse, zero, q, padded);
    else
#endif
        F(quantize_pairs)(x, n_rows, k, inverse, zero, q, padded);
#if HAS_ROW
    if (!quads && n_rows < FEW_ROWS && n >= FEW_COLUMNS) {
        for (int64_t i = 0; i < n_rows; i++) F(one_row)(k, (int16_t *)q + i * padded, weight, n, sums, scale, bias, y + i * n);
        return;
    }
#endif
    for (int64_t first = 0; first < n; first += width) {
#if HAS_QUADS
        if (quads) start_quads(weight, k, n, first, zero, (int8_t *)panel, start);
        else
#endif
            pack_panel(2, PAIR_COLUMNS, weight, k, n, first, panel);
        for (int64_t i = 0; i < n_rows; i += rows) {
            int64_t at = nnc_least(i, n_rows - rows);
#if HAS_QUADS
            if (quads) multiply_quads(rows, padded / 4, (uint8_t *)q + at * padded, padded, (int8_t *)panel, start, sums);
            else
#endif
                multiply_pairs(rows, padded / 2, (int16_t *)q + at * padded, padded, (int16_t *)panel, sums);
            F(scale_sums)(rows, nnc_least(n - first, width), sums, width, scale + first, bias == NULL ? NULL : bias + first,
                          y + at * n + first, n);
        }
    }
}

static int32_t F(quantized_dense_forward)(const nnc_layer_call *call) {
    int64_t padded = (call->n_inputs + 3) / 4 * 4;
    int quads = has_quads();
    int64_t at_once = quads ? call->n_rows : PAIR_BLOCK / ROW_BYTES(padded) / FEW_ROWS * FEW_ROWS;
    if (at_once < LEAST_ROWS) at_once = LEAST_ROWS;
    for (int64_t first = 0; first < call->n_rows; first += at_once)
        F(some_rows)(call, quads, first, nnc_least(first + at_once, call->n_rows));
    return 0;
}

#endif
