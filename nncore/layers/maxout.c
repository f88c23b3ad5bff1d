/* y = the largest of each group of hyper[0] neighbours in x; NaN if one of them is NaN. */
#ifndef T
#include "../_core/kernels/level.h"

#include "nncore/float32.h"
#include "maxout.c"
#include "nncore/float64.h"
#include "maxout.c"

const nnc_layer NNC_TABLE(layer, maxout) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = maxout_forward_f32,
    .forward_f64 = maxout_forward_f64,
    .backward_f32 = maxout_backward_f32,
    .backward_f64 = maxout_backward_f64,
};

#else

/* The place of the largest number of x (k,), the first one of equal numbers; or that of the first NaN. */
NNC_INLINE int64_t F(place_of_largest)(const T *x, int64_t k) {
    int64_t place = 0;
    for (int64_t j = 1; j < k; j++) place = x[place] == x[place] && !(x[j] <= x[place]) ? j : place;
    return place;
}

static int32_t F(maxout_forward)(const nnc_layer_call *call) {
    int64_t k = (int64_t)call->site->hyper[0], n = call->n_rows * call->n_outputs;
    const T *x = call->x; /* (n, k) */
    T *y = call->y;       /* (n,) */
    for (int64_t i = 0; i < n; i++, x += k) y[i] = x[F(place_of_largest)(x, k)];
    return 0;
}

static int32_t F(maxout_backward)(const nnc_layer_call *call) {
    if (call->d_x == NULL) return 0;
    int64_t k = (int64_t)call->site->hyper[0], n = call->n_rows * call->n_outputs;
    const T *x = call->x, *d_y = call->d_y; /* (n, k), (n,) */
    T *d_x = call->d_x;                     /* (n, k) */
    for (int64_t i = 0; i < n; i++, x += k, d_x += k) {
        int64_t place = F(place_of_largest)(x, k);
        for (int64_t j = 0; j < k; j++) d_x[j] = j == place ? d_y[i] : 0;
    }
    return 0;
}

#endif
