/* Every kernel file is compiled once per CPU level, with NNC_LEVEL set to the level's name (see setup.py).
 * NNC_TABLE(activation, relu) is the symbol of a component's table at the level being compiled: nnc_activation_relu_v3. */
#ifndef NNCORE_LEVEL_H
#define NNCORE_LEVEL_H

#include "nncore/plugin.h"

#define NNC_JOIN_(kind, name, level) nnc_##kind##_##name##_##level
#define NNC_JOIN(kind, name, level) NNC_JOIN_(kind, name, level)
#define NNC_TABLE(kind, name) NNC_JOIN(kind, name, NNC_LEVEL)

/* A call that is not inlined keeps its whole loop scalar. */
#define NNC_INLINE static inline __attribute__((always_inline))

/* What several functions of a file call for many numbers at a time: once in the wheel, not once for each of them. */
#define NNC_APART static __attribute__((noinline, unused))

/* A function of what few networks do, which leaves the work to others: small rather than fast. */
#define NNC_RARE static __attribute__((noinline, cold))

/* a b + c, rounded once at the levels that have an instruction for it. Compilers themselves fuse nothing (setup.py): they would in the
 * vectors of a loop and not in its remainder, so that the bits of a number depended on how many follow it. */
#if defined(__FMA__) || defined(__aarch64__)
NNC_INLINE float nnc_fma_f32(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
NNC_INLINE double nnc_fma_f64(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
NNC_INLINE float nnc_fma_f32(float a, float b, float c) { return a * b + c; }
NNC_INLINE double nnc_fma_f64(double a, double b, double c) { return a * b + c; }
#endif

NNC_INLINE int64_t nnc_least(int64_t a, int64_t b) { return a < b ? a : b; }

#endif
