/* Subnormal numbers slow arithmetic a hundredfold, and training does not need them. So they are flushed to zero while ops run. The
 * setting belongs to a thread; that of the caller is restored afterwards. */
#ifndef NNCORE_FLOAT_MODE_H
#define NNCORE_FLOAT_MODE_H

#include <stdint.h>

#if defined(__SSE2__)
#    include <immintrin.h>
static inline uint64_t float_mode(void) { return _mm_getcsr(); }
static inline void set_float_mode(uint64_t mode) { _mm_setcsr((unsigned)mode); }
#    define FLUSH 0x8040u
#elif defined(__aarch64__)
static inline uint64_t float_mode(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}
static inline void set_float_mode(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
#    define FLUSH (1u << 24)
#else
static inline uint64_t float_mode(void) { return 0; }
static inline void set_float_mode(uint64_t mode) { (void)mode; }
#    define FLUSH 0u
#endif

#endif
