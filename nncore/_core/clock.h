#ifndef NNCORE_CLOCK_H
#define NNCORE_CLOCK_H

/* Seconds of a monotonic clock, which does not jump when the time of day is set. */
double nnc_now(void);

#endif
