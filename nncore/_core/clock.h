#ifndef NNCORE_CLOCK_H
#define NNCORE_CLOCK_H

/* Seconds since some moment, by a clock that goes on when the time of day is set. */
double nnc_now(void);

#endif
