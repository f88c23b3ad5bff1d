/* The Python module with the table, in a capsule, within the stable ABI of Python 3.11. */
#include "nncore/module.h"
#include "nncore/plugin.h"

extern const nnc_layer nncore_rescale_rescale;

static const nnc_entry tables[] = {{"rescale", &nncore_rescale_rescale, "nncore.layer"}};

NNC_MODULE(native, "The compiled table of nncore-rescale.", tables)
