/* a = z + sin^2(f z) / f; d_z = d_a (1 + sin(2 f z)) = d_a (1 + 2 sin(f z) cos(f z)). hyper[0] is f. */
#ifndef T
#include "cpu.h"
#include "nncore/plugin.h"
#include "sine.h"

#include "nncore/float32.h"
#include "snake.c"
#include "nncore/float64.h"
#include "snake.c"

const nnc_activation nncore_snake_snake = {
    .head = NNC_HEAD(nnc_activation),
    .forward_f32 = snake_forward_f32,
    .forward_f64 = snake_forward_f64,
    .backward_f32 = snake_backward_f32,
    .backward_f64 = snake_backward_f64,
};

#else

FOR_EACH_CPU static int32_t F(snake_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    T frequency = (T)hyper[0];
    for (int64_t i = 0; i < n; i++) {
        T sine = F(sine)(F(angle)(frequency * z[i]));
        a[i] = z[i] + sine * sine / frequency;
    }
    return 0;
}

FOR_EACH_CPU static int32_t F(snake_backward)(const nnc_activation_call *call) {
    const T *z = call->z, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    const double *hyper = call->site->hyper;
    T frequency = (T)hyper[0];
    for (int64_t i = 0; i < n; i++) {
        T r = F(angle)(frequency * z[i]);
        d_z[i] = d_a[i] * (1 + 2 * F(sine)(r) * F(cosine)(r));
    }
    return 0;
}

#endif
