/* The Python module with the table, in a capsule, within the stable ABI of Python 3.11. */
#include "nncore/module.h"
#include "nncore/plugin.h"

extern const nnc_optimizer nncore_sam_sam;

static const nnc_entry tables[] = {
    {"sam", &nncore_sam_sam, "nncore.optimizer"},
};

NNC_MODULE(native, "Compiled table of nncore-sam.", tables)
