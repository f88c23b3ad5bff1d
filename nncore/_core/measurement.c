/* Reports the best of many short bursts, because other programs and interrupts can only slow a burst down. */
#include "measurement.h"

#include <stdlib.h>

#include "clock.h"

#define BURST_ROUNDS 100000 /* a millisecond or so */
#define LINE 16             /* floats in a cache line */
#define BYTES_PER_PARAMETER 28

double nnc_peak_flops(const nnc_peak *peak, int is_f64, double seconds) {
    float sink_f32[16];
    double sink_f64[8], best = 0, start = nnc_now(), before = start, after;
    do {
        double done = is_f64 ? peak->multiply_add_f64(BURST_ROUNDS, sink_f64) : peak->multiply_add_f32(BURST_ROUNDS, sink_f32);
        after = nnc_now();
        if (done > best * (after - before)) best = done / (after - before);
        before = after;
    } while (after - start < seconds);
    return best;
}

double nnc_product_flops(const nnc_peak *peak, int rounds, double seconds) {
    const int64_t n = 3 * NNC_PRODUCT_SIZE * NNC_PRODUCT_SIZE;
    float *matrices = malloc((size_t)n * sizeof *matrices);
    if (matrices == NULL) return -1;
    for (int64_t i = 0; i < n; i++) matrices[i] = 1;
    double best = 0, start = nnc_now(), before = start, after;
    do {
        double done = peak->product(rounds, matrices);
        if (done == 0) best = -1;
        after = nnc_now();
        if (done > best * (after - before)) best = done / (after - before);
        before = after;
    } while (best > 0 && after - start < seconds);
    free(matrices);
    return best;
}

double nnc_memory_bandwidth(const nnc_peak *peak, int64_t n, double seconds) {
    /* Arrays a power of two apart would compete for the same sets of the caches. */
    int64_t stride = (n + LINE - 1) / LINE * LINE + 5 * LINE;
    float *room = malloc(((size_t)stride * 4 + LINE) * sizeof *room);
    if (room == NULL) return -1;
    float *w = room + (LINE - (uintptr_t)room / sizeof *room % LINE), *g = w + stride, *m = g + stride, *v = m + stride;
    for (int64_t i = 0; i < 4 * stride; i++) w[i] = 1; /* pages that were never written would all be read from the same zeros */
    double best = 0, start = nnc_now(), before = start, after;
    do {
        peak->update_f32(w, g, m, v, n);
        after = nnc_now();
        if ((double)n > best * (after - before)) best = (double)n / (after - before);
        before = after;
    } while (after - start < seconds);
    free(room);
    return best * BYTES_PER_PARAMETER;
}
