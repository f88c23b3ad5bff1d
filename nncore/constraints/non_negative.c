/* w = max(w, 0). The parts are consecutive numbers. */
#ifndef T
#include <math.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "non_negative.c"
#include "nncore/float64.h"
#include "non_negative.c"

const nnc_constraint NNC_TABLE(constraint, non_negative) = {NNC_HEAD(nnc_constraint), non_negative_project_f32, non_negative_project_f64};

#else

static int32_t F(non_negative_project)(const nnc_constraint_call *call) {
    T *w = call->w;
    for (int64_t i = 0; i < call->n_columns; i++) w[i] = w[i] < 0 ? 0 : w[i];
    return 0;
}

#endif
