/* The numbers that plans of windows.py give to kernels, in the order of the fields of Windows. */
#ifndef NNCORE_CONV_WINDOWS_H
#define NNCORE_CONV_WINDOWS_H

#include <stdint.h>

typedef struct windows {
    int64_t height, width, channels;
    int64_t n_rows, n_columns;
    int64_t window_height, window_width;
    int64_t stride_y, stride_x;
    int64_t top, left;
} windows;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
