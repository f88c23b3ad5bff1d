/* A part of a row times a factor, for activations of a scaled number. A factor of 1 costs nothing. A template: include after level.h and
 * float32.h or float64.h. */

#ifndef NNCORE_SCALED_H
#define NNCORE_SCALED_H

/* Numbers that are scaled together. */
#define SCALED_PART 256

#endif

/* Returns factor * x for m <= SCALED_PART numbers, in room (m,), or x itself if the factor is 1. */
NNC_INLINE const T *F(scaled)(const T *x, T factor, int64_t m, T *room) {
    if (factor == 1) return x;
    for (int64_t i = 0; i < m; i++) room[i] = factor * x[i];
    return room;
}
