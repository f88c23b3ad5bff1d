/* exp, log, log1p, tanh and sigmoid of one number, written so that a loop over them becomes vector code.
 *
 * There is no branch, no call and no table: only arithmetic, comparisons that select, and the bits of a number read as an
 * integer, which GCC and Clang vectorise at every CPU level without -ffast-math. Errors stay below 3 ULP over all numbers,
 * subnormal results included. NaN passes through, infinities give the limits, tanh keeps the sign of a zero. Nothing relies on
 * fused multiply-add, but levels that have it and levels that do not may differ in the last place.
 *
 * Templates reach the functions as F(nnc_exp)(x). Include before float32.h and float64.h. */
#ifndef NNCORE_VECTOR_MATH_H
#define NNCORE_VECTOR_MATH_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "level.h"

/* (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2. The polynomials of this file are minimax in the relative error of their function. */
NNC_INLINE float nnc_exp_tail_f32(float r) {
    float q = 1.3814597e-3f;
    q = q * r + 8.3687169e-3f;
    q = q * r + 4.16683881e-2f;
    q = q * r + 1.66665206e-1f;
    return q * r + 4.99999934e-1f;
}

NNC_INLINE double nnc_exp_tail_f64(double r) {
    double q = 2.5000061626415511e-8;
    q = q * r + 2.7630248385771479e-7;
    q = q * r + 2.7557586373784997e-6;
    q = q * r + 2.4801493098886233e-5;
    q = q * r + 1.9841269506578721e-4;
    q = q * r + 1.3888888943630135e-3;
    q = q * r + 8.3333333334944617e-3;
    q = q * r + 4.1666666666530158e-2;
    q = q * r + 1.6666666666666413e-1;
    return q * r + 5.0000000000000106e-1;
}

/* (2 atanh(s) - 2 s) / s^3 as a function of s^2, for |s| <= (sqrt(2) - 1) / (sqrt(2) + 1). */
NNC_INLINE float nnc_atanh_tail_f32(float s2) {
    float q = 2.9871886e-1f;
    q = q * s2 + 3.9977537e-1f;
    return q * s2 + 6.6666776e-1f;
}

NNC_INLINE double nnc_atanh_tail_f64(double s2) {
    double q = 1.4796103636452206e-1;
    q = q * s2 + 1.5314036009114776e-1;
    q = q * s2 + 1.8183564860250342e-1;
    q = q * s2 + 2.2222198563598603e-1;
    q = q * s2 + 2.8571428742473930e-1;
    q = q * s2 + 3.9999999999414324e-1;
    return q * s2 + 6.6666666666667345e-1;
}

#include "nncore/float32.h"
#define BITS uint32_t
#define FRACTION_BITS 23
#define EXPONENT_BIAS 127
#define SMALLEST_NORMAL FLT_MIN
#define LARGEST FLT_MAX
#define SQRT_HALF_BITS 0x3f3504f3u
#define LN2_HIGH 0.693359375f /* so few digits that its product with any exponent is exact */
#define LN2_LOW -2.12194440e-4f
#define EXP_IS_ZERO -104.0f
#define EXP_IS_INFINITE 89.0f
#define TANH_IS_ONE 10.0f
#include "vector_math_template.h"

#include "nncore/float64.h"
#define BITS uint64_t
#define FRACTION_BITS 52
#define EXPONENT_BIAS 1023
#define SMALLEST_NORMAL DBL_MIN
#define LARGEST DBL_MAX
#define SQRT_HALF_BITS 0x3fe6a09e667f3bcdu
#define LN2_HIGH 6.93145751953125e-1
#define LN2_LOW 1.42860682030941723212e-6
#define EXP_IS_ZERO -746.0
#define EXP_IS_INFINITE 710.0
#define TANH_IS_ONE 20.0
#include "vector_math_template.h"

#undef T
#undef F
#endif
