/* Samples repeated for each member, and the mean over the members. */
#ifndef T
#include "nncore/plugin.h"

#include "nncore/float32.h"
#include "ends.c"
#include "nncore/float64.h"
#include "ends.c"

const nnc_layer nncore_members_repeat = {
    NNC_HEAD(nnc_layer), repeat_forward_f32, repeat_forward_f64, repeat_backward_f32, repeat_backward_f64, 0, 0,
};
const nnc_layer nncore_members_mean = {
    NNC_HEAD(nnc_layer), mean_forward_f32, mean_forward_f64, mean_backward_f32, mean_backward_f64, 0, 0,
};

#else

/* to[row] = factor times from[row], once for each of k members. */
static void F(spread)(const T *from, T *to, int64_t n_rows, int64_t k, int64_t n, T factor) {
    for (int64_t row = 0; row < n_rows; row++, from += n)
        for (int64_t j = 0; j < k; j++, to += n)
            for (int64_t i = 0; i < n; i++) to[i] = factor * from[i];
}

/* to[row] = the sum over k members of from[row], divided by `divisor`. */
static void F(gather)(const T *from, T *to, int64_t n_rows, int64_t k, int64_t n, T divisor) {
    for (int64_t row = 0; row < n_rows; row++, to += n) {
        for (int64_t i = 0; i < n; i++) to[i] = from[i];
        from += n;
        for (int64_t j = 1; j < k; j++, from += n)
            for (int64_t i = 0; i < n; i++) to[i] += from[i];
        for (int64_t i = 0; i < n; i++) to[i] /= divisor;
    }
}

static int32_t F(repeat_forward)(const nnc_layer_call *call) {
    F(spread)(call->x, call->y, call->n_rows, call->site->output_shape[0], call->n_inputs, 1);
    return 0;
}

static int32_t F(repeat_backward)(const nnc_layer_call *call) {
    F(gather)(call->d_y, call->d_x, call->n_rows, call->site->output_shape[0], call->n_inputs, 1);
    return 0;
}

static int32_t F(mean_forward)(const nnc_layer_call *call) {
    int64_t k = call->site->input_shape[0];
    F(gather)(call->x, call->y, call->n_rows, k, call->n_outputs, (T)k);
    return 0;
}

static int32_t F(mean_backward)(const nnc_layer_call *call) {
    int64_t k = call->site->input_shape[0];
    F(spread)(call->d_y, call->d_x, call->n_rows, k, call->n_outputs, (T)1 / (T)k);
    return 0;
}

#endif
