/* 1 if a sample is classified correctly, else 0. hyper: the threshold, and whether each output is a binary label of its own. A sample
 * with NaN among its outputs is wrong, since no comparison with NaN holds. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "accuracy.c"
#include "nncore/float64.h"
#include "accuracy.c"

const nnc_metric NNC_TABLE(metric, accuracy) = {
    NNC_HEAD(nnc_metric), accuracy_real_f32, accuracy_real_f64, accuracy_labels_f32, accuracy_labels_f64,
};

#else

/* Whether output `label` is the largest one, and the first of equal ones. A loss may have more labels than outputs. */
static int F(is_largest)(const T *y, int64_t n, int64_t label) {
    if (label < 0 || label >= n) return 0;
    T chosen = y[label];
    int is_larger = 1;
    for (int64_t j = 0; j < label; j++) is_larger &= y[j] < chosen;
    for (int64_t j = label + 1; j < n; j++) is_larger &= y[j] <= chosen;
    return is_larger;
}

static int32_t F(accuracy_labels)(const nnc_metric_call *call) {
    const T *y = call->output;
    T threshold = (T)call->site->hyper[0];
    int64_t n = call->n_outputs;
    for (int64_t i = 0; i < call->n_rows; i++, y += n) {
        int is_yes = (double)call->labels[i] > call->site->hyper[0];
        call->terms[i] = n > 1 ? F(is_largest)(y, n, call->labels[i]) : y[0] == y[0] && (y[0] > threshold) == is_yes;
    }
    return 0;
}

static int32_t F(accuracy_real)(const nnc_metric_call *call) {
    const T *y = call->output, *target = call->target;
    T threshold = (T)call->site->hyper[0];
    int64_t n = call->n_outputs;
    int has_questions = n == 1 || call->site->hyper[1] != 0;
    for (int64_t i = 0; i < call->n_rows; i++, y += n, target += n) {
        int is_correct = 1;
        if (has_questions) {
            for (int64_t j = 0; j < n; j++) is_correct &= y[j] == y[j] && (y[j] > threshold) == (target[j] > threshold);
        } else {
            int64_t label = 0;
            for (int64_t j = 1; j < n; j++) label = target[j] > target[label] ? j : label;
            is_correct = F(is_largest)(y, n, label);
        }
        call->terms[i] = is_correct;
    }
    return 0;
}

#endif
