/* e(x) = x v + c + PLE(x) . V for some columns of x; the others come first in y. Parameters: v (m, w), c (m, w), V (m, most, w). Gradients
 * are split between rows of w numbers.
 *
 * hyper: m, and most, the largest number of bins. Then for each of the m columns its number, its number of bins, and most + 1 edges. Then
 * all columns again, in ascending order.
 *
 * PLE(x) is 1 in the bins below that of x, and 0 in those above. So prefix sums V_0 + V_1 + ... are computed once for many rows, and a
 * row adds the prefix sum below its own bin. In the gradient, d_y of a row counts for all these bins: by a suffix sum over bins, from
 * the last to the first. */
#ifndef T
#include <string.h>

#include "../_core/kernels/level.h"

/* Rows that are computed together; they are also the rows of a partial sum of gradients. Outputs of a column that are computed together.
 * Numbers in a table of sums of bins, at least STRIP. */
#define AT_ONCE 128
#define STRIP 256
#define TABLE 512

typedef struct embedded {
    int64_t column, n_bins;
    const double *edges;
} embedded;

static embedded embedded_at(const nnc_layer_call *call, int64_t k) {
    const double *h = call->site->hyper, *one = h + 2 + k * ((int64_t)h[1] + 3);
    return (embedded){(int64_t)one[0], (int64_t)one[1], one + 2};
}

/* The stretch of columns before the s-th that is embedded, in ascending order: first .. *end - 1. */
static int64_t stretch(const nnc_layer_call *call, int64_t s, int64_t *end) {
    const double *h = call->site->hyper;
    int64_t m = (int64_t)h[0];
    const double *columns = h + 2 + m * ((int64_t)h[1] + 3);
    *end = s < m ? (int64_t)columns[s] : call->n_inputs;
    return s > 0 ? (int64_t)columns[s - 1] + 1 : 0;
}

#include "nncore/float32.h"
#include "piecewise_linear_embedding.c"
#include "nncore/float64.h"
#include "piecewise_linear_embedding.c"

const nnc_layer NNC_TABLE(layer, piecewise_linear_embedding) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = ple_forward_f32,
    .forward_f64 = ple_forward_f64,
    .backward_f32 = ple_backward_f32,
    .backward_f64 = ple_backward_f64,
    .gradient_f32 = ple_gradient_f32,
    .gradient_f64 = ple_gradient_f64,
};

#else

/* The bin of x. Sets *u to the position of x in it, 0 to 1, or beyond that in the first and the last bin. Sets *slope to 1 / width of
 * the bin. */
static inline int64_t F(bin_of)(const embedded *one, T x, T *u, T *slope) {
    const double *edges = one->edges;
    int64_t bin = 0;
    for (int64_t left = one->n_bins, half; left > 1; left -= half) {
        half = left / 2;
        bin += (T)edges[bin + half] <= x ? half : 0;
    }
    T low = (T)edges[bin];
    *slope = 1 / ((T)edges[bin + 1] - low);
    *u = (x - low) * *slope;
    return bin;
}

/* y += the prefix sum of the rows of V (n_bins, w) before the bin of x, plus u times the row of that bin, for rows of one column. */
static void F(add_bins)(const embedded *one, const T *bin_weight, const T *x, int64_t stride_x, T *y, int64_t stride_y, int64_t n_rows,
                        int64_t w) {
    T sums[TABLE], sum[STRIP], u[AT_ONCE], slope;
    int64_t bins[AT_ONCE];
    for (int64_t row = 0; row < n_rows; row++) bins[row] = F(bin_of)(one, x[row * stride_x], u + row, &slope);
    for (int64_t first = 0, width; first < w; first += width) {
        width = nnc_least(w - first, STRIP);
        for (int64_t i = 0; i < width; i++) sum[i] = 0;
        for (int64_t begin = 0, end; begin < one->n_bins; begin = end) {
            end = nnc_least(begin + TABLE / width, one->n_bins);
            const T *V = bin_weight + first;
            for (int64_t bin = begin; bin < end; bin++) {
                T *to = sums + (bin - begin) * width;
                for (int64_t i = 0; i < width; i++) to[i] = sum[i];
                for (int64_t i = 0; i < width; i++) sum[i] += V[bin * w + i];
            }
            for (int64_t row = 0; row < n_rows; row++) {
                if (bins[row] < begin || bins[row] >= end) continue;
                const T *before = sums + (bins[row] - begin) * width, *own = V + bins[row] * w;
                T *to = y + row * stride_y + first, part = u[row];
                for (int64_t i = 0; i < width; i++) to[i] += F(nnc_fma)(part, own[i], before[i]);
            }
        }
    }
}

static int32_t F(ple_forward)(const nnc_layer_call *call) {
    int64_t m = (int64_t)call->site->hyper[0], most = (int64_t)call->site->hyper[1], n_inputs = call->n_inputs, n = call->n_outputs;
    int64_t w = (n - (n_inputs - m)) / m;
    const T *v = call->parameters, *c = v + m * w, *bin_weight = c + m * w, *inputs = call->x;
    T *outputs = call->y;
    for (int64_t row = 0; row < call->n_rows; row++) {
        const T *x = inputs + row * n_inputs;
        T *y = outputs + row * n;
        for (int64_t s = 0, end; s <= m; s++)
            for (int64_t i = stretch(call, s, &end); i < end; i++) *y++ = x[i];
    }
    for (int64_t k = 0; k < m; k++) {
        embedded one = embedded_at(call, k);
        for (int64_t row = 0, rows; row < call->n_rows; row += rows) {
            rows = nnc_least(call->n_rows - row, AT_ONCE);
            const T *x = inputs + row * n_inputs + one.column;
            T *y = outputs + row * n + n_inputs - m + k * w;
            for (int64_t r = 0; r < rows; r++)
                for (int64_t i = 0; i < w; i++) y[r * n + i] = F(nnc_fma)(x[r * n_inputs], v[k * w + i], c[k * w + i]);
            F(add_bins)(&one, bin_weight + k * most * w, x, n_inputs, y, n, rows, w);
        }
    }
    return 0;
}

static int32_t F(ple_backward)(const nnc_layer_call *call) {
    int64_t m = (int64_t)call->site->hyper[0], most = (int64_t)call->site->hyper[1], n_inputs = call->n_inputs, n = call->n_outputs;
    int64_t w = (n - (n_inputs - m)) / m;
    const T *v = call->parameters, *bin_weight = v + 2 * m * w;
    for (int64_t row = 0; row < call->n_rows; row++) {
        const T *x = (const T *)call->x + row * n_inputs, *d_y = (const T *)call->d_y + row * n;
        T *d_x = (T *)call->d_x + row * n_inputs, u, slope;
        for (int64_t s = 0, end; s <= m; s++)
            for (int64_t i = stretch(call, s, &end); i < end; i++) d_x[i] = *d_y++;
        for (int64_t k = 0; k < m; k++, d_y += w) {
            embedded one = embedded_at(call, k);
            const T *own = bin_weight + (k * most + F(bin_of)(&one, x[one.column], &u, &slope)) * w;
            T sum = 0, dot = 0;
            for (int64_t i = 0; i < w; i++) sum += d_y[i] * v[k * w + i];
            for (int64_t i = 0; i < w; i++) dot += d_y[i] * own[i];
            d_x[one.column] = sum + dot * slope;
        }
    }
    return 0;
}

/* to (w,) += the sum over rows of d_y times x, or of d_y if x is NULL. */
static void F(sum_products)(const T *x, int64_t stride_x, const T *d_y, int64_t stride_y, int64_t n_rows, int64_t w, T *to) {
    for (int64_t first = 0, width; first < w; first += width) {
        width = nnc_least(w - first, STRIP);
        for (int64_t begin = 0, end; begin < n_rows; begin = end) {
            end = nnc_least(begin + AT_ONCE, n_rows);
            T sum[STRIP] = {0};
            for (int64_t row = begin; row < end; row++) {
                T number = x == NULL ? 1 : x[row * stride_x];
                for (int64_t i = 0; i < width; i++) sum[i] = F(nnc_fma)(number, d_y[row * stride_y + first + i], sum[i]);
            }
            for (int64_t i = 0; i < width; i++) to[first + i] += sum[i];
        }
    }
}

/* to (last - least, w) += the gradients of rows least .. last - 1 of V, from at most AT_ONCE rows of one column. A row counts u in its
 * own bin, and 1 in the bins below. The suffix sums begin at the last bin, whatever `least` and `last` are. */
static void F(add_bin_gradients)(const embedded *one, int64_t least, int64_t last, const T *x, int64_t stride_x, const T *d_y,
                                 int64_t stride_y, int64_t n_rows, int64_t w, T *to) {
    T in_bin[TABLE], through[TABLE], behind[STRIP], u[AT_ONCE], slope;
    int64_t bins[AT_ONCE];
    for (int64_t row = 0; row < n_rows; row++) bins[row] = F(bin_of)(one, x[row * stride_x], u + row, &slope);
    for (int64_t first = 0, width; first < w; first += width) {
        width = nnc_least(w - first, STRIP);
        for (int64_t i = 0; i < width; i++) behind[i] = 0;
        for (int64_t end = one->n_bins, begin; end > least; end = begin) {
            begin = end - nnc_least(TABLE / width, end - least);
            memset(in_bin, 0, (size_t)((end - begin) * width) * sizeof(T));
            memset(through, 0, (size_t)((end - begin) * width) * sizeof(T));
            for (int64_t row = 0; row < n_rows; row++) {
                if (bins[row] < begin || bins[row] >= end) continue;
                const T *from = d_y + row * stride_y + first;
                T *all = in_bin + (bins[row] - begin) * width, *part = through + (bins[row] - begin) * width;
                for (int64_t i = 0; i < width; i++) all[i] += from[i];
                for (int64_t i = 0; i < width; i++) part[i] = F(nnc_fma)(u[row], from[i], part[i]);
            }
            for (int64_t bin = end - 1; bin >= begin; bin--) {
                const T *all = in_bin + (bin - begin) * width, *part = through + (bin - begin) * width;
                if (bin < last)
                    for (int64_t i = 0; i < width; i++) to[(bin - least) * w + first + i] += part[i] + behind[i];
                for (int64_t i = 0; i < width; i++) behind[i] += all[i];
            }
        }
    }
}

/* Some rows of w gradients: each is a sum over samples of d_y times x, 1, or PLE(x) in its bin. */
static int32_t F(ple_gradient)(const nnc_layer_call *call) {
    int64_t m = (int64_t)call->site->hyper[0], most = (int64_t)call->site->hyper[1], n_inputs = call->n_inputs, n = call->n_outputs;
    int64_t w = (n - (n_inputs - m)) / m, end = call->end_parameter / w;
    T *to = call->d_parameters; /* (end_parameter - begin_parameter,) */
    memset(to, 0, (size_t)(call->end_parameter - call->begin_parameter) * sizeof(T));
    for (int64_t r = call->begin_parameter / w, next; r < end; to += (next - r) * w, r = next) {
        int64_t bin = r < 2 * m ? 0 : (r - 2 * m) % most, k = r < 2 * m ? r % m : (r - 2 * m) / most;
        embedded one = embedded_at(call, k);
        const T *x = (const T *)call->x + one.column, *d_y = (const T *)call->d_y + (n_inputs - m) + k * w;
        if (r < 2 * m) {
            next = r + 1;
            F(sum_products)(r < m ? x : NULL, n_inputs, d_y, n, call->n_rows, w, to);
            continue;
        }
        next = nnc_least(end, r - bin + most);
        int64_t last = nnc_least(bin + next - r, one.n_bins);
        for (int64_t row = 0; row < call->n_rows && bin < last; row += AT_ONCE)
            F(add_bin_gradients)(&one, bin, last, x + row * n_inputs, n_inputs, d_y + row * n, n, nnc_least(call->n_rows - row, AT_ONCE), w,
                                 to);
    }
    return 0;
}

#endif
