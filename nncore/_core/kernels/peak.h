/* Peak speeds of a CPU level, to compare measured speeds with. Compiled once per CPU level. */
#ifndef NNCORE_PEAK_H
#define NNCORE_PEAK_H

#include <stdint.h>

#define NNC_PRODUCT_SIZE INT64_C(256)

typedef struct nnc_peak {
    const char *instructions; /* the vector instructions of the level, as their makers write them */

    /* Multiply-adds in registers, without memory accesses. Return the number of floating-point operations. */
    double (*multiply_add_f32)(int64_t n_rounds, float *sink /* (16,) */);
    double (*multiply_add_f64)(int64_t n_rounds, double *sink /* (8,) */);

    /* One matrix product as in layers, with its packing, in float32, or in bfloat16 if it `rounds`. Returns the number of operations, or
     * 0 if there was no memory for packing. */
    double (*product)(int rounds, float *matrices /* (3, NNC_PRODUCT_SIZE, NNC_PRODUCT_SIZE), the third is written */);

    /* The memory traffic of one step of Adam, with less arithmetic: reads w, g, m and v, writes w, m and v. All (n,). */
    void (*update_f32)(float *w, const float *g, float *m, float *v, int64_t n);
} nnc_peak;

#define NNC_PEAK_(level) nnc_peak_##level
#define NNC_PEAK(level) NNC_PEAK_(level)

#endif
