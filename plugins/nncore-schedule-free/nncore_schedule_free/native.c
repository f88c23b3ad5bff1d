/* The module that hands out the table as a capsule, within the stable ABI of Python 3.11. */
#include "nncore/module.h"
#include "nncore/plugin.h"

extern const nnc_optimizer nncore_schedule_free_schedule_free;

static const nnc_entry tables[] = {
    {"schedule_free", &nncore_schedule_free_schedule_free, "nncore.optimizer"},
};

NNC_MODULE(native, "Compiled table of nncore-schedule-free.", tables)
