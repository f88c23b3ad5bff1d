/* At a CPU level, the table of the host's services for functions of components, nnc_host of plugin.h, and what lends memory to them. */
#ifndef NNCORE_HOST_H
#define NNCORE_HOST_H

#include "nncore/plugin.h"

#define NNC_HOST_(level) nnc_host_##level
#define NNC_HOST(level) NNC_HOST_(level)

/* Lends this thread memory for the copies of matrix products, as runs do to their members, or takes it back, and lets the products round
 * their factors to bfloat16, or not: for tests of kernels that are called by themselves. -1: there is no memory. */
typedef int nnc_lender(int lends, int rounds);

#define NNC_LENDER_(level) nnc_lender_##level
#define NNC_LENDER(level) NNC_LENDER_(level)

#endif
