/* y = x, followed for each column c of some or all of x by o = cos(2 pi x_c frequency + phase) . weight + bias. Parameters, with K
 * frequencies, J outputs and N columns: frequency (N, K), phase (N, K), weight (N, K, J), bias (N, J).
 *
 * hyper: K, J, and the number of columns, 0 for all of x; then the column numbers.
 *
 * Vectors run across rows: ROWS of one column at a time. Sums over frequencies are in order, so the bits do not depend on the number of
 * rows. */
#ifndef T
#include <string.h>

#include "../_core/kernels/vector_math.h"

/* Rows that are taken together, and partial sums side by side. periodic_embedding.py asks for ROWS numbers of `work` for each output. */
#define ROWS 128
#define PARTS 16

typedef struct sizes {
    int64_t n_frequencies, n_outputs, n_columns;   /* n_outputs: of one column */
    int64_t first_phase, first_weight, first_bias; /* places among the parameters */
} sizes;

static sizes sizes_of(const nnc_layer_call *call) {
    const double *hyper = call->site->hyper;
    int64_t k = (int64_t)hyper[0], j = (int64_t)hyper[1], n = hyper[2] != 0 ? (int64_t)hyper[2] : call->n_inputs;
    return (sizes){k, j, n, n * k, 2 * n * k, 2 * n * k + n * k * j};
}

static int64_t column_at(const nnc_layer_call *call, int64_t q) {
    return call->site->hyper[2] != 0 ? (int64_t)call->site->hyper[3 + q] : q;
}

/* m rows, rounded up to whole parts, at most ROWS. */
static int64_t in_parts(int64_t m) { return (m + PARTS - 1) / PARTS * PARTS; }

/* The range of parameters begin .. end - 1 among the n parameters from `first` on, counted from `first`. */
typedef struct part {
    int64_t begin, end;
} part;

static part part_of(int64_t begin, int64_t end, int64_t first, int64_t n) {
    part p = {begin > first ? begin - first : 0, nnc_least(end - first, n)};
    return p;
}

#include "nncore/float32.h"
#include "periodic_embedding.c"
#include "nncore/float64.h"
#include "periodic_embedding.c"

const nnc_layer NNC_TABLE(layer, periodic_embedding) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = periodic_embedding_forward_f32,
    .forward_f64 = periodic_embedding_forward_f64,
    .backward_f32 = periodic_embedding_backward_f32,
    .backward_f64 = periodic_embedding_backward_f64,
    .gradient_f32 = periodic_embedding_gradient_f32,
    .gradient_f64 = periodic_embedding_gradient_f64,
};

#else

/* The angle of a wave at x, in half turns. The phase, an angle, is added to the product with the frequency. */
NNC_INLINE T F(half_turns)(T x, T frequency, T phase) { return F(nnc_fma)(2 * frequency, x, phase * (T)0.31830988618379067); }

/* m numbers of a column, `stride` apart, and zeros up to whole parts. */
static void F(gather)(const T *from, int64_t stride, int64_t m, T *to) {
    for (int64_t i = 0; i < m; i++) to[i] = from[i * stride];
    for (int64_t i = m; i < in_parts(m); i++) to[i] = 0;
}

/* slope (m,) = the derivative of the loss with respect to the angle of a wave, from d_o (J, ROWS) and the wave's row of the weight (J,). */
NNC_INLINE void F(slope_of_wave)(const T *x, int64_t m, T frequency, T phase, const T *d_o, const T *weight, int64_t n_outputs, T *slope) {
    for (int64_t i = 0; i < m; i++) slope[i] = d_o[i] * -weight[0];
    for (int64_t j = 1; j < n_outputs; j++)
        for (int64_t i = 0; i < m; i++) slope[i] = F(nnc_fma)(d_o[j * ROWS + i], -weight[j], slope[i]);
    for (int64_t i = 0; i < m; i++) slope[i] *= F(nnc_sinpi)(F(half_turns)(x[i], frequency, phase));
}

static int32_t F(periodic_embedding_forward)(const nnc_layer_call *call) {
    sizes s = sizes_of(call);
    int64_t n_inputs = call->n_inputs, n_outputs = call->n_outputs;
    const T *parameters = call->parameters;
    T *o = call->site->work; /* (J, ROWS) */
    for (int64_t i = 0; i < call->n_rows; i++)
        memcpy((T *)call->y + i * n_outputs, (const T *)call->x + i * n_inputs, (size_t)n_inputs * sizeof(T));
    for (int64_t begin = 0; begin < call->n_rows; begin += ROWS) {
        int64_t m = nnc_least(call->n_rows - begin, ROWS);
        for (int64_t q = 0; q < s.n_columns; q++) {
            const T *frequency = parameters + q * s.n_frequencies, *phase = frequency + s.first_phase; /* (K,), (K,) */
            const T *weight = parameters + s.first_weight + q * s.n_frequencies * s.n_outputs;         /* (K, J) */
            const T *bias = parameters + s.first_bias + q * s.n_outputs;                               /* (J,) */
            T *y = (T *)call->y + begin * n_outputs + n_inputs + q * s.n_outputs;                      /* (m, J), n_outputs apart */
            T x[ROWS], wave[ROWS];
            F(gather)((const T *)call->x + begin * n_inputs + column_at(call, q), n_inputs, m, x);
            for (int64_t j = 0; j < s.n_outputs; j++) {
                T first = bias[j];
                for (int64_t i = 0; i < m; i++) o[j * ROWS + i] = first;
            }
            for (int64_t k = 0; k < s.n_frequencies; k++, weight += s.n_outputs) {
                T f = frequency[k], shift = phase[k];
                for (int64_t i = 0; i < m; i++) wave[i] = F(nnc_cospi)(F(half_turns)(x[i], f, shift));
                for (int64_t j = 0; j < s.n_outputs; j++) {
                    T w = weight[j];
                    for (int64_t i = 0; i < m; i++) o[j * ROWS + i] = F(nnc_fma)(wave[i], w, o[j * ROWS + i]);
                }
            }
            for (int64_t i = 0; i < m; i++)
                for (int64_t j = 0; j < s.n_outputs; j++) y[i * n_outputs + j] = o[j * ROWS + i];
        }
    }
    return 0;
}

static int32_t F(periodic_embedding_backward)(const nnc_layer_call *call) {
    sizes s = sizes_of(call);
    int64_t n_inputs = call->n_inputs, n_outputs = call->n_outputs;
    const T *parameters = call->parameters;
    T *d_o = call->site->work; /* (J, ROWS) */
    for (int64_t i = 0; i < call->n_rows; i++)
        memcpy((T *)call->d_x + i * n_inputs, (const T *)call->d_y + i * n_outputs, (size_t)n_inputs * sizeof(T));
    for (int64_t begin = 0; begin < call->n_rows; begin += ROWS) {
        int64_t m = nnc_least(call->n_rows - begin, ROWS);
        for (int64_t q = 0; q < s.n_columns; q++) {
            const T *frequency = parameters + q * s.n_frequencies, *phase = frequency + s.first_phase; /* (K,), (K,) */
            const T *weight = parameters + s.first_weight + q * s.n_frequencies * s.n_outputs;         /* (K, J) */
            const T *d_y = (const T *)call->d_y + begin * n_outputs + n_inputs + q * s.n_outputs;      /* (m, J), n_outputs apart */
            T *d_x = (T *)call->d_x + begin * n_inputs + column_at(call, q);                           /* (m,), n_inputs apart */
            T x[ROWS], slope[ROWS], sum[ROWS] = {0};
            F(gather)((const T *)call->x + begin * n_inputs + column_at(call, q), n_inputs, m, x);
            for (int64_t j = 0; j < s.n_outputs; j++) F(gather)(d_y + j, n_outputs, m, d_o + j * ROWS);
            for (int64_t k = 0; k < s.n_frequencies; k++, weight += s.n_outputs) {
                T f = frequency[k];
                F(slope_of_wave)(x, m, f, phase[k], d_o, weight, s.n_outputs, slope);
                for (int64_t i = 0; i < m; i++) sum[i] = F(nnc_fma)(slope[i], f, sum[i]);
            }
            for (int64_t i = 0; i < m; i++) d_x[i * n_inputs] = F(nnc_fma)((T)6.283185307179586, sum[i], d_x[i * n_inputs]);
        }
    }
    return 0;
}

/* The sum of sums (PARTS,), which it overwrites. */
NNC_INLINE T F(total)(T *sums) {
    for (int64_t half = PARTS / 2; half > 0; half /= 2)
        for (int64_t p = 0; p < half; p++) sums[p] += sums[p + half];
    return sums[0];
}

/* The sum of a (m,), for m of whole parts. */
NNC_INLINE T F(sum)(const T *a, int64_t m) {
    T sums[PARTS] = {0};
    for (int64_t i = 0; i < m; i += PARTS)
        for (int64_t p = 0; p < PARTS; p++) sums[p] += a[i + p];
    return F(total)(sums);
}

/* a . b, both (m,), for m of whole parts. */
NNC_INLINE T F(dot)(const T *a, const T *b, int64_t m) {
    T sums[PARTS] = {0};
    for (int64_t i = 0; i < m; i += PARTS)
        for (int64_t p = 0; p < PARTS; p++) sums[p] = F(nnc_fma)(a[i + p], b[i + p], sums[p]);
    return F(total)(sums);
}

/* Adds the contribution of m rows from `begin` on to the gradients of the q-th column that the call asks for. */
static void F(add_column)(const nnc_layer_call *call, const sizes *s, int64_t q, int64_t begin, int64_t m) {
    int64_t n_frequencies = s->n_frequencies, n_outputs = s->n_outputs, from = call->begin_parameter, to = call->end_parameter;
    int64_t first_frequency = q * n_frequencies, first_phase = s->first_phase + first_frequency;
    int64_t first_weight = s->first_weight + first_frequency * n_outputs, first_bias = s->first_bias + q * n_outputs;
    part frequencies = part_of(from, to, first_frequency, n_frequencies), phases = part_of(from, to, first_phase, n_frequencies);
    part weights = part_of(from, to, first_weight, n_frequencies * n_outputs), biases = part_of(from, to, first_bias, n_outputs);
    if (frequencies.begin >= frequencies.end && phases.begin >= phases.end && weights.begin >= weights.end && biases.begin >= biases.end)
        return;
    const T *parameters = call->parameters;
    T *d = call->d_parameters; /* (to - from,) */
    T *d_o = call->site->work; /* (J, ROWS) */
    T x[ROWS], wave[ROWS];
    F(gather)((const T *)call->x + begin * call->n_inputs + column_at(call, q), call->n_inputs, m, x);
    const T *d_y = (const T *)call->d_y + begin * call->n_outputs + call->n_inputs + q * n_outputs; /* (m, J), call->n_outputs apart */
    for (int64_t j = 0; j < n_outputs; j++) F(gather)(d_y + j, call->n_outputs, m, d_o + j * ROWS);
    m = in_parts(m); /* where x and d_o are 0 */
    for (int64_t j = biases.begin; j < biases.end; j++) d[first_bias - from + j] += F(sum)(d_o + j * ROWS, m);
    for (int64_t k = 0; k < n_frequencies; k++) {
        T frequency = parameters[first_frequency + k], phase = parameters[first_phase + k];
        part row = part_of(weights.begin, weights.end, k * n_outputs, n_outputs); /* of the weight */
        if (row.begin < row.end) {
            for (int64_t i = 0; i < m; i++) wave[i] = F(nnc_cospi)(F(half_turns)(x[i], frequency, phase));
            for (int64_t j = row.begin; j < row.end; j++) d[first_weight - from + k * n_outputs + j] += F(dot)(wave, d_o + j * ROWS, m);
        }
        int wants_frequency = k >= frequencies.begin && k < frequencies.end, wants_phase = k >= phases.begin && k < phases.end;
        if (!wants_frequency && !wants_phase) continue;
        F(slope_of_wave)(x, m, frequency, phase, d_o, parameters + first_weight + k * n_outputs, n_outputs, wave);
        if (wants_frequency) d[first_frequency - from + k] += (T)6.283185307179586 * F(dot)(wave, x, m);
        if (wants_phase) d[first_phase - from + k] += F(sum)(wave, m);
    }
}

static int32_t F(periodic_embedding_gradient)(const nnc_layer_call *call) {
    sizes s = sizes_of(call);
    memset(call->d_parameters, 0, (size_t)(call->end_parameter - call->begin_parameter) * sizeof(T));
    for (int64_t begin = 0; begin < call->n_rows; begin += ROWS)
        for (int64_t q = 0; q < s.n_columns; q++) F(add_column)(call, &s, q, begin, nnc_least(call->n_rows - begin, ROWS));
    return 0;
}

#endif
