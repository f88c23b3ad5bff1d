/* Which CPU levels of setup.py's list this machine can run. */
#ifndef NNCORE_CPU_H
#define NNCORE_CPU_H

/* 1 if this machine runs code compiled for `level`, 0 if it does not or there is no such level. */
int nnc_machine_can_run(const char *level);

/* 1 if it can run level "v4" and also has AVX512_BF16, for products in bfloat16 (gemm_bf16.c). */
int nnc_machine_has_bfloat16(void);

/* 1 if it can run level "v4" and also has AVX512_VNNI, which adds up four products of bytes in one instruction. */
int nnc_machine_has_vnni(void);

#endif
