/* y = x + sin^2(f x) / f, where f is a parameter of each feature. So a call for some columns needs no others. d_x = d_y (1 + sin(2 f
 * x)); d_f = sum over rows of d_y q (2 x cos(f x) - q), where q = sin(f x) / f, or x at f = 0. */
#ifndef T
#include "cpu.h"
#include "nncore/plugin.h"
#include "sine.h"

#include "nncore/float32.h"
#include "learnable_snake.c"
#include "nncore/float64.h"
#include "learnable_snake.c"

const nnc_layer nncore_snake_learnable_snake = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = learnable_snake_forward_f32,
    .forward_f64 = learnable_snake_forward_f64,
    .backward_f32 = learnable_snake_backward_f32,
    .backward_f64 = learnable_snake_backward_f64,
};

#else

FOR_EACH_CPU static int32_t F(learnable_snake_forward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n = call->n_inputs, begin = call->begin_column, end = call->end_column;
    const T *x = call->x;                  /* (n_rows, n) */
    T *y = call->y;                        /* (n_rows, n) */
    const T *frequency = call->parameters; /* (n,) */

    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = begin; j < end; j++) {
            T value = x[i * n + j], sine = F(sine)(F(angle)(frequency[j] * value));
            T quotient = frequency[j] == 0 ? value : sine / frequency[j];
            y[i * n + j] = value + sine * quotient;
        }
    return 0;
}

FOR_EACH_CPU static int32_t F(learnable_snake_backward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n = call->n_inputs, begin = call->begin_column, end = call->end_column;
    const T *x = call->x, *d_y = call->d_y; /* (n_rows, n) */
    T *d_x = call->d_x;                     /* (n_rows, n) or NULL */
    const T *frequency = call->parameters;  /* (n,) */
    T *d_frequency = call->d_parameters;    /* (n,) */

    for (int64_t j = begin; j < end; j++) d_frequency[j] = 0;
    for (int64_t i = 0; i < n_rows; i++) {
        T *d_x_row = d_x != NULL ? d_x + i * n : call->site->work; /* (n,); in `work` if it is not needed, as a branch costs more */
#pragma GCC ivdep
        for (int64_t j = begin; j < end; j++) {
            T value = x[i * n + j], r = F(angle)(frequency[j] * value);
            T sine = F(sine)(r), cosine = F(cosine)(r);
            T quotient = frequency[j] == 0 ? value : sine / frequency[j];
            d_frequency[j] += d_y[i * n + j] * (quotient * (2 * value * cosine - quotient));
            d_x_row[j] = d_y[i * n + j] * (1 + 2 * sine * cosine);
        }
    }
    return 0;
}

#endif
