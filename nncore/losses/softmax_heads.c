/* Every head h has hyper[1 + h] columns and a class Y_h: loss = sum_h log(1 + rest) - (z_h[Y_h] - max z_h), 1 + rest = sum_j exp(z_hj -
 * max z_h); d_z_h = softmax(z_h) - onehot(Y_h). With hyper[0] = e > 0 onehot is replaced by (1 - e) onehot + e / hyper[1 + h]. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "softmax_heads.c"
#include "nncore/float64.h"
#include "softmax_heads.c"

const nnc_loss NNC_TABLE(loss, softmax_heads) = {
    NNC_HEAD(nnc_loss), softmax_heads_real_f32, softmax_heads_real_f64, NULL, NULL,
};

#else
#include "../_core/kernels/softmax.h"

/* Whether Y are classes of their heads. The host has checked them, but the user may have changed them since. */
static int F(are_classes)(const T *Y, int64_t n_heads, const double *n_classes) {
    int result = 1;
    for (int64_t head = 0; head < n_heads; head++) result &= Y[head] >= 0 && Y[head] < (T)n_classes[head];
    return result;
}

/* One row of z, with any number of columns. */
static void F(heads_one_by_one)(const T *z, const T *Y, T weight, T *loss, T *d_z, int64_t n_heads, const double *n_classes) {
    *loss = 0;
    for (int64_t head = 0, n; head < n_heads; head++, z += n) {
        int64_t label = (int64_t)Y[head];
        T largest, rest;
        n = (int64_t)n_classes[head];
        F(exp_rows)(z, 1, n, d_z, &largest, &rest);
        *loss += F(nnc_log1p_of_positive)(rest) - (z[label] - largest);
        if (d_z == NULL) continue;
        T share = 1 / (1 + rest), of_label = weight * F(d_label)(d_z[label], share, rest);
        for (int64_t j = 0; j < n; j++) d_z[j] = weight * (d_z[j] * share);
        d_z[label] = of_label;
        d_z += n;
    }
}

/* Rows with at most PART numbers together. Heads are shorter than vectors, so exp and log run across heads and rows. */
static void F(heads_together)(const T *z, const T *Y, const T *weight, T *loss, T *d_z, int64_t n_rows, int64_t n, int64_t n_heads,
                              const double *n_classes) {
    T e[PART], rests[PART], logs[PART];
    for (int64_t row = 0, i = 0, k = 0; row < n_rows; row++) {
        loss[row] = 0;
        for (int64_t head = 0; head < n_heads; head++, k++) {
            int64_t end = i + (int64_t)n_classes[head];
            T largest = F(largest_of)(z + i, end - i);
            loss[row] -= z[i + (int64_t)Y[k]] - largest;
            for (; i < end; i++) e[i] = z[i] - largest;
        }
    }
    for (int64_t i = 0; i < n_rows * n; i++) e[i] = F(nnc_exp_of_moderate)(F(nnc_moderate)(e[i]));
    for (int64_t row = 0, i = 0, k = 0; row < n_rows; row++)
        for (int64_t head = 0, size; head < n_heads; i += size, head++, k++) {
            T ones = 0;
            size = (int64_t)n_classes[head];
            rests[k] = 0;
            F(add_row_apart)(e + i, size, WHOLE(size), rests + k, &ones);
            rests[k] += ones - 1;
        }
    for (int64_t k = 0; k < n_rows * n_heads; k++) logs[k] = F(nnc_log1p_of_positive)(rests[k]);
    for (int64_t row = 0, i = 0, k = 0; row < n_rows; row++)
        for (int64_t head = 0; head < n_heads; head++, k++) {
            int64_t label = i + (int64_t)Y[k], end = i + (int64_t)n_classes[head];
            loss[row] += logs[k];
            if (d_z == NULL) {
                i = end;
                continue;
            }
            T share = 1 / (1 + rests[k]), of_label = weight[row] * F(d_label)(e[label], share, rests[k]);
            for (; i < end; i++) d_z[i] = weight[row] * (e[i] * share);
            d_z[label] = of_label;
        }
}

/* Label smoothing: corrects loss and d_z of a row for a fraction e of every head's target that is spread over the head's classes. */
static void F(spread_heads)(const T *z, const T *Y, T weight, T *loss, T *d_z, int64_t n_heads, const double *n_classes, T e) {
    for (int64_t head = 0, n; head < n_heads; head++, z += n) {
        int64_t label = (int64_t)Y[head];
        n = (int64_t)n_classes[head];
        T share = e / (T)n;
        *loss -= share * F(sum_beyond)(z, z[label], n);
        if (d_z == NULL) continue;
        for (int64_t j = 0; j < n; j++) d_z[j] -= weight * share;
        d_z[label] += weight * e;
        d_z += n;
    }
}

static int32_t F(softmax_heads_real)(const nnc_loss_call *call) {
    const T *output = call->output, *target = call->target, *weight = call->weight;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs, n_targets = call->n_targets;
    const double *n_classes = call->site->hyper + 1;
    T e = (T)call->site->hyper[0];
    for (int64_t row = 0; row < n_rows; row++)
        if (!F(are_classes)(target + row * n_targets, n_targets, n_classes)) return 1;
    for (int64_t row = 0, n; row < n_rows; row += n) {
        n = n_outputs > PART ? 1 : nnc_least(n_rows - row, PART / n_outputs);
        const T *z = output + row * n_outputs, *Y = target + row * n_targets;
        T *d_z = d_output == NULL ? NULL : d_output + row * n_outputs;
        if (n_outputs > PART) F(heads_one_by_one)(z, Y, weight[row], loss + row, d_z, n_targets, n_classes);
        else F(heads_together)(z, Y, weight + row, loss + row, d_z, n, n_outputs, n_targets, n_classes);
    }
    for (int64_t row = 0; e > 0 && row < n_rows; row++) {
        T *d_z = d_output == NULL ? NULL : d_output + row * n_outputs;
        F(spread_heads)(output + row * n_outputs, target + row * n_targets, weight[row], loss + row, d_z, n_targets, n_classes, e);
    }
    return 0;
}

#endif
