/* Matrix products whose factors are rounded to bfloat16, with float32 sums. Compiled at the CPU level that has AVX-512, for processors
 * that also have AVX512_BF16 (nnc_machine_has_bfloat16 in cpu.h). gemm_bf16.c explains how. */
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

#endif
