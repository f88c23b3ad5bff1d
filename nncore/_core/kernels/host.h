/* The table of the host's services at a CPU level, for functions of components: nnc_host of plugin.h. */
#ifndef NNCORE_HOST_H
#define NNCORE_HOST_H

#include "nncore/plugin.h"

#define NNC_HOST_(level) nnc_host_##level
#define NNC_HOST(level) NNC_HOST_(level)

#endif
