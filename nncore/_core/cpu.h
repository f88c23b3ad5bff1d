/* Which CPU levels of setup.py's list a machine has the instructions for. */
#ifndef NNCORE_CPU_H
#define NNCORE_CPU_H

/* 1 if this machine runs code compiled for `level`, 0 if it does not or there is no such level. */
int nnc_machine_can_run(const char *level);

/* 1 if it also has the instructions for products in bfloat16 that gemm_bf16.c uses at level "v4": AVX512_BF16. */
int nnc_machine_has_bfloat16(void);

/* 1 if it also multiplies bytes and adds up fours of products (AVX512_VNNI), which a machine of level v4 need not have. */
int nnc_machine_has_vnni(void);

#endif
