/* y = x + alpha (f(x) - x). f is the activation of the call, whose numbers are hyper. Parameters: alpha (n,). numbers[0]: whether
 * backward of f reads x, or else f(x). Cache: f(x), (n_rows, n). */
#ifndef T
#include "../_core/kernels/level.h"

#define FACTOR(i, k) (cache[k] - x[k])

#include "nncore/float32.h"
#include "parametric_activation.c"
#include "nncore/float64.h"
#include "parametric_activation.c"

const nnc_layer NNC_TABLE(layer, parametric_activation) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = parametric_activation_forward_f32,
    .forward_f64 = parametric_activation_forward_f64,
    .backward_f32 = parametric_activation_backward_f32,
    .backward_f64 = parametric_activation_backward_f64,
    .gradient_f32 = parametric_activation_gradient_f32,
    .gradient_f64 = parametric_activation_gradient_f64,
};

#else
#include "../_core/kernels/row_products.h"

static int32_t F(parametric_activation_forward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n = call->n_inputs;
    const T *x = call->x, *alpha = call->parameters;            /* (n_rows, n), (n,) */
    T *y = call->y, *a = call->cache != NULL ? call->cache : y; /* (n_rows, n), . */
    nnc_activation_call inner = {sizeof inner, call->site, x, a, NULL, NULL, n_rows, n};
    int32_t status = call->activation->F(forward)(&inner);
    for (int64_t i = 0; i < n_rows; i++, x += n, y += n, a += n)
        for (int64_t j = 0; j < n; j++) y[j] = F(nnc_fma)(alpha[j], a[j] - x[j], x[j]);
    return status;
}

/* d_x = f'(x) alpha d_y + (1 - alpha) d_y */
static int32_t F(parametric_activation_backward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n = call->n_inputs;
    const T *d_y = call->d_y, *alpha = call->parameters; /* (n_rows, n), (n,) */
    T *d_x = call->d_x;                                  /* (n_rows, n) */
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < n; j++) d_x[i * n + j] = alpha[j] * d_y[i * n + j];
    const void *z = call->site->numbers[0] != 0 ? call->x : call->cache;
    nnc_activation_call inner = {sizeof inner, call->site, z, call->cache, d_x, d_x, n_rows, n};
    int32_t status = call->activation->F(backward)(&inner);
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = 0; j < n; j++) d_x[i * n + j] = F(nnc_fma)(1 - alpha[j], d_y[i * n + j], d_x[i * n + j]);
    return status;
}

static int32_t F(parametric_activation_gradient)(const nnc_layer_call *call) {
    F(row_products)(call);
    return 0;
}

#endif
