/* w = max(w, 0) in some rows, and w = min(w, 0) in others. hyper: how many rows of the first kind, how many of the second, then the
 * rows. The parts have whole columns. */
#ifndef T
#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "monotone.c"
#include "nncore/float64.h"
#include "monotone.c"

const nnc_constraint NNC_TABLE(constraint, monotone) = {NNC_HEAD(nnc_constraint), monotone_project_f32, monotone_project_f64};

#else

static int32_t F(monotone_project)(const nnc_constraint_call *call) {
    const double *hyper = call->site->hyper;
    int64_t n_rising = (int64_t)hyper[0], n_named = n_rising + (int64_t)hyper[1];
    for (int64_t k = 0; k < n_named; k++) {
        int64_t row = (int64_t)hyper[2 + k];
        if (row >= call->n_rows) continue; /* validate_tensor has refused it */
        T *w = (T *)call->w + row * call->stride, sign = k < n_rising ? 1 : -1;
        for (int64_t j = 0; j < call->n_columns; j++) w[j] = sign * w[j] < 0 ? 0 : w[j];
    }
    return 0;
}

#endif
