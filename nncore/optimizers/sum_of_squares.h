/* The sum of squares for norms of whole tensors. A template: include after float32.h or float64.h. */

#define LANES 16

/* Partial sums in lanes, so that it vectorises. A float's square is exact in double, and a sum of such squares does not overflow. */
static double F(sum_of_squares)(const T *x, int64_t n) {
    double sums[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int64_t lane = 0; lane < LANES; lane++) sums[lane] += (double)x[i + lane] * (double)x[i + lane];
    for (; i < n; i++) sums[0] += (double)x[i] * (double)x[i];
    for (int64_t lane = 1; lane < LANES; lane++) sums[0] += sums[lane];
    return sums[0];
}

#undef LANES
