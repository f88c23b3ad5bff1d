/* exp, log, log1p, tanh and sigmoid of one number, written so that a loop over them becomes vector code.
 *
 * The float functions have no branch, no call and no table: only arithmetic, comparisons that select, and reading the bits of a
 * number as an integer, which GCC and Clang vectorise at every CPU level without -ffast-math. Their error is below 2.5 ULP over
 * all floats, subnormal results included; the double functions are the C library's. All pass NaN through, return the limits at
 * +-infinity and keep the sign of a zero. Templates reach them as F(nnc_exp)(x).
 *
 * Nothing here relies on fused multiply-add, but results differ by an ULP between CPU levels that have it and those that do not. */
#ifndef NNCORE_VECTOR_MATH_H
#define NNCORE_VECTOR_MATH_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t nnc_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float nnc_from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^k for -126 <= k <= 127. */
static inline float nnc_power_of_two(int32_t k) { return nnc_from_bits((uint32_t)(k + 127) << 23); }

/* exp(x) = 2^k (1 + p) with |p| < 0.42; -151 <= x / ln 2 <= 129. The caller puts the parts together as it needs them. */
typedef struct nnc_exp_parts {
    int32_t k;
    float p;
} nnc_exp_parts;

static inline nnc_exp_parts nnc_split_exp(float x) {
    const float round_to_integer = 12582912.0f; /* 1.5 * 2^23: adding it leaves the nearest integer in the lowest bits */
    float shifted = x * 1.44269504f + round_to_integer;
    float k = shifted - round_to_integer;
    /* ln 2 in two parts, the first short enough for k times it to be exact. */
    float r = x - k * 0.693359375f;
    r = r - k * -2.12194440e-4f;
    /* (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2, coefficients of Cephes' expf (Moshier 1989). */
    float q = 1.9875691500e-4f;
    q = q * r + 1.3981999507e-3f;
    q = q * r + 8.3334519073e-3f;
    q = q * r + 4.1665795894e-2f;
    q = q * r + 1.6666665459e-1f;
    q = q * r + 5.0000001201e-1f;
    nnc_exp_parts parts = {(int32_t)(nnc_bits(shifted) - nnc_bits(round_to_integer)), q * (r * r) + r};
    return parts;
}

static inline float nnc_exp_f32(float x) {
    /* Beyond these bounds the result is 0 or infinity, and so it is at them. The comparisons let NaN pass. */
    x = x < -104.0f ? -104.0f : x;
    x = x > 89.0f ? 89.0f : x;
    nnc_exp_parts e = nnc_split_exp(x);
    /* 2^k in two factors, since k may be as low as -150 or as high as 128. */
    int32_t half = e.k >> 1;
    return (1.0f + e.p) * nnc_power_of_two(half) * nnc_power_of_two(e.k - half);
}

static inline float nnc_log_f32(float x) {
    /* x = 2^k m with sqrt(1/2) <= m < sqrt(2); a subnormal x is scaled up first. */
    int is_subnormal = x < FLT_MIN;
    float normal = is_subnormal ? x * 8388608.0f : x;
    uint32_t above = nnc_bits(normal) - 0x3f3504f3u; /* bits of sqrt(1/2) */
    float k = (float)((int32_t)above >> 23) - (is_subnormal ? 23.0f : 0.0f);
    float f = nnc_from_bits((above & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    /* (log(1 + f) - f + f^2 / 2) / f^3, coefficients of Cephes' logf. */
    float q = 7.0376836292e-2f;
    q = q * f - 1.1514610310e-1f;
    q = q * f + 1.1676998740e-1f;
    q = q * f - 1.2420140846e-1f;
    q = q * f + 1.4249322787e-1f;
    q = q * f - 1.6668057665e-1f;
    q = q * f + 2.0000714765e-1f;
    q = q * f - 2.4999993993e-1f;
    q = q * f + 3.3333331174e-1f;
    float f2 = f * f;
    float small = q * (f * f2) + k * -2.12194440e-4f - 0.5f * f2;
    float result = (f + small) + k * 0.693359375f;
    result = x == 0.0f ? -INFINITY : result;
    result = x < 0.0f ? NAN : result;
    return x <= FLT_MAX ? result : x; /* infinity and NaN */
}

/* log(1 + x), also where 1 + x loses digits of x. */
static inline float nnc_log1p_f32(float x) {
    float u = 1.0f + x;
    float lost = (x - (u - 1.0f)) / u;
    /* At u = 0 and u = infinity the correction is NaN, the logarithm alone is right. */
    float result = nnc_log_f32(u) + (u > 0.0f && u <= FLT_MAX ? lost : 0.0f);
    return x == 0.0f ? x : result;
}

static inline float nnc_tanh_f32(float x) {
    /* tanh|x| = -t / (2 + t) with t = exp(-2|x|) - 1, put together without cancellation: k = 0 near 0, and 2^k - 1 is exact. */
    float magnitude = fabsf(x);
    magnitude = magnitude > 10.0f ? 10.0f : magnitude; /* tanh(10) rounds to 1 */
    nnc_exp_parts e = nnc_split_exp(-2.0f * magnitude);
    float scale = nnc_power_of_two(e.k);
    float t = scale * e.p + (scale - 1.0f);
    return copysignf(t / (2.0f + t), x);
}

static inline float nnc_sigmoid_f32(float x) {
    float e = nnc_exp_f32(-fabsf(x));
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

static inline double nnc_exp_f64(double x) { return exp(x); }
static inline double nnc_log_f64(double x) { return log(x); }
static inline double nnc_log1p_f64(double x) { return log1p(x); }
static inline double nnc_tanh_f64(double x) { return tanh(x); }

static inline double nnc_sigmoid_f64(double x) {
    double e = exp(-fabs(x));
    return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

#endif
