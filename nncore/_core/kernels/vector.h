/* The widest vector of the CPU level being compiled, by the vector extensions of GCC and Clang. V is a vector of the template's T at any
 * address, R the same in a register. LANES is how many T they hold. Include before float32.h and float64.h. */
#ifndef NNCORE_VECTOR_H
#define NNCORE_VECTOR_H

#include <stdint.h>

#include "level.h"

#if defined(__AVX512F__)
#    include <immintrin.h>
#    define NNC_VECTOR_BYTES 64
#elif defined(__AVX__)
#    include <immintrin.h>
#    define NNC_VECTOR_BYTES 32
#else
#    if defined(__aarch64__)
#        include <arm_neon.h>
#    endif
#    define NNC_VECTOR_BYTES 16
#endif

typedef float nnc_vector_f32 __attribute__((vector_size(NNC_VECTOR_BYTES), aligned(4), may_alias));
typedef double nnc_vector_f64 __attribute__((vector_size(NNC_VECTOR_BYTES), aligned(8), may_alias));

/* Sums that are to stay in registers have this type, which is that of the instructions. GCC treats a variable of one type whose values
 * come from another type as two. Where registers are short, it keeps one of them in memory. */
typedef float nnc_register_f32 __attribute__((vector_size(NNC_VECTOR_BYTES)));
typedef double nnc_register_f64 __attribute__((vector_size(NNC_VECTOR_BYTES)));

#define V F(nnc_vector)
#define R F(nnc_register)
#define LANES ((int64_t)(NNC_VECTOR_BYTES / sizeof(T)))

/* a b + c with a in every lane: nnc_fma, for which compilers have no operator on vectors. */
#if defined(__AVX512F__)
NNC_INLINE nnc_register_f32 nnc_vector_fma_f32(float a, nnc_register_f32 b, nnc_register_f32 c) {
    return (nnc_register_f32)_mm512_fmadd_ps(_mm512_set1_ps(a), (__m512)b, (__m512)c);
}
NNC_INLINE nnc_register_f64 nnc_vector_fma_f64(double a, nnc_register_f64 b, nnc_register_f64 c) {
    return (nnc_register_f64)_mm512_fmadd_pd(_mm512_set1_pd(a), (__m512d)b, (__m512d)c);
}
#elif defined(__FMA__)
NNC_INLINE nnc_register_f32 nnc_vector_fma_f32(float a, nnc_register_f32 b, nnc_register_f32 c) {
    return (nnc_register_f32)_mm256_fmadd_ps(_mm256_set1_ps(a), (__m256)b, (__m256)c);
}
NNC_INLINE nnc_register_f64 nnc_vector_fma_f64(double a, nnc_register_f64 b, nnc_register_f64 c) {
    return (nnc_register_f64)_mm256_fmadd_pd(_mm256_set1_pd(a), (__m256d)b, (__m256d)c);
}
#elif defined(__aarch64__)
NNC_INLINE nnc_register_f32 nnc_vector_fma_f32(float a, nnc_register_f32 b, nnc_register_f32 c) {
    return (nnc_register_f32)vfmaq_n_f32((float32x4_t)c, (float32x4_t)b, a);
}
NNC_INLINE nnc_register_f64 nnc_vector_fma_f64(double a, nnc_register_f64 b, nnc_register_f64 c) {
    return (nnc_register_f64)vfmaq_n_f64((float64x2_t)c, (float64x2_t)b, a);
}
#else
NNC_INLINE nnc_register_f32 nnc_vector_fma_f32(float a, nnc_register_f32 b, nnc_register_f32 c) { return a * b + c; }
NNC_INLINE nnc_register_f64 nnc_vector_fma_f64(double a, nnc_register_f64 b, nnc_register_f64 c) { return a * b + c; }
#endif

/* Whether the level has masked loads. */
#if defined(__AVX512F__) || defined(__AVX2__)
#    define NNC_READS_PARTS 1
#else
#    define NNC_READS_PARTS 0
#endif

/* Load and store the first `count` elements of a vector, 0 .. LANES. Elements that are not loaded are 0. */
#if defined(__AVX512F__)
NNC_INLINE nnc_vector_f32 load_partial_f32(const float *from, int64_t count) {
    return (nnc_vector_f32)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
}
NNC_INLINE nnc_vector_f64 load_partial_f64(const double *from, int64_t count) {
    return (nnc_vector_f64)_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), from);
}
NNC_INLINE void store_partial_f32(float *to, nnc_vector_f32 v, int64_t count) {
    _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)v);
}
NNC_INLINE void store_partial_f64(double *to, nnc_vector_f64 v, int64_t count) {
    _mm512_mask_storeu_pd(to, (__mmask8)((1u << count) - 1), (__m512d)v);
}
#elif defined(__AVX2__)
/* Masks: read from place 8 - count, or 4 - count, the first `count` lanes are on. */
static const int32_t nnc_lanes_f32[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
static const int64_t nnc_lanes_f64[8] = {-1, -1, -1, -1};

NNC_INLINE nnc_vector_f32 load_partial_f32(const float *from, int64_t count) {
    return (nnc_vector_f32)_mm256_maskload_ps(from, _mm256_loadu_si256((const __m256i *)(nnc_lanes_f32 + 8 - count)));
}
NNC_INLINE nnc_vector_f64 load_partial_f64(const double *from, int64_t count) {
    return (nnc_vector_f64)_mm256_maskload_pd(from, _mm256_loadu_si256((const __m256i *)(nnc_lanes_f64 + 4 - count)));
}
/* Masked stores are slow on AMD's processors. So these store 4, 2 and 1 elements, by the bits of `count`. */
NNC_INLINE void store_partial_f32(float *to, nnc_vector_f32 v, int64_t count) {
    if (count >= 8) {
        _mm256_storeu_ps(to, (__m256)v);
        return;
    }
    __m128 rest = _mm256_castps256_ps128((__m256)v);
    if (count & 4) {
        _mm_storeu_ps(to, rest);
        rest = _mm256_extractf128_ps((__m256)v, 1);
        to += 4;
    }
    if (count & 2) {
        _mm_storel_pi((__m64 *)to, rest);
        rest = _mm_movehl_ps(rest, rest);
        to += 2;
    }
    if (count & 1) _mm_store_ss(to, rest);
}
NNC_INLINE void store_partial_f64(double *to, nnc_vector_f64 v, int64_t count) {
    if (count >= 4) {
        _mm256_storeu_pd(to, (__m256d)v);
        return;
    }
    __m128d rest = _mm256_castpd256_pd128((__m256d)v);
    if (count & 2) {
        _mm_storeu_pd(to, rest);
        rest = _mm256_extractf128_pd((__m256d)v, 1);
        to += 2;
    }
    if (count & 1) _mm_store_sd(to, rest);
}
#else
/* clang-format off */
#    define NNC_DEFINE_PARTIAL(T, suffix)                                                            \
        NNC_INLINE nnc_vector_##suffix load_partial_##suffix(const T *from, int64_t count) {         \
            nnc_vector_##suffix v = {0};                                                             \
            NNC_EACH_LANE(T, j) if (j < count) v[j] = from[j];                                       \
            return v;                                                                                \
        }                                                                                            \
        NNC_INLINE void store_partial_##suffix(T *to, nnc_vector_##suffix v, int64_t count) {        \
            NNC_EACH_LANE(T, j) if (j < count) to[j] = v[j];                                         \
        }
/* clang-format on */
/* Unrolled: with constant indices a vector stays in its register. */
#    define NNC_EACH_LANE(T, j) _Pragma("GCC unroll 16") for (int j = 0; j < (int)(NNC_VECTOR_BYTES / sizeof(T)); j++)
NNC_DEFINE_PARTIAL(float, f32)
NNC_DEFINE_PARTIAL(double, f64)
#    undef NNC_DEFINE_PARTIAL
#    undef NNC_EACH_LANE
#endif

#if defined(__AVX512F__)
/* A quad is four elements that lie side by side. same_quads loads the first n of four at `from` into every quad of a vector; the others
 * are 0. */
NNC_INLINE nnc_register_f32 same_quads_f32(const float *from, int64_t n) {
    return (nnc_register_f32)_mm512_broadcast_f32x4(_mm_maskz_loadu_ps((__mmask8)((1u << n) - 1), from));
}
NNC_INLINE nnc_register_f64 same_quads_f64(const double *from, int64_t n) {
    return (nnc_register_f64)_mm512_broadcast_f64x4(_mm256_maskz_loadu_pd((__mmask8)((1u << n) - 1), from));
}

/* v with its r-th quad replaced by the first n of four elements at `from`, and zeros. */
NNC_INLINE nnc_register_f32 replace_quad_f32(nnc_register_f32 v, int64_t r, const float *from, int64_t n) {
    __m128 quad = _mm_maskz_loadu_ps((__mmask8)((1u << n) - 1), from);
    return (nnc_register_f32)_mm512_mask_broadcast_f32x4((__m512)v, (__mmask16)(15u << 4 * r), quad);
}
NNC_INLINE nnc_register_f64 replace_quad_f64(nnc_register_f64 v, int64_t r, const double *from, int64_t n) {
    __m256d quad = _mm256_maskz_loadu_pd((__mmask8)((1u << n) - 1), from);
    return (nnc_register_f64)_mm512_mask_broadcast_f64x4((__m512d)v, (__mmask8)(15u << 4 * r), quad);
}

/* Stores the first n elements of the r-th quad of v. */
NNC_INLINE void store_quad_f32(float *to, nnc_register_f32 v, int r, int64_t n) {
    __m128 quad = r == 0   ? _mm512_castps512_ps128((__m512)v)
                  : r == 1 ? _mm512_extractf32x4_ps((__m512)v, 1)
                  : r == 2 ? _mm512_extractf32x4_ps((__m512)v, 2)
                           : _mm512_extractf32x4_ps((__m512)v, 3);
    _mm_mask_storeu_ps(to, (__mmask8)((1u << n) - 1), quad);
}
NNC_INLINE void store_quad_f64(double *to, nnc_register_f64 v, int r, int64_t n) {
    __m256d quad = r == 0 ? _mm512_castpd512_pd256((__m512d)v) : _mm512_extractf64x4_pd((__m512d)v, 1);
    _mm256_mask_storeu_pd(to, (__mmask8)((1u << n) - 1), quad);
}

/* Spreads the q-th element of each quad over the quad. */
#    define NNC_SPREAD_f32(v, q) ((nnc_register_f32)_mm512_permute_ps((__m512)(v), (q) * 0x55))
#    define NNC_SPREAD_f64(v, q) ((nnc_register_f64)_mm512_permutex_pd((__m512d)(v), (q) * 0x55))

/* a b + c, rounded once. */
NNC_INLINE nnc_register_f32 fma_lanes_f32(nnc_register_f32 a, nnc_register_f32 b, nnc_register_f32 c) {
    return (nnc_register_f32)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
NNC_INLINE nnc_register_f64 fma_lanes_f64(nnc_register_f64 a, nnc_register_f64 b, nnc_register_f64 c) {
    return (nnc_register_f64)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
#endif

/* Interleaves the lower or the upper halves of a and b: a0 b0 a1 b1 and so on. In vectors of 32 bytes it does so in each half of 16
 * bytes, as the instructions do. */
#define NNC_LOW_2 0, 2
#define NNC_HIGH_2 1, 3
#define NNC_LOW_4 0, 4, 1, 5
#define NNC_HIGH_4 2, 6, 3, 7
#define NNC_LOW_8 0, 8, 1, 9, 2, 10, 3, 11
#define NNC_HIGH_8 4, 12, 5, 13, 6, 14, 7, 15
#define NNC_LOW_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define NNC_HIGH_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#if NNC_VECTOR_BYTES == 64
#    define NNC_INTERLEAVE_f32(half, a, b) __builtin_shufflevector(a, b, NNC_##half##_16)
#    define NNC_INTERLEAVE_f64(half, a, b) __builtin_shufflevector(a, b, NNC_##half##_8)
#elif NNC_VECTOR_BYTES == 32
#    define NNC_LOW_TWICE_4 0, 8, 1, 9, 4, 12, 5, 13
#    define NNC_HIGH_TWICE_4 2, 10, 3, 11, 6, 14, 7, 15
#    define NNC_LOW_TWICE_2 0, 4, 2, 6
#    define NNC_HIGH_TWICE_2 1, 5, 3, 7
#    define NNC_INTERLEAVE_f32(half, a, b) __builtin_shufflevector(a, b, NNC_##half##_TWICE_4)
#    define NNC_INTERLEAVE_f64(half, a, b) __builtin_shufflevector(a, b, NNC_##half##_TWICE_2)
/* Joins the lower or the upper halves of a and b. */
#    define NNC_JOIN_HALVES_f32(upper, a, b) ((nnc_register_f32)_mm256_permute2f128_ps((__m256)(a), (__m256)(b), (upper) ? 0x31 : 0x20))
#    define NNC_JOIN_HALVES_f64(upper, a, b) ((nnc_register_f64)_mm256_permute2f128_pd((__m256d)(a), (__m256d)(b), (upper) ? 0x31 : 0x20))

/* Loads two halves from two addresses. */
NNC_INLINE nnc_register_f32 load_halves_f32(const float *low, const float *high) {
    return (nnc_register_f32)_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
}
NNC_INLINE nnc_register_f64 load_halves_f64(const double *low, const double *high) {
    return (nnc_register_f64)_mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(low)), _mm_loadu_pd(high), 1);
}
#else
#    define NNC_INTERLEAVE_f32(half, a, b) __builtin_shufflevector(a, b, NNC_##half##_4)
#    define NNC_INTERLEAVE_f64(half, a, b) __builtin_shufflevector(a, b, NNC_##half##_2)
#endif
#define INTERLEAVE_LOW(a, b) F(NNC_INTERLEAVE)(LOW, a, b)
#define INTERLEAVE_HIGH(a, b) F(NNC_INTERLEAVE)(HIGH, a, b)

#endif
