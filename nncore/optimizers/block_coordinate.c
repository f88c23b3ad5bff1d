/* w -= lr g for one block of tensors at a time, in cyclic order. hyper: lr, is_tensor, steps_per_block. A block is one tensor if
 * is_tensor is set, else the tensors of a layer, which are consecutive. */
#ifndef T
#include "../_core/kernels/level.h"

/* Whether tensor k is the first of its block. */
static int begins_block(const nnc_tensor *tensors, int64_t k, int is_tensor) {
    return is_tensor || k == 0 || tensors[k].layer != tensors[k - 1].layer;
}

#include "nncore/float32.h"
#include "block_coordinate.c"
#include "nncore/float64.h"
#include "block_coordinate.c"

const nnc_optimizer NNC_TABLE(optimizer, block_coordinate) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = block_coordinate_step_f32,
    .step_f64 = block_coordinate_step_f64,
};

#else

static int32_t F(block_coordinate_step)(const nnc_optimizer_call *call) {
    const nnc_tensor *tensors = call->tensors;
    const double *hyper = call->site->hyper;
    T lr = (T)hyper[0];
    int is_tensor = hyper[1] != 0;
    int64_t steps_per_block = (int64_t)hyper[2];

    int64_t n_blocks = 0;
    for (int64_t k = 0; k < call->n_tensors; k++) n_blocks += begins_block(tensors, k, is_tensor);
    if (n_blocks == 0) return 0;

    int64_t turn = (call->t - 1) / steps_per_block % n_blocks, block = -1;
    for (int64_t k = 0; k < call->end_tensor; k++) {
        block += begins_block(tensors, k, is_tensor);
        if (block != turn || k < call->begin_tensor) continue;
        T *w = tensors[k].w;
        const T *g = tensors[k].g;
        for (int64_t i = 0; i < tensors[k].rows * tensors[k].columns; i++) w[i] = F(nnc_fma)(-lr, g[i], w[i]);
    }
    return 0;
}

#endif
