/* w = w / |w| for each unit. hyper: axis. */
#ifndef T
#include <math.h>

#include "../_core/kernels/level.h"
#include "nncore/float32.h"
#include "unit_norm.c"
#include "nncore/float64.h"
#include "unit_norm.c"

const nnc_constraint NNC_TABLE(constraint, unit_norm) = {NNC_HEAD(nnc_constraint), unit_norm_project_f32, unit_norm_project_f64};

#else

#include "norms.h"

static int32_t F(unit_norm_project)(const nnc_constraint_call *call) {
    F(scale_units)(call, (int)call->site->hyper[0], 1, 0);
    return 0;
}

#endif
