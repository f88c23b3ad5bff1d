/* Products of sizes that users give, without overflow. They are multiplied nowhere else. */
#ifndef NNCORE_SIZES_H
#define NNCORE_SIZES_H

#include <stdint.h>

/* a times b, neither of them negative, or INT64_MAX if that overflows. */
static inline int64_t nnc_times(int64_t a, int64_t b) {
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

#endif
