/* What a CPU level could do at best: the ground that speeds are measured against. Compiled once per CPU level. */
#ifndef NNCORE_PEAK_H
#define NNCORE_PEAK_H

#include <stdint.h>

#define NNC_PRODUCT_SIZE INT64_C(256)

typedef struct nnc_peak {
    const char *instructions; /* the vector instructions of the level, as their makers write them */

    /* Multiply-adds in registers, with nothing to wait for. Return the floating-point operations done. */
    double (*multiply_add_f32)(int64_t n_rounds, float *sink /* (16,) */);
    double (*multiply_add_f64)(int64_t n_rounds, double *sink /* (8,) */);

    /* One product of two matrices as layers make them, with the copies it needs, in float32 or, if it `rounds`, in bfloat16. Returns the operations
     * done, 0 if there was no memory for the copies. */
    double (*product)(int rounds, float *matrices /* (3, NNC_PRODUCT_SIZE, NNC_PRODUCT_SIZE), the third is written */);

    /* The memory traffic of one step of Adam, with less arithmetic: reads w, g, m and v, writes w, m and v. All (n,). */
    void (*update_f32)(float *w, const float *g, float *m, float *v, int64_t n);
} nnc_peak;

#define NNC_PEAK_(level) nnc_peak_##level
#define NNC_PEAK(level) NNC_PEAK_(level)

#endif
