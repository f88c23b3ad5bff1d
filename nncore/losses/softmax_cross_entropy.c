/* p = softmax(z); loss = -sum_j Y_j log p_j = sum_j Y_j (log(1 + rest) - (z_j - max z)) with 1 + rest = sum_j exp(z_j - max z);
 * d_z = p sum_j Y_j - Y. With hyper[0] = e > 0 Y is replaced by (1 - e) Y + e mean_j Y_j. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"
#include "nncore/float32.h"
#include "softmax_cross_entropy.c"
#include "nncore/float64.h"
#include "softmax_cross_entropy.c"

const nnc_loss NNC_TABLE(loss, softmax_cross_entropy) = {
    NNC_HEAD(nnc_loss),
    softmax_cross_entropy_real_f32,
    softmax_cross_entropy_real_f64,
    softmax_cross_entropy_labels_f32,
    softmax_cross_entropy_labels_f64,
};

#else
#include "../_core/kernels/softmax.h"

/* The functions below take at most BLOCK_ROWS rows. */

static void F(labels_transposed)(const T *z, const int64_t *labels, const T *weight, T *loss, T *d_z, int64_t n_rows, int64_t n) {
    V t[GROUPS * FEW_COLUMNS], largest[GROUPS], rest[GROUPS];
    int64_t n_groups = F(transpose)(z, n_rows, n, t);
    F(subtract_largest)(t, n_groups, n, largest);
    F(exp_and_rest)(t, n_groups, n, rest);
    for (int64_t row = 0; row < n_rows; row++) loss[row] = z[row * n + labels[row]] - ((T *)largest)[row];
    for (int64_t row = 0; row < n_rows; row++) loss[row] = F(nnc_log1p_of_positive)(((T *)rest)[row]) - loss[row];
    if (d_z == NULL) return;
    V scale[GROUPS] = {0}, label[GROUPS] = {0}, one = (V){0} + (T)1;
    memcpy(scale, weight, (size_t)n_rows * sizeof(T));
    for (int64_t row = 0; row < n_rows; row++) ((T *)label)[row] = (T)labels[row];
    for (int64_t group = 0; group < n_groups; group++) {
        V share = 1 / (1 + rest[group]), below_one = -(rest[group] * share), *e = t + group * n;
        for (int64_t j = 0; j < n; j++) {
            V p = e[j] * share, of_label = F(choose)(e[j] == one, below_one, p - one);
            e[j] = scale[group] * F(choose)(label[group] == (T)j, of_label, p);
        }
    }
    F(transpose_back)(t, d_z, n_rows, n);
}

static void F(labels_rows)(const T *z, const int64_t *labels, const T *weight, T *loss, T *d_z, int64_t n_rows, int64_t n) {
    T largest[PART_ROWS], rest[PART_ROWS];
    F(exp_rows)(z, n_rows, n, d_z, largest, rest);
    for (int64_t row = 0; row < n_rows; row++) loss[row] = F(nnc_log1p_of_positive)(rest[row]) - (z[row * n + labels[row]] - largest[row]);
    if (d_z == NULL) return;
    for (int64_t row = 0; row < n_rows; row++, d_z += n) {
        T share = 1 / (1 + rest[row]), e = d_z[labels[row]], of_label = weight[row] * F(d_label)(e, share, rest[row]);
        for (int64_t j = 0; j < n; j++) d_z[j] = weight[row] * (d_z[j] * share);
        d_z[labels[row]] = of_label;
    }
}

/* The gradient at the largest z needs care. There p = 1 - rest / (1 + rest), and a rounded p may have lost the digits of 1 - p. Below,
 * `top` is the place of this z, `mass` the sum of all Y, and `beyond` the sum without Y at `top`. The gradient at `top` is beyond - mass
 * (1 - p). That is no better than mass p - Y where this Y is small. So it is used only if `beyond` is less than half of `mass`. */

static void F(real_transposed)(const T *z, const T *target, const T *weight, T *loss, T *d_z, int64_t n_rows, int64_t n) {
    V t[GROUPS * FEW_COLUMNS], Y[GROUPS * FEW_COLUMNS], largest[GROUPS], rest[GROUPS], mass[GROUPS] = {0}, linear[GROUPS] = {0};
    int64_t n_groups = F(transpose)(z, n_rows, n, t);
    F(transpose)(target, n_rows, n, Y);
    F(subtract_largest)(t, n_groups, n, largest);
    for (int64_t group = 0; group < n_groups; group++)
        for (int64_t j = group * n; j < (group + 1) * n; j++) {
            mass[group] += Y[j];
            linear[group] += Y[j] * t[j];
        }
    F(exp_and_rest)(t, n_groups, n, rest);
    for (int64_t row = 0; row < n_rows; row++)
        loss[row] = ((T *)mass)[row] * F(nnc_log1p_of_positive)(((T *)rest)[row]) - ((T *)linear)[row];
    if (d_z == NULL) return;
    V scale[GROUPS] = {0};
    memcpy(scale, weight, (size_t)n_rows * sizeof(T));
    for (int64_t group = 0; group < n_groups; group++) {
        V *e = t + group * n, *own_Y = Y + group * n, zero = {0}, one = zero + 1, top = zero - 1, beyond = zero;
        for (int64_t j = n - 1; j >= 0; j--) top = F(choose)(e[j] == one, zero + (T)j, top);
        for (int64_t j = 0; j < n; j++) beyond += F(choose)(top == (T)j, zero, own_Y[j]);
        top = F(choose)(beyond + beyond < mass[group], top, zero - 1);
        V share = mass[group] / (1 + rest[group]), of_top = beyond - rest[group] * share;
        for (int64_t j = 0; j < n; j++) e[j] = scale[group] * F(choose)(top == (T)j, of_top, e[j] * share - own_Y[j]);
    }
    F(transpose_back)(t, d_z, n_rows, n);
}

static void F(real_rows)(const T *z, const T *Y, const T *weight, T *loss, T *d_z, int64_t n_rows, int64_t n) {
    T largest[PART_ROWS], rest[PART_ROWS];
    int64_t whole = WHOLE(n);
    F(exp_rows)(z, n_rows, n, d_z, largest, rest);
    for (int64_t row = 0; row < n_rows; row++, z += n, Y += n) {
        T mass = 0, linear = 0, beyond = 0;
        if (whole > 0) {
            V masses = {0}, linears = {0};
            for (int64_t j = 0; j < whole; j += LANES) {
                masses += F(load)(Y + j);
                linears += F(load)(Y + j) * (F(load)(z + j) - largest[row]);
            }
            mass = F(total)(masses), linear = F(total)(linears);
        }
        for (int64_t j = whole; j < n; j++) {
            mass += Y[j];
            linear += Y[j] * (z[j] - largest[row]);
        }
        loss[row] = mass * F(nnc_log1p_of_positive)(rest[row]) - linear;
        if (d_z == NULL) continue;
        int64_t top = 0;
        while (top < n && d_z[top] != 1) top++;
        if (whole > 0) {
            V lanes = {0}, beyonds = {0};
            for (int64_t lane = 0; lane < LANES; lane++) lanes[lane] = (T)lane;
            for (int64_t j = 0; j < whole; j += LANES) beyonds += F(choose)(lanes == (T)(top - j), (V){0}, F(load)(Y + j));
            beyond = F(total)(beyonds);
        }
        for (int64_t j = whole; j < n; j++) beyond += j == top ? 0 : Y[j];
        T share = mass / (1 + rest[row]);
        for (int64_t j = 0; j < n; j++) d_z[j] = weight[row] * (d_z[j] * share - Y[j]);
        if (top < n && beyond + beyond < mass) d_z[top] = weight[row] * (beyond - rest[row] * share);
        d_z += n;
    }
}

/* Label smoothing: corrects loss and d_z for a fraction e of every target that is spread over the n classes. Y decreases by e (Y - mean
 * Y). */

static void F(spread_labels)(const T *z, const int64_t *labels, const T *weight, T *loss, T *d_z, int64_t n_rows, int64_t n, T e) {
    for (int64_t row = 0; row < n_rows; row++, z += n) {
        T share = e / (T)n;
        loss[row] -= share * F(sum_beyond)(z, z[labels[row]], n);
        if (d_z == NULL) continue;
        for (int64_t j = 0; j < n; j++) d_z[j] -= weight[row] * share;
        d_z[labels[row]] += weight[row] * e;
        d_z += n;
    }
}

static void F(spread_real)(const T *z, const T *Y, const T *weight, T *loss, T *d_z, int64_t n_rows, int64_t n, T e) {
    for (int64_t row = 0; row < n_rows; row++, z += n, Y += n) {
        T mean = F(sum_beyond)(Y, 0, n) / (T)n, moved = 0;
        int64_t whole = WHOLE(n);
        if (whole > 0) {
            V parts = {0};
            for (int64_t j = 0; j < whole; j += LANES) parts += (F(load)(Y + j) - mean) * (F(load)(z + j) - z[0]);
            moved = F(total)(parts);
        }
        for (int64_t j = whole; j < n; j++) moved += (Y[j] - mean) * (z[j] - z[0]);
        loss[row] += e * moved;
        if (d_z == NULL) continue;
        for (int64_t j = 0; j < n; j++) d_z[j] += weight[row] * (e * (Y[j] - mean));
        d_z += n;
    }
}

static int32_t F(softmax_cross_entropy_labels)(const nnc_loss_call *call) {
    const T *output = call->output, *weight = call->weight;
    const int64_t *labels = call->labels;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs;
    const double *hyper = call->site->hyper;
    for (int64_t row = 0, n; row < n_rows; row += n) {
        n = BLOCK_ROWS(n_rows - row, n_outputs);
        T *d_z = d_output == NULL ? NULL : d_output + row * n_outputs;
        (IS_BLOCK(n, n_outputs) ? F(labels_transposed) : F(labels_rows))(output + row * n_outputs, labels + row, weight + row, loss + row,
                                                                         d_z, n, n_outputs);
    }
    if (hyper[0] > 0) F(spread_labels)(output, labels, weight, loss, d_output, n_rows, n_outputs, (T)hyper[0]);
    return 0;
}

static int32_t F(softmax_cross_entropy_real)(const nnc_loss_call *call) {
    const T *output = call->output, *target = call->target, *weight = call->weight;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_rows = call->n_rows, n_outputs = call->n_outputs;
    const double *hyper = call->site->hyper;
    for (int64_t row = 0, n; row < n_rows; row += n) {
        n = BLOCK_ROWS(n_rows - row, n_outputs);
        T *d_z = d_output == NULL ? NULL : d_output + row * n_outputs;
        (IS_BLOCK(n, n_outputs) ? F(real_transposed) : F(real_rows))(output + row * n_outputs, target + row * n_outputs, weight + row,
                                                                     loss + row, d_z, n, n_outputs);
    }
    if (hyper[0] > 0) F(spread_real)(output, target, weight, loss, d_output, n_rows, n_outputs, (T)hyper[0]);
    return 0;
}

#endif
