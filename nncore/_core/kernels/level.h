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

/* A function that others of its file call for many numbers at a time. It is compiled once, not once for each caller, which keeps wheels
 * small. */
#define NNC_APART static __attribute__((noinline, unused))

/* A function that few networks use: compiled for size, not for speed. */
#define NNC_RARE static __attribute__((noinline, cold))

/* a b + c, rounded once at levels with an instruction for it. Compilers do not fuse by themselves (-ffp-contract=off in setup.py). They
 * would fuse in the vectors of a loop and not in its remainder, so that the bits of a number would depend on how many follow it. */
#if defined(__FMA__) || defined(__aarch64__)
NNC_INLINE float nnc_fma_f32(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
NNC_INLINE double nnc_fma_f64(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
NNC_INLINE float nnc_fma_f32(float a, float b, float c) { return a * b + c; }
NNC_INLINE double nnc_fma_f64(double a, double b, double c) { return a * b + c; }
#endif

NNC_INLINE int64_t nnc_least(int64_t a, int64_t b) { return a < b ? a : b; }

#endif
