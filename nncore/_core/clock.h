/* Seconds since some moment. Include before any other header: the C standard alone has no clock that goes on when the time of day is set. */
#ifndef NNCORE_CLOCK_H
#define NNCORE_CLOCK_H

#define _POSIX_C_SOURCE 200809L
#include <time.h>

static double now(void) {
    struct timespec time;
#if defined(CLOCK_MONOTONIC)
    clock_gettime(CLOCK_MONOTONIC, &time);
#else
    timespec_get(&time, TIME_UTC);
#endif
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

#endif
