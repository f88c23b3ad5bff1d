/* a = z t with t = tanh(log(1 + exp(z))), d_z = d_a (t + z (1 - t^2) sigmoid(z)). With w = exp(z) and n = w^2 + 2w, t = n / (n + 2); beyond a
 * moderate z it is 1, and below one 0. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

#include "nncore/float32.h"
#include "mish.c"
#include "nncore/float64.h"
#include "mish.c"

const nnc_activation NNC_TABLE(activation, mish) = {
    NNC_HEAD(nnc_activation), mish_forward_f32, mish_forward_f64, mish_backward_f32, mish_backward_f64,
};

#else

static int32_t F(mish_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t size = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < size; i++) {
        T near = F(nnc_moderate)(z[i]), w = F(nnc_exp_of_moderate)(near), n = w * (w + 2);
        a[i] = (z[i] > near ? z[i] : near) * (n / (n + 2)); /* near, as infinity times 0 would be NaN */
    }
    return 0;
}

static int32_t F(mish_backward)(const nnc_activation_call *call) {
    const T *z = call->z, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t size = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < size; i++) {
        T near = F(nnc_moderate)(z[i]), w = F(nnc_exp_of_moderate)(near), n = w * (w + 2), share = 1 / (n + 2);
        T bent = 4 * near * (w * (1 + w)) * share; /* z (1 - t^2) sigmoid(z) over share */
        d_z[i] = d_a[i] * (share * (n + bent));
    }
    return 0;
}

#endif
