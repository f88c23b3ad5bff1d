/* w moves towards 0 by rate lambda, but not past it. hyper: lambda, the strength. The parts are consecutive numbers. */
#ifndef T
#include <math.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "soft_threshold.c"
#include "nncore/float64.h"
#include "soft_threshold.c"

const nnc_constraint NNC_TABLE(constraint, soft_threshold) = {NNC_HEAD(nnc_constraint), soft_threshold_project_f32,
                                                              soft_threshold_project_f64};

#else

static int32_t F(soft_threshold_project)(const nnc_constraint_call *call) {
    T *w = call->w, threshold = (T)(call->rate * call->site->hyper[0]);
    for (int64_t i = 0; i < call->n_columns; i++) {
        T low = w[i] < -threshold ? -threshold : w[i];
        w[i] -= low > threshold ? threshold : low;
    }
    return 0;
}

#endif
