/* Mixing of rows with other rows of the batch: what a step draws, and then, in a template to include after float32.h or float64.h, the
 * targets. */
#ifndef T
#include <math.h>

#define TWO_TO_32 4294967296.0

/* What a step draws: the share of a row in its mixture, at least 1/2, and how many rows further on its partner is. */
typedef struct mixing {
    double share;
    int64_t distance;
} mixing;

/* Draws a share from Beta(alpha, alpha) and a distance. hyper[0] is alpha. By Devroye (1996), the share is a function of a number from
 * Student's t with 2 alpha degrees of freedom, sqrt(2 alpha (u^(-1/alpha) - 1)) cos(2 pi v). It is written so that nothing overflows. */
static mixing draw(const nnc_transform_call *call) {
    uint32_t words[4];
    const nnc_site *site = call->site;
    site->host->random_words(site->seed, site->step, site->layer, 0, 4, words);
    double u = ((double)words[0] + ((double)words[1] + 0.5) / TWO_TO_32) / TWO_TO_32, v = (double)words[2] / TWO_TO_32;
    double q = pow(u, 1 / site->hyper[0]), c = cos(2 * 3.14159265358979323846 * v);
    mixing drawn = {0.5 + 0.5 * sqrt(1 - q) * fabs(c) / sqrt(q + (1 - q) * c * c), 0};
    if (call->batch_rows > 1) drawn.distance = 1 + (int64_t)((uint64_t)words[3] * (uint64_t)(call->batch_rows - 1) >> 32);
    return drawn;
}

#else

/* Writes weight and target of row i of the call. Its own row of the batch counts `share`, row `partner` the rest. */
NNC_INLINE void F(mix_target)(const nnc_transform_call *call, int64_t i, int64_t partner, T share) {
    int64_t row = call->first_row + i, n_targets = call->n_targets;
    T weight = ((const T *)call->source_weight)[row], other_weight = ((const T *)call->source_weight)[partner];
    T total = other_weight + share * (weight - other_weight);
    T of_own = weight == other_weight || total <= 0 ? share : share * weight / total;
    ((T *)call->weight)[i] = total;
    const T *own = (const T *)call->source_target + row * n_targets, *other = (const T *)call->source_target + partner * n_targets;
    T *restrict target = (T *)call->target + i * n_targets;
    for (int64_t j = 0; j < n_targets; j++) target[j] = other[j] + of_own * (own[j] - other[j]);
}

#endif
