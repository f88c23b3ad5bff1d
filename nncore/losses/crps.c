/* The first half of the outputs are means mu, the second half log-variances s; sigma = exp(s / 2), r = mu - Y, w = |r| / sigma.
 * loss = mean_t |r| (1 - 2 Phi(-w)) + sigma (2 phi(w) - 1 / sqrt(pi)); d_mu = sign(r) (1 - 2 Phi(-w)) / n_targets;
 * d_s = sigma (phi(w) - 1 / (2 sqrt(pi))) / n_targets. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

#define LOWEST -170                                     /* of s, so that sigma is a normal number */
#define DENSITY_AT_0 0.39894228040143267793994605993438 /* 1 / sqrt(2 pi) */
#define AT_MOST 0.56418958354775628694807945156077      /* 1 / sqrt(pi) */

#include "nncore/float32.h"
#include "crps.c"
#include "nncore/float64.h"
#include "crps.c"

const nnc_loss NNC_TABLE(loss, crps) = {
    NNC_HEAD(nnc_loss), crps_real_f32, crps_real_f64, NULL, NULL,
};

#else

static int32_t F(crps_real)(const nnc_loss_call *call) {
    const T *output = call->output, *target = call->target, *weight = call->weight;
    T *loss = call->loss, *d_output = call->d_output;
    int64_t n_outputs = call->n_outputs, n_targets = call->n_targets;
    for (int64_t row = 0; row < call->n_rows; row++) {
        const T *mean = output + row * n_outputs, *log_variance = mean + n_targets, *Y = target + row * n_targets;
        T sum = 0, share = weight[row] / (T)n_targets;
        for (int64_t t = 0; t < n_targets; t++) {
            T s = log_variance[t] < LOWEST ? LOWEST : log_variance[t], sigma = F(nnc_exp)(s / 2); /* lets NaN pass */
            T residual = mean[t] - Y[t], size = F(nnc_magnitude)(residual);
            F(nnc_normal_parts) normal = F(nnc_split_normal)(size / sigma);
            T e = F(nnc_times_moderate_power)(1 + normal.e.p, normal.e.k), inside = 1 - 2 * (e / normal.ratio),
              density = (T)DENSITY_AT_0 * e;
            sum += size * inside + sigma * (2 * density - (T)AT_MOST);
            if (d_output == NULL) continue;
            d_output[row * n_outputs + t] = share * (residual < 0 ? -inside : inside);
            d_output[row * n_outputs + n_targets + t] = share * (sigma * (density - (T)(AT_MOST / 2)));
        }
        loss[row] = sum / (T)n_targets;
    }
    return 0;
}

#endif
