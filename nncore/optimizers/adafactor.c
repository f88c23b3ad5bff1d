/* Adafactor (Shazeer & Stern 2018). hyper: lr, beta2_decay, epsilon, scale_floor, clip, weight_decay, scale_parameter, relative_step (0
 * or 1). state: row and column means of squares of a matrix, else variance. */
#ifndef T
#include <tgmath.h>

#include "../_core/kernels/level.h"

/* Numbers of a step that are the same for all tensors. */
typedef struct adafactor_step {
    double newest; /* weight of the newest squares */
    double rate, epsilon, scale_floor, clip, keep;
    int is_scaled;
} adafactor_step;

#include "nncore/float32.h"
#include "adafactor.c"
#include "nncore/float64.h"
#include "adafactor.c"

const nnc_optimizer NNC_TABLE(optimizer, adafactor) = {
    .head = NNC_HEAD(nnc_optimizer),
    .step_f32 = adafactor_step_f32,
    .step_f64 = adafactor_step_f64,
};

#else
#include "sum_of_squares.h"

/* The factor of an update, from its sum of squares: the clipped rate, relative to the size of the parameters. */
static T F(length_of_step)(const adafactor_step *step, const T *w, int64_t n, double squares) {
    double size = 1, excess = sqrt(squares / (double)n) / step->clip;
    if (step->is_scaled) {
        size = sqrt(F(sum_of_squares)(w, n) / (double)n);
        if (size < step->scale_floor) size = step->scale_floor;
    }
    return (T)(step->rate * size / (excess > 1 ? excess : 1));
}

static void F(factored)(const adafactor_step *step, const nnc_tensor *tensor, T *sums, T *scales) {
    T *w = tensor->w, *row = tensor->state[0], *column = tensor->state[1];
    const T *g = tensor->g;
    int64_t rows = tensor->rows, columns = tensor->columns;
    T newest = (T)step->newest, rest = (T)(1 - step->newest), keep = (T)step->keep;
    double mean = 0, squares = 0;

    for (int64_t j = 0; j < columns; j++) sums[j] = 0;
    for (int64_t i = 0; i < rows; i++) {
        const T *line = g + i * columns;
        for (int64_t j = 0; j < columns; j++) sums[j] += line[j] * line[j];
        T fresh = (T)(F(sum_of_squares)(line, columns) / (double)columns + step->epsilon);
        row[i] = rest * row[i] + newest * fresh;
        mean += (double)row[i];
    }
    mean /= (double)rows;
    for (int64_t j = 0; j < columns; j++) {
        T fresh = sums[j] / (T)rows + (T)step->epsilon;
        column[j] = rest * column[j] + newest * fresh;
        scales[j] = 1 / sqrt(column[j]);
        sums[j] = 0;
    }
    for (int64_t i = 0; i < rows; i++) { /* squares of the update, column by column */
        const T *line = g + i * columns;
        T scale = 1 / sqrt((T)((double)row[i] / mean));
        for (int64_t j = 0; j < columns; j++) {
            T part = line[j] * scale * scales[j];
            sums[j] += part * part;
        }
    }
    for (int64_t j = 0; j < columns; j++) squares += (double)sums[j];
    T length = F(length_of_step)(step, w, rows * columns, squares);
    for (int64_t i = 0; i < rows; i++) {
        const T *line = g + i * columns;
        T scale = 1 / sqrt((T)((double)row[i] / mean));
        for (int64_t j = 0; j < columns; j++) w[i * columns + j] = keep * w[i * columns + j] - length * (line[j] * scale * scales[j]);
    }
}

static void F(unfactored)(const adafactor_step *step, const nnc_tensor *tensor) {
    T *w = tensor->w, *variance = tensor->state[0];
    const T *g = tensor->g;
    int64_t n = tensor->rows * tensor->columns;
    T newest = (T)step->newest, rest = (T)(1 - step->newest), keep = (T)step->keep, epsilon = (T)step->epsilon;
    double squares = 0;
    for (int64_t i = 0; i < n; i++) variance[i] = rest * variance[i] + newest * (g[i] * g[i] + epsilon);
    for (int64_t i = 0; i < n; i++) squares += (double)g[i] * (double)g[i] / (double)variance[i];
    T length = F(length_of_step)(step, w, n, squares);
    for (int64_t i = 0; i < n; i++) w[i] = keep * w[i] - length * (g[i] / sqrt(variance[i]));
}

static int32_t F(adafactor_step)(const nnc_optimizer_call *call) {
    const double *hyper = call->site->hyper;
    double lr = hyper[0], root = 1 / sqrt((double)call->t);
    const adafactor_step step = {
        .newest = pow((double)call->t, -hyper[1]),
        .rate = hyper[7] != 0 && root < lr ? root : lr,
        .epsilon = hyper[2],
        .scale_floor = hyper[3],
        .clip = hyper[4],
        .keep = 1 - lr * hyper[5],
        .is_scaled = hyper[6] != 0,
    };
    for (int64_t k = call->begin_tensor; k < call->end_tensor; k++) {
        const nnc_tensor *tensor = &call->tensors[k];
        T *sums = call->site->work;
        if (tensor->rows > 1 && tensor->columns > 1) F(factored)(&step, tensor, sums, sums + tensor->columns);
        else F(unfactored)(&step, tensor);
    }
    return 0;
}

#endif
