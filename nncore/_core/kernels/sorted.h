/* Binary search in ascending numbers. */
#ifndef NNCORE_SORTED_H
#define NNCORE_SORTED_H

#include <stdint.h>

/* The first of places begin .. end - 1 whose number is at least `least`; `end` if there is none. */
static inline int64_t nnc_first_from(const int32_t *numbers, int64_t begin, int64_t end, int64_t least) {
    while (begin < end) {
        int64_t middle = begin + (end - begin) / 2;
        if (numbers[middle] < least) begin = middle + 1;
        else end = middle;
    }
    return begin;
}

#endif
