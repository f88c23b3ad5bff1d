/* y = x . W + b. Parameters: W (n_inputs, n_outputs), then b (n_outputs,) if hyper[0] (use_bias) is set. */
#ifndef T
#include "../_core/kernels/gemm.h"
#include "nncore/float32.h"
#include "dense.c"
#include "nncore/float64.h"
#include "dense.c"

const nnc_layer NNC_TABLE(layer, dense) = {
    NNC_HEAD(nnc_layer), dense_forward_f32, dense_forward_f64, dense_backward_f32, dense_backward_f64,
};

#else

static int32_t F(dense_forward)(const nnc_layer_call *call) {
    int64_t n_inputs = call->n_inputs, n_outputs = call->n_outputs;
    const T *weight = call->parameters;                                           /* (n_inputs, n_outputs) */
    const T *bias = call->hyper[0] != 0 ? weight + n_inputs * n_outputs : NULL;   /* (n_outputs,)          */
    F(gemm)(call->n_rows, n_outputs, n_inputs, call->x, n_inputs, 1, weight, n_outputs, 1, bias, call->y, n_outputs);
    return 0;
}

static int32_t F(dense_backward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n_inputs = call->n_inputs, n_outputs = call->n_outputs;
    const T *weight = call->parameters, *d_y = call->d_y; /* (n_inputs, n_outputs), (n_rows, n_outputs) */
    T *d_weight = call->d_parameters;                     /* (n_inputs, n_outputs) */

    /* d_W = x^T . d_y */
    F(gemm)(n_inputs, n_outputs, n_rows, call->x, 1, n_inputs, d_y, n_outputs, 1, NULL, d_weight, n_outputs);

    /* d_b = column sums of d_y */
    if (call->hyper[0] != 0) {
        T *d_bias = d_weight + n_inputs * n_outputs; /* (n_outputs,) */
        for (int64_t j = 0; j < n_outputs; j++) d_bias[j] = 0;
        for (int64_t i = 0; i < n_rows; i++)
            for (int64_t j = 0; j < n_outputs; j++) d_bias[j] += d_y[i * n_outputs + j];
    }

    /* d_x = d_y . W^T */
    if (call->d_x != NULL) F(gemm)(n_rows, n_inputs, n_outputs, d_y, n_outputs, 1, weight, 1, n_outputs, NULL, call->d_x, n_inputs);
    return 0;
}

#endif
