/* FOR_EACH_CPU before a function compiles it for every x86-64 processor, for those with AVX2 and for those with AVX-512. The loader
 * picks one when the module is imported. So one wheel is portable and fast. It needs GCC and glibc; elsewhere the function is compiled
 * once. All versions give the same bits, as long as nothing is contracted to fused operations (-std=c11). */
#ifndef NNCORE_SAM_CPU_H
#define NNCORE_SAM_CPU_H

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#    define FOR_EACH_CPU __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#    define FOR_EACH_CPU
#endif

#endif
