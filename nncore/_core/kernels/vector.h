/* The widest vector of the CPU level being compiled, by the compilers' own vector extension (GCC, Clang).
 * Include after float32.h or float64.h: V is a vector of T that may lie at any address, LANES how many T it holds. */
#undef V
#undef LANES

#if defined(__AVX512F__)
#    define NNC_VECTOR_BYTES 64
#elif defined(__AVX__)
#    define NNC_VECTOR_BYTES 32
#else
#    define NNC_VECTOR_BYTES 16
#endif

#ifndef NNCORE_VECTOR_H
#    define NNCORE_VECTOR_H
typedef float nnc_vector_f32 __attribute__((vector_size(NNC_VECTOR_BYTES), aligned(4), may_alias));
typedef double nnc_vector_f64 __attribute__((vector_size(NNC_VECTOR_BYTES), aligned(8), may_alias));
#endif

#define V F(nnc_vector)
#define LANES ((int64_t)(NNC_VECTOR_BYTES / sizeof(T)))
