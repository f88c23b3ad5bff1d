/* Convolution as a matrix product (im2col). Some windows of an image at a time are copied side by side into `work`, and multiplied by
 * the weights with the host's gemm. Parameters: W (size of a window, n_filters), then b (n_filters,) if there are two tensors. Gradients
 * are split between rows of W. */
#ifndef T
#include <string.h>

#include "nncore/plugin.h"
#include "windows.h"

/* The plan's numbers: the windows, then how many are copied at a time. */
static windows windows_of(const nnc_layer_call *call) {
    windows w;
    memcpy(&w, call->site->numbers, sizeof w);
    return w;
}

static int64_t at_once(const nnc_layer_call *call) { return call->site->numbers[sizeof(windows) / sizeof(int64_t)]; }

#include "nncore/float32.h"
#include "conv.c"
#include "nncore/float64.h"
#include "conv.c"

const nnc_layer nncore_conv_conv = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = conv_forward_f32,
    .forward_f64 = conv_forward_f64,
    .backward_f32 = conv_backward_f32,
    .backward_f64 = conv_backward_f64,
    .gradient_f32 = conv_gradient_f32,
    .gradient_f64 = conv_gradient_f64,
};

#else

/* Copies n numbers. A row of a window is a few numbers; four are one move. */
static inline void F(copy)(T *to, const T *from, int64_t n) {
    int64_t j = 0;
    for (; j + 4 <= n; j += 4) memcpy(to + j, from + j, 4 * sizeof(T));
    for (; j < n; j++) to[j] = from[j];
}

/* Copies numbers begin .. end - 1 of windows first .. last - 1 of an image to `to` (last - first, end - begin). Numbers outside of the
 * image are 0. */
static void F(copy_windows)(const T *image, const windows *w, int64_t first, int64_t last, int64_t begin, int64_t end, T *to) {
    int64_t row_size = w->window_width * w->channels;
    for (int64_t p = first; p < last; p++) {
        int64_t x = p % w->n_columns * w->stride_x - w->left, y = p / w->n_columns * w->stride_y - w->top;
        int64_t inside = larger(0, -x) * w->channels, outside = smaller(w->window_width, w->width - x) * w->channels; /* in a window row */
        for (int64_t i = begin / row_size; i * row_size < end; i++) {
            int64_t from = larger(begin, i * row_size), until = smaller(end, (i + 1) * row_size);
            int64_t here = from, there = from; /* what lies in the image */
            if (y + i >= 0 && y + i < w->height) {
                here = smaller(larger(from, i * row_size + inside), until);
                there = larger(smaller(until, i * row_size + outside), here);
            }
            for (int64_t j = from; j < here; j++) *to++ = 0;
            F(copy)(to, image + ((y + i) * w->width + x) * w->channels + (here - i * row_size), there - here);
            to += there - here;
            for (int64_t j = there; j < until; j++) *to++ = 0;
        }
    }
}

static int32_t F(conv_forward)(const nnc_layer_call *call) {
    windows w = windows_of(call);
    int64_t size = w.window_height * w.window_width * w.channels, count = w.n_rows * w.n_columns, step = at_once(call);
    int64_t n_filters = call->site->output_shape[call->site->n_output_dims - 1];
    nnc_gemm_call product = {.struct_size = sizeof product,
                             .a = call->site->work,
                             .b = call->tensors[0],
                             .start = call->n_tensors > 1 ? call->tensors[1] : NULL,
                             .n = n_filters,
                             .k = size,
                             .a_stride = size,
                             .b_stride = n_filters,
                             .c_stride = n_filters};
    for (int64_t row = 0; row < call->n_rows; row++)
        for (int64_t first = 0; first < count; first += step) {
            product.m = smaller(step, count - first);
            product.c = (T *)call->y + row * call->n_outputs + first * n_filters;
            F(copy_windows)((const T *)call->x + row * call->n_inputs, &w, first, first + product.m, 0, size, call->site->work);
            call->site->host->F(gemm)(&product);
        }
    return 0;
}

/* d_window = d_y . W^T, added to the pixels that the window sees. */
static int32_t F(conv_backward)(const nnc_layer_call *call) {
    windows w = windows_of(call);
    int64_t size = w.window_height * w.window_width * w.channels, count = w.n_rows * w.n_columns, step = at_once(call);
    int64_t row_size = w.window_width * w.channels, n_filters = call->site->output_shape[call->site->n_output_dims - 1];
    nnc_gemm_call product = {.struct_size = sizeof product,
                             .b = call->tensors[0],
                             .c = call->site->work,
                             .n = size,
                             .k = n_filters,
                             .a_stride = n_filters,
                             .b_stride = n_filters,
                             .c_stride = size,
                             .b_transposed = 1};
    memset(call->d_x, 0, (size_t)(call->n_rows * call->n_inputs) * sizeof(T));
    for (int64_t row = 0; row < call->n_rows; row++)
        for (int64_t first = 0; first < count; first += step) {
            product.m = smaller(step, count - first);
            product.a = (const T *)call->d_y + row * call->n_outputs + first * n_filters;
            call->site->host->F(gemm)(&product);
            for (int64_t p = first; p < first + product.m; p++) {
                const T *d_window = (const T *)call->site->work + (p - first) * size;
                int64_t x = p % w.n_columns * w.stride_x - w.left, y = p / w.n_columns * w.stride_y - w.top;
                int64_t inside = larger(0, -x) * w.channels, outside = smaller(w.window_width, w.width - x) * w.channels;
                for (int64_t i = larger(0, -y); i < smaller(w.window_height, w.height - y); i++) {
                    T *d_pixels = (T *)call->d_x + row * call->n_inputs + ((y + i) * w.width + x) * w.channels;
                    for (int64_t j = inside; j < outside; j++) d_pixels[j] += d_window[i * row_size + j];
                }
            }
        }
    return 0;
}

/* Some rows of d_W = windows^T . d_y, and d_b = the sums of d_y. It sums all windows of all images in their order, whatever the range. */
static int32_t F(conv_gradient)(const nnc_layer_call *call) {
    windows w = windows_of(call);
    int64_t size = w.window_height * w.window_width * w.channels, count = w.n_rows * w.n_columns, step = at_once(call);
    int64_t n_filters = call->site->output_shape[call->site->n_output_dims - 1];
    int64_t begin = call->begin_parameter / n_filters, end = call->end_parameter / n_filters, n = smaller(end, size) - begin;
    T *d_bias = (T *)call->d_parameters + (size - begin) * n_filters;
    nnc_gemm_call product = {.struct_size = sizeof product,
                             .a = call->site->work,
                             .start = call->d_parameters,
                             .c = call->d_parameters,
                             .m = n,
                             .n = n_filters,
                             .a_stride = n,
                             .b_stride = n_filters,
                             .start_stride = n_filters,
                             .c_stride = n_filters,
                             .a_transposed = 1};
    memset(call->d_parameters, 0, (size_t)(call->end_parameter - call->begin_parameter) * sizeof(T));
    for (int64_t row = 0; row < call->n_rows; row++) {
        const T *d_y = (const T *)call->d_y + row * call->n_outputs; /* (count, n_filters) */
        for (int64_t first = 0; first < count && n > 0; first += step) {
            product.k = smaller(step, count - first);
            product.b = d_y + first * n_filters;
            F(copy_windows)((const T *)call->x + row * call->n_inputs, &w, first, first + product.k, begin, begin + n, call->site->work);
            call->site->host->F(gemm)(&product);
        }
        for (int64_t p = 0; p < count && end > size; p++)
            for (int64_t j = 0; j < n_filters; j++) d_bias[j] += d_y[p * n_filters + j];
    }
    return 0;
}

#endif
