/* The Python module with the tables, in capsules, within the stable ABI of Python 3.11. */
#include "nncore/module.h"
#include "nncore/plugin.h"

extern const nnc_activation nncore_snake_snake, nncore_snake_squareplus;
extern const nnc_layer nncore_snake_learnable_snake;

static const nnc_entry tables[] = {
    {"snake", &nncore_snake_snake, "nncore.activation"},
    {"squareplus", &nncore_snake_squareplus, "nncore.activation"},
    {"learnable_snake", &nncore_snake_learnable_snake, "nncore.layer"},
};

NNC_MODULE(native, "Compiled tables of nncore-snake.", tables)
