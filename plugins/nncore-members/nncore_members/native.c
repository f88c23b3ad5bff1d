/* The module that hands out the tables as capsules, within the stable ABI of Python 3.11. */
#include "nncore/module.h"
#include "nncore/plugin.h"

extern const nnc_layer nncore_members_dense, nncore_members_repeat, nncore_members_mean;

static const nnc_entry tables[] = {
    {"members_dense", &nncore_members_dense, "nncore.layer"},
    {"repeat_members", &nncore_members_repeat, "nncore.layer"},
    {"mean_members", &nncore_members_mean, "nncore.layer"},
};

NNC_MODULE(native, "Compiled tables of nncore-members.", tables)
