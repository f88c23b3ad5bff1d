/* Sums over consecutive numbers, in float64. They have eight partial sums, so that they vectorise; their number affects the bits. A
 * template: include after float32.h or float64.h. */

NNC_INLINE double F(sum_of_magnitudes)(const T *w, int64_t n) {
    double sums[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int64_t lane = 0; lane < 8; lane++) sums[lane] += fabs((double)w[i + lane]);
    for (; i < n; i++) sums[0] += fabs((double)w[i]);
    for (int64_t lane = 1; lane < 8; lane++) sums[0] += sums[lane];
    return sums[0];
}

NNC_INLINE double F(sum_of_squares)(const T *w, int64_t n) {
    double sums[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int64_t lane = 0; lane < 8; lane++) sums[lane] += (double)w[i + lane] * (double)w[i + lane];
    for (; i < n; i++) sums[0] += (double)w[i] * (double)w[i];
    for (int64_t lane = 1; lane < 8; lane++) sums[0] += sums[lane];
    return sums[0];
}
