/* Measures the peak speeds of one core of this machine. */
#ifndef NNCORE_MEASUREMENT_H
#define NNCORE_MEASUREMENT_H

#include "kernels/peak.h"

/* Floating-point operations a second, in float64 or float32: the best of the bursts that fit into `seconds`, at least one. */
double nnc_peak_flops(const nnc_peak *peak, int is_f64, double seconds);

/* The same for one matrix product with its packing, in float32 or in bfloat16; -1 if memory ran out. */
double nnc_product_flops(const nnc_peak *peak, int rounds, double seconds);

/* Bytes a second moved by the update of n parameters (28 each: 4 arrays read, 3 written), likewise; -1 if memory ran out. */
double nnc_memory_bandwidth(const nnc_peak *peak, int64_t n, double seconds);

#endif
