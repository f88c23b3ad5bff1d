/* Normal noise from random words. Compiled once per CPU level. */
#ifndef NNCORE_NOISE_H
#define NNCORE_NOISE_H

#include "level.h"

#define NNC_NOISE_(suffix, level) nnc_add_noise_##suffix##_##level
#define NNC_NOISE(suffix, level) NNC_NOISE_(suffix, level)
#define nnc_add_noise_f32 NNC_NOISE(f32, NNC_LEVEL)
#define nnc_add_noise_f64 NNC_NOISE(f64, NNC_LEVEL)

/* x = x + hyper[0] N(0, 1) for n numbers, which begin at number `before` of their batch. */
void nnc_add_noise_f32(const nnc_site *site, int64_t before, int64_t n, float *x);
void nnc_add_noise_f64(const nnc_site *site, int64_t before, int64_t n, double *x);

#endif
