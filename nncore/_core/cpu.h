/* Which CPU levels of setup.py's list this machine can run, and which instructions beyond them. */
#ifndef NNCORE_CPU_H
#define NNCORE_CPU_H

/* 1 if this machine runs code compiled for `level`, 0 if it does not or there is no such level. */
int nnc_machine_can_run(const char *level);

/* 1 if it can run level "v4" and also has AVX512_BF16, for products in bfloat16 (gemm_bf16.c). */
int nnc_machine_has_bfloat16(void);

/* 1 if products in bfloat16 use AMX (gemm_amx.c). The first call asks Linux whether this process may, and the answer stays the same. */
int nnc_uses_amx(void);

/* For tests: use AMX from now on if it is `wanted` and available, or AVX512_BF16. Returns what nnc_uses_amx will. */
int nnc_use_amx(int wanted);

/* 1 if it can run level "v4" and also has AVX512_VNNI, which adds up four products of bytes in one instruction. */
int nnc_machine_has_vnni(void);

#endif
