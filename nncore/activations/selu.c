/* a = lambda z where z > 0, else lambda alpha (exp(z) - 1); d_z = d_a lambda where a > 0, else d_a (a + lambda alpha). */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

#define LAMBDA 1.0507009873554804934193349852946
#define LAMBDA_ALPHA (LAMBDA * 1.6732632423543772848170429916717)

#include "nncore/float32.h"
#include "selu.c"
#include "nncore/float64.h"
#include "selu.c"

const nnc_activation NNC_TABLE(activation, selu) = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = selu_forward_f32,
    .forward_f64 = selu_forward_f64,
    .backward_f32 = selu_backward_f32,
    .backward_f64 = selu_backward_f64,
};

#else

static int32_t F(selu_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        T below = (T)LAMBDA_ALPHA * F(nnc_expm1_of_negative)(z[i] > 0 ? 0 : z[i]);
        a[i] = z[i] > 0 ? (T)LAMBDA * z[i] : below;
    }
    return 0;
}

static int32_t F(selu_backward)(const nnc_activation_call *call) {
    const T *a = call->a, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) d_z[i] = d_a[i] * (a[i] > 0 ? (T)LAMBDA : a[i] + (T)LAMBDA_ALPHA);
    return 0;
}

#endif
