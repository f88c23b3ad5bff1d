/* Arguments at which the functions of vector_math.h reach their limits, at the level being compiled. */
#include "vector_math.h"

const struct nnc_ends_f32 nnc_ends_f32 = {-104, 89, 20, -20, 14.5F};
const struct nnc_ends_f64 nnc_ends_f64 = {-746, 710, 40, -40, 38.7};
