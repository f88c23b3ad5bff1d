/* The Python module with the tables, in capsules, within the stable ABI of Python 3.11. */
#include "nncore/module.h"
#include "nncore/plugin.h"

extern const nnc_layer nncore_conv_conv, nncore_conv_max_pool;

static const nnc_entry tables[] = {
    {"conv", &nncore_conv_conv, "nncore.layer"},
    {"max_pool", &nncore_conv_max_pool, "nncore.layer"},
};

NNC_MODULE(native, "Compiled tables of nncore-conv.", tables)
