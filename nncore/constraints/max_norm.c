/* w = w min(1, limit / |w|) for each unit. hyper: limit, axis. */
#ifndef T
#include <math.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "max_norm.c"
#include "nncore/float64.h"
#include "max_norm.c"

const nnc_constraint NNC_TABLE(constraint, max_norm) = {NNC_HEAD(nnc_constraint), max_norm_project_f32, max_norm_project_f64};

#else

#include "norms.h"

static int32_t F(max_norm_project)(const nnc_constraint_call *call) {
    F(scale_units)(call, (int)call->site->hyper[1], call->site->hyper[0], 1);
    return 0;
}

#endif
