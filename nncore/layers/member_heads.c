/* y_j = x_j . W_j + b_j for each of k members. Parameters: W (k, d, n), then b (k, n) if hyper[0] (use_bias) is set. Gradients are split
 * between rows of n numbers. */
#ifndef T
#include "../_core/kernels/gemm.h"

#include "nncore/float32.h"
#include "member_heads.c"
#include "nncore/float64.h"
#include "member_heads.c"

const nnc_layer NNC_TABLE(layer, member_heads) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = heads_forward_f32,
    .forward_f64 = heads_forward_f64,
    .backward_f32 = heads_backward_f32,
    .backward_f64 = heads_backward_f64,
    .gradient_f32 = heads_gradient_f32,
    .gradient_f64 = heads_gradient_f64,
};

#else

#include "../_core/kernels/row_sums.h"

static int32_t F(heads_forward)(const nnc_layer_call *call) {
    int64_t k = call->site->input_shape[0], d = call->site->input_shape[1], n = call->site->output_shape[1];
    const T *x = call->x, *weight = call->parameters, *bias = weight + k * d * n;
    T *y = call->y;
    for (int64_t j = 0; j < k; j++)
        F(gemm)(call->n_rows, n, d, x + j * d, k * d, 1, weight + j * d * n, n, 1, call->site->hyper[0] != 0 ? bias + j * n : NULL, 0,
                y + j * n, k * n);
    return 0;
}

static int32_t F(heads_backward)(const nnc_layer_call *call) {
    int64_t k = call->site->input_shape[0], d = call->site->input_shape[1], n = call->site->output_shape[1];
    const T *d_y = call->d_y, *weight = call->parameters;
    T *d_x = call->d_x;
    for (int64_t j = 0; j < k; j++)
        F(gemm)(call->n_rows, d, n, d_y + j * n, k * n, 1, weight + j * d * n, 1, n, NULL, 0, d_x + j * d, k * d);
    return 0;
}

/* Some rows of d_W = x^T . d_y, member by member, and of d_b = sums of d_y over the batch. */
static int32_t F(heads_gradient)(const nnc_layer_call *call) {
    int64_t k = call->site->input_shape[0], d = call->site->input_shape[1], n = call->site->output_shape[1];
    int64_t begin = call->begin_parameter / n, end = call->end_parameter / n, of_weight = nnc_least(end, k * d);
    const T *x = call->x, *d_y = call->d_y;
    T *to = call->d_parameters; /* (end - begin, n) */
    int64_t row = begin;
    for (int64_t until; row < of_weight; to += (until - row) * n, row = until) {
        int64_t j = row / d;
        until = nnc_least(of_weight, (j + 1) * d);
        F(gemm)(until - row, n, call->n_rows, x + row, 1, k * d, d_y + j * n, k * n, 1, NULL, 0, to, n); /* row = j d + i is x's column */
    }
    if (row == end) return 0;
    F(sum_of_rows)(d_y + (row - k * d) * n, k * n, NULL, 0, call->n_rows, (end - row) * n, to);
    return 0;
}

#endif
