/* Matrix products whose factors are rounded to bfloat16, with float32 sums. Compiled at the CPU level that has AVX-512, for processors
 * that also have AVX512_BF16 (gemm_bf16.c), and maybe AMX (gemm_amx.c): cpu.h knows. */
#ifndef NNCORE_GEMM_BF16_H
#define NNCORE_GEMM_BF16_H

#include "gemm.h"

#if defined(__AVX512F__)
#    define NNC_MAKES_BF16 1
#    define gemm_bf16 NNC_GEMM(bf16, NNC_LEVEL)

/* Like gemm_f32. Each element adds its terms in pairs, in the order of k. So the bits do not depend on how rows and columns are split. */
NNC_DECLARE_GEMM(float, gemm_bf16);
#else
#    define NNC_MAKES_BF16 0
#endif

/* The same with AMX, in an order of its own, which also depends on k alone. Only Linux lends the tiles to a process that asks for them. */
#if NNC_MAKES_BF16 && defined(__linux__) && defined(__x86_64__)
#    define NNC_MAKES_AMX 1
#    define gemm_amx NNC_GEMM(amx, NNC_LEVEL)

NNC_DECLARE_GEMM(float, gemm_amx);
#else
#    define NNC_MAKES_AMX 0
#endif

#endif
