/* exp, expm1, log, log1p, tanh, sigmoid, sin and cos of pi x, and the normal distribution of one number, written so that a loop over them
 * becomes vector code.
 *
 * There is no branch, no call and no table: only arithmetic, comparisons that select, and the bits of a number read as an integer. GCC and
 * Clang vectorise this at every CPU level without -ffast-math. expm1 takes numbers that are not positive. log1p takes those in 0 .. 1, and
 * a second form all positive ones. Errors stay below 3 ULP for all numbers, subnormal results included (below 4 for x Phi(-x) as gelu.c
 * computes it). NaN passes through, infinities give the limits, and tanh keeps the sign of a zero. Nothing relies on fused multiply-add,
 * but levels with it and levels without it may differ in the last place.
 *
 * Templates reach the functions as F(nnc_exp)(x). Include before float32.h and float64.h. */
#ifndef NNCORE_VECTOR_MATH_H
#define NNCORE_VECTOR_MATH_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "level.h"

#if defined(__GNUC__) && !defined(__clang__)
/* GCC's jump threading merges two comparisons of a number before vectorisation. That would make masks instead of a minimum and a
 * maximum. */
#    pragma GCC optimize("no-thread-jumps")
#endif

/* Arguments at which functions reach their limits; ends.c has the numbers. Compilers must not know them: GCC makes masks and selections
 * of two comparisons with constants, but a maximum and a minimum of two with variables. */
#define NNC_ENDS_(suffix, level) nnc_ends_##suffix##_##level
#define NNC_ENDS(suffix, level) NNC_ENDS_(suffix, level)
#define nnc_ends_f32 NNC_ENDS(f32, NNC_LEVEL)
#define nnc_ends_f64 NNC_ENDS(f64, NNC_LEVEL)
#define NNC_DECLARE_ENDS(T, ends)                                                                 \
    extern const struct ends {                                                                    \
        T exp_is_zero, exp_is_infinite;                                                           \
        T moderate; /* from here on exp(x) is so much more than 1 that 1 + exp(x) rounds to it */ \
        T expm1_is_minus_one;                                                                     \
        T normal_is_zero; /* exp(-x^2 / 2) */                                                     \
    } ends
NNC_DECLARE_ENDS(float, nnc_ends_f32);
NNC_DECLARE_ENDS(double, nnc_ends_f64);

/* (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2. The polynomials of this file are minimax in the relative error of their function. */
NNC_INLINE float nnc_exp_tail_f32(float r) {
    float r2 = r * r, low = nnc_fma_f32(r, 1.66665206e-1f, 4.99999934e-1f), high = nnc_fma_f32(r, 8.3687169e-3f, 4.16683881e-2f);
    return nnc_fma_f32(r2, nnc_fma_f32(r2, 1.3814597e-3f, high), low);
}

NNC_INLINE double nnc_exp_tail_f64(double r) {
    double q = 2.5000061626415511e-8;
    q = nnc_fma_f64(q, r, 2.7630248385771479e-7);
    q = nnc_fma_f64(q, r, 2.7557586373784997e-6);
    q = nnc_fma_f64(q, r, 2.4801493098886233e-5);
    q = nnc_fma_f64(q, r, 1.9841269506578721e-4);
    q = nnc_fma_f64(q, r, 1.3888888943630135e-3);
    q = nnc_fma_f64(q, r, 8.3333333334944617e-3);
    q = nnc_fma_f64(q, r, 4.1666666666530158e-2);
    q = nnc_fma_f64(q, r, 1.6666666666666413e-1);
    return nnc_fma_f64(q, r, 5.0000000000000106e-1);
}

/* (2 atanh(s) - 2 s) / s^3 as a function of s^2, for |s| <= (sqrt(2) - 1) / (sqrt(2) + 1). */
NNC_INLINE float nnc_atanh_tail_f32(float s2) {
    float q = 2.9871886e-1f;
    q = nnc_fma_f32(q, s2, 3.9977537e-1f);
    return nnc_fma_f32(q, s2, 6.6666776e-1f);
}

NNC_INLINE double nnc_atanh_tail_f64(double s2) {
    double q = 1.4796103636452206e-1;
    q = nnc_fma_f64(q, s2, 1.5314036009114776e-1);
    q = nnc_fma_f64(q, s2, 1.8183564860250342e-1);
    q = nnc_fma_f64(q, s2, 2.2222198563598603e-1);
    q = nnc_fma_f64(q, s2, 2.8571428742473930e-1);
    q = nnc_fma_f64(q, s2, 3.9999999999414324e-1);
    return nnc_fma_f64(q, s2, 6.6666666666667345e-1);
}

/* The same for |s| <= 1/3. */
NNC_INLINE float nnc_wide_atanh_tail_f32(float s2) {
    float q = 2.32335642e-1f;
    q = nnc_fma_f32(q, s2, 2.17045331e-1f);
    q = nnc_fma_f32(q, s2, 2.85924989e-1f);
    q = nnc_fma_f32(q, s2, 3.99997032e-1f);
    return nnc_fma_f32(q, s2, 6.66666673e-1f);
}

NNC_INLINE double nnc_wide_atanh_tail_f64(double s2) {
    double q = 1.6172372522579059e-1;
    q = nnc_fma_f64(q, s2, 8.7965840064435627e-2);
    q = nnc_fma_f64(q, s2, 1.2001936214906146e-1);
    q = nnc_fma_f64(q, s2, 1.3314047479705865e-1);
    q = nnc_fma_f64(q, s2, 1.5385576378178434e-1);
    q = nnc_fma_f64(q, s2, 1.8181789194221706e-1);
    q = nnc_fma_f64(q, s2, 2.2222222722631396e-1);
    q = nnc_fma_f64(q, s2, 2.8571428567052737e-1);
    q = nnc_fma_f64(q, s2, 4.0000000000014813e-1);
    return nnc_fma_f64(q, s2, 6.6666666666666663e-1);
}

/* (sin(pi r) / r - pi) / r^2 as a function of r^2, for |r| <= 1/2. */
NNC_INLINE float nnc_sine_tail_f32(float r2) {
    float q = 7.767597339e-2f;
    q = nnc_fma_f32(q, r2, -5.983080946e-1f);
    q = nnc_fma_f32(q, r2, 2.550082306f);
    return nnc_fma_f32(q, r2, -5.167710514f);
}

NNC_INLINE double nnc_sine_tail_f64(double r2) {
    double q = 7.6966953692212814e-7;
    q = nnc_fma_f64(q, r2, -2.1903396565629341e-5);
    q = nnc_fma_f64(q, r2, 4.6629978213761895e-4);
    q = nnc_fma_f64(q, r2, -7.3704305006887731e-3);
    q = nnc_fma_f64(q, r2, 8.2145886572827530e-2);
    q = nnc_fma_f64(q, r2, -5.9926452931896110e-1);
    q = nnc_fma_f64(q, r2, 2.5501640398773029);
    return nnc_fma_f64(q, r2, -5.1677127800499697);
}

/* bend(x) for 0 <= x <= normal_is_zero. It is defined by exp(-x^2 / 2) / Phi(-x) = 2 + x (sqrt(2 pi) - bend(x)), where Phi is the
 * distribution function of the standard normal. At most a fifth of its relative error reaches this ratio. */
NNC_INLINE float nnc_normal_bend_f32(float x) {
    float p = 4.01629519e-3f, q = 2.00811390e-3f;
    p = nnc_fma_f32(p, x, 4.60133736e-2f);
    p = nnc_fma_f32(p, x, 2.41393501e-1f);
    p = nnc_fma_f32(p, x, 6.75912562e-1f);
    p = nnc_fma_f32(p, x, 9.10859156e-1f);
    q = nnc_fma_f32(q, x, 2.55254303e-2f);
    q = nnc_fma_f32(q, x, 1.52638685e-1f);
    q = nnc_fma_f32(q, x, 5.24967031e-1f);
    q = nnc_fma_f32(q, x, 1.04204064f);
    return p / nnc_fma_f32(q, x, 1);
}

NNC_INLINE double nnc_normal_bend_f64(double x) {
    double p = 9.7395264752038115e-7, q = 4.8697632376336882e-7;
    p = nnc_fma_f64(p, x, 2.8755431021630609e-5);
    p = nnc_fma_f64(p, x, 4.1595059282231032e-4);
    p = nnc_fma_f64(p, x, 3.8195544722002507e-3);
    p = nnc_fma_f64(p, x, 2.4377327791393135e-2);
    p = nnc_fma_f64(p, x, 1.1184614287823874e-1);
    p = nnc_fma_f64(p, x, 3.6918422172952068e-1);
    p = nnc_fma_f64(p, x, 8.4921539551317709e-1);
    p = nnc_fma_f64(p, x, 1.2475045020565269);
    p = nnc_fma_f64(p, x, 9.1085915302526977e-1);
    q = nnc_fma_f64(q, x, 1.4988049821260945e-5);
    q = nnc_fma_f64(q, x, 2.2676003120604279e-4);
    q = nnc_fma_f64(q, x, 2.1927581167386828e-3);
    q = nnc_fma_f64(q, x, 1.4899309316025970e-2);
    q = nnc_fma_f64(q, x, 7.4034282599100488e-2);
    q = nnc_fma_f64(q, x, 2.7207183088204318e-1);
    q = nnc_fma_f64(q, x, 7.3104745950418403e-1);
    q = nnc_fma_f64(q, x, 1.3805211388628661);
    q = nnc_fma_f64(q, x, 1.6695710217554311);
    return p / nnc_fma_f64(q, x, 1);
}

#include "nncore/float32.h"
#define BITS uint32_t
#define FRACTION_BITS 23
#define EXPONENT_BIAS 127
#define LIFT 32
#define SMALLEST_NORMAL FLT_MIN
#define LARGEST FLT_MAX
#define SQRT_HALF_BITS 0x3f3504f3u
#define LN2_HIGH 0.693359375f /* so few digits that its product with any exponent is exact */
#define LN2_LOW -2.12194440e-4f
#include "vector_math_template.h"

#include "nncore/float64.h"
#define BITS uint64_t
#define FRACTION_BITS 52
#define EXPONENT_BIAS 1023
#define LIFT 64
#define SMALLEST_NORMAL DBL_MIN
#define LARGEST DBL_MAX
#define SQRT_HALF_BITS 0x3fe6a09e667f3bcdu
#define LN2_HIGH 6.93145751953125e-1
#define LN2_LOW 1.42860682030941723212e-6
#include "vector_math_template.h"

#undef T
#undef F
#endif
