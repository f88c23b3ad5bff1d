/* The host's services for components at one CPU level: the table nnc_host of plugin.h, and a function that lends working memory. */
#ifndef NNCORE_HOST_H
#define NNCORE_HOST_H

#include "nncore/plugin.h"

#define NNC_HOST_(level) nnc_host_##level
#define NNC_HOST(level) NNC_HOST_(level)

/* For tests that call kernels outside of a run. Lends this thread the memory in which matrix products pack blocks, or takes it back.
 * Also sets whether products round their factors to bfloat16. Returns -1 if there is no memory. */
typedef int nnc_lender(int lends, int rounds);

#define NNC_LENDER_(level) nnc_lender_##level
#define NNC_LENDER(level) NNC_LENDER_(level)

#endif
