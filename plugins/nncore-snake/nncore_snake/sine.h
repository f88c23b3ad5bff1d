/* Sine and cosine of an angle u. Both may have the opposite sign, which squares and products of the two do not show. So float needs only
 * the distance r of u from the nearest multiple of pi, and polynomials on [-pi/2, pi/2]. GCC and Clang turn these into vector code. A
 * call of sinf would keep the loop scalar, and cost ten times as much. In double they are those of the C library. */
#ifndef NNCORE_SNAKE_SINE_H
#define NNCORE_SNAKE_SINE_H

#include <float.h>
#include <math.h>
#include <stdint.h>

/* Templates reach the functions as F(angle)(u), F(sine)(r), F(cosine)(r). From 1/epsilon on, neighbouring numbers are a radian or more
 * apart, so there is no angle: the result is 0, also for infinities and NaN. The distance is computed in double, where float's largest u
 * is exact and n pi is good to 3e-10. Adding and subtracting 1.5 2^52 rounds to an integer. */
static inline float angle_f32(float u) {
    float inside = fabsf(u) < 1 / FLT_EPSILON ? u : 0;
    double wide = inside;
    double n = (wide * 0.31830988618379067 + 0x1.8p52) - 0x1.8p52;
    return (float)(wide - n * 3.14159265358979324);
}

static inline double angle_f64(double u) { return fabs(u) < 1 / DBL_EPSILON ? u : 0; }

/* Minimax polynomials in r^2: relative error 6e-9 for the sine, absolute 3e-10 for the cosine, before rounding. */
static inline float sine_f32(float r) {
    float r2 = r * r;
    float q = 2.60575075e-6f;
    q = q * r2 - 1.98095906e-4f;
    q = q * r2 + 8.33306648e-3f;
    q = q * r2 - 1.66666597e-1f;
    return r + r * (r2 * q);
}

static inline float cosine_f32(float r) {
    float r2 = r * r;
    float q = -2.60768168e-7f;
    q = q * r2 + 2.47618706e-5f;
    q = q * r2 - 1.38884032e-3f;
    q = q * r2 + 4.16666407e-2f;
    q = q * r2 - 4.99999995e-1f;
    return 1 + r2 * q;
}

static inline double sine_f64(double r) { return sin(r); }
static inline double cosine_f64(double r) { return cos(r); }

#endif
