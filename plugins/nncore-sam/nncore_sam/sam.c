/* SAM (Foret et al. 2021): w += rho g / |g| for the second gradient. hyper: rho. */
#ifndef T
#include "cpu.h"
#include "nncore/plugin.h"

/* Prevents division by zero where all gradients are 0. */
#define SMALLEST_NORM 1e-12

#include "nncore/float32.h"
#include "sam.c"
#include "nncore/float64.h"
#include "sam.c"

const nnc_optimizer nncore_sam_sam = {
    .head = NNC_HEAD(nnc_optimizer),
    .perturb_f32 = sam_perturb_f32,
    .perturb_f64 = sam_perturb_f64,
};

#else

FOR_EACH_CPU static int32_t F(sam_perturb)(const nnc_optimizer_call *call) {
    T *w = call->w;
    const T *g = call->g;
    T factor = (T)(call->site->hyper[0] / (call->norm + SMALLEST_NORM));
    for (int64_t i = 0; i < call->n; i++) w[i] += factor * g[i];
    return 0;
}

#endif
