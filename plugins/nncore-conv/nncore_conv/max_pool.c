/* y = the largest value of each window, channel by channel. Cache: which pixel of its window it is. */
#ifndef T
#include <string.h>

#include "nncore/plugin.h"
#include "windows.h"

#include "nncore/float32.h"
#include "max_pool.c"
#include "nncore/float64.h"
#include "max_pool.c"

const nnc_layer nncore_conv_max_pool = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = max_pool_forward_f32,
    .forward_f64 = max_pool_forward_f64,
    .backward_f32 = max_pool_backward_f32,
    .backward_f64 = max_pool_backward_f64,
};

#else

/* Where the window of output (i, j) begins in an image. */
static inline int64_t F(place)(const windows *w, int64_t i, int64_t j) {
    return (i * w->stride_y * w->width + j * w->stride_x) * w->channels;
}

static int32_t F(max_pool_forward)(const nnc_layer_call *call) {
    windows w;
    memcpy(&w, call->site->numbers, sizeof w);
    T *y = call->y, *which = call->cache; /* (n_rows, n_outputs) each; `which` is NULL if no backward follows */
    for (int64_t row = 0; row < call->n_rows; row++)
        for (int64_t i = 0; i < w.n_rows; i++)
            for (int64_t j = 0; j < w.n_columns; j++, y += w.channels) {
                const T *window = (const T *)call->x + row * call->n_inputs + F(place)(&w, i, j);
                for (int64_t c = 0; c < w.channels; c++) y[c] = window[c];
                if (which != NULL)
                    for (int64_t c = 0; c < w.channels; c++) which[c] = 0;
                for (int64_t k = 1; k < w.window_height * w.window_width; k++) {
                    const T *pixel = window + (k / w.window_width * w.width + k % w.window_width) * w.channels;
                    for (int64_t c = 0; c < w.channels; c++) {
                        if (y[c] != y[c] || pixel[c] <= y[c]) continue; /* the first largest, and the first NaN, stays */
                        y[c] = pixel[c];
                        if (which != NULL) which[c] = (T)k;
                    }
                }
                if (which != NULL) which += w.channels;
            }
    return 0;
}

static int32_t F(max_pool_backward)(const nnc_layer_call *call) {
    windows w;
    memcpy(&w, call->site->numbers, sizeof w);
    const T *d_y = call->d_y, *which = call->cache; /* (n_rows, n_outputs) each */
    memset(call->d_x, 0, (size_t)(call->n_rows * call->n_inputs) * sizeof(T));
    for (int64_t row = 0; row < call->n_rows; row++)
        for (int64_t i = 0; i < w.n_rows; i++)
            for (int64_t j = 0; j < w.n_columns; j++, d_y += w.channels, which += w.channels) {
                T *window = (T *)call->d_x + row * call->n_inputs + F(place)(&w, i, j);
                for (int64_t c = 0; c < w.channels; c++) {
                    int64_t k = (int64_t)which[c];
                    window[(k / w.window_width * w.width + k % w.window_width) * w.channels + c] = d_y[c];
                }
            }
    return 0;
}

#endif
