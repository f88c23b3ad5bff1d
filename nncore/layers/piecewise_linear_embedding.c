/* e(x) = x v + c + PLE(x) . V for some columns of x; the others come first in y. Parameters: v (m, w), c (m, w), V (m, most, w). hyper: m and
 * most, the largest number of bins; for each of the m columns its number, its number of bins, and most + 1 edges; and all columns again in
 * ascending order. A row of w numbers is the unit in which gradients are split. */
#ifndef T
#include <string.h>

#include "../_core/kernels/level.h"

/* Columns whose gradients are summed together through all rows; and rows that are summed by themselves, so that no sum is long. */
#define STRIP 256
#define SUM_ROWS 128

typedef struct embedded {
    int64_t column, n_bins;
    const double *edges;
} embedded;

static embedded embedded_at(const nnc_layer_call *call, int64_t k) {
    const double *h = call->site->hyper, *one = h + 2 + k * ((int64_t)h[1] + 3);
    return (embedded){(int64_t)one[0], (int64_t)one[1], one + 2};
}

/* The columns between the s-th that is embedded, in ascending order, and the one before: first .. end - 1. */
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
    NNC_HEAD(nnc_layer), ple_forward_f32, ple_forward_f64, ple_backward_f32, ple_backward_f64, ple_gradient_f32, ple_gradient_f64,
};

#else

/* How far x is through bin t: beyond the first and the last bin the line goes on. `slope` is the derivative. */
static inline T F(through)(const embedded *one, int64_t t, T x, T *slope) {
    T low = (T)one->edges[t], inverse = 1 / ((T)one->edges[t + 1] - low), u = (x - low) * inverse;
    *slope = inverse;
    if (t > 0 && u < 0) {
        *slope = 0;
        return 0;
    }
    if (t < one->n_bins - 1 && u >= 1) {
        *slope = 0;
        return 1;
    }
    return u;
}

static int32_t F(ple_forward)(const nnc_layer_call *call) {
    int64_t m = (int64_t)call->site->hyper[0], most = (int64_t)call->site->hyper[1], n_inputs = call->n_inputs, n = call->n_outputs;
    int64_t w = (n - (n_inputs - m)) / m;
    const T *v = call->parameters, *c = v + m * w, *bin_weight = c + m * w;
    for (int64_t row = 0; row < call->n_rows; row++) {
        const T *x = (const T *)call->x + row * n_inputs;
        T *y = (T *)call->y + row * n, slope;
        for (int64_t s = 0, end; s <= m; s++)
            for (int64_t i = stretch(call, s, &end); i < end; i++) *y++ = x[i];
        for (int64_t k = 0; k < m; k++, y += w) {
            embedded one = embedded_at(call, k);
            for (int64_t i = 0; i < w; i++) y[i] = x[one.column] * v[k * w + i] + c[k * w + i];
            for (int64_t t = 0; t < one.n_bins; t++) {
                T u = F(through)(&one, t, x[one.column], &slope);
                const T *weight = bin_weight + (k * most + t) * w;
                if (u == 0) continue;
                for (int64_t i = 0; i < w; i++) y[i] += u * weight[i];
            }
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
        T *d_x = (T *)call->d_x + row * n_inputs, slope;
        for (int64_t s = 0, end; s <= m; s++)
            for (int64_t i = stretch(call, s, &end); i < end; i++) d_x[i] = *d_y++;
        for (int64_t k = 0; k < m; k++, d_y += w) {
            embedded one = embedded_at(call, k);
            T sum = 0;
            for (int64_t i = 0; i < w; i++) sum += d_y[i] * v[k * w + i];
            for (int64_t t = 0; t < one.n_bins; t++) {
                F(through)(&one, t, x[one.column], &slope);
                const T *weight = bin_weight + (k * most + t) * w;
                if (slope == 0) continue;
                T dot = 0;
                for (int64_t i = 0; i < w; i++) dot += d_y[i] * weight[i];
                sum += dot * slope;
            }
            d_x[one.column] = sum;
        }
    }
    return 0;
}

/* To total (width,): the sums over rows begin .. end - 1 of d_y times x (kind 0), 1 (kind 1), or what PLE gives for bin t (kind 2). x and d_y
 * are those of the first row, stride_x and stride_y numbers apart. */
static void F(add_products)(const embedded *one, int kind, int64_t t, const T *x, int64_t stride_x, const T *d_y, int64_t stride_y,
                            int64_t width, int64_t begin, int64_t end, T *total) {
    T sum[STRIP] = {0}, slope;
    for (int64_t row = begin; row < end; row++) {
        T number = x[row * stride_x], u = kind == 0 ? number : kind == 1 ? 1 : F(through)(one, t, number, &slope);
        if (u == 0) continue;
        for (int64_t i = 0; i < width; i++) sum[i] += u * d_y[row * stride_y + i];
    }
    for (int64_t i = 0; i < width; i++) total[i] += sum[i];
}

/* Some rows of w numbers: each is a sum over samples of d_y times x, 1, or what PLE gives for its bin. */
static int32_t F(ple_gradient)(const nnc_layer_call *call) {
    int64_t m = (int64_t)call->site->hyper[0], most = (int64_t)call->site->hyper[1], n_inputs = call->n_inputs, n = call->n_outputs;
    int64_t w = (n - (n_inputs - m)) / m;
    T *to = call->d_parameters; /* (end_parameter - begin_parameter,) */
    memset(to, 0, (size_t)(call->end_parameter - call->begin_parameter) * sizeof(T));
    for (int64_t r = call->begin_parameter / w; r < call->end_parameter / w; r++, to += w) {
        int kind = r < m ? 0 : r < 2 * m ? 1 : 2;
        int64_t k = kind < 2 ? r % m : (r - 2 * m) / most, t = kind < 2 ? 0 : (r - 2 * m) % most;
        embedded one = embedded_at(call, k);
        if (t >= one.n_bins) continue;
        const T *x = (const T *)call->x + one.column, *d_y = (const T *)call->d_y + (n_inputs - m) + k * w;
        for (int64_t first = 0, width; first < w; first += width) {
            width = nnc_least(w - first, STRIP);
            for (int64_t begin = 0, end; begin < call->n_rows; begin = end) {
                end = nnc_least(begin + SUM_ROWS, call->n_rows);
                F(add_products)(&one, kind, t, x, n_inputs, d_y + first, n, width, begin, end, to + first);
            }
        }
    }
    return 0;
}

#endif
