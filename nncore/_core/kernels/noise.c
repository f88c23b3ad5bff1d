#ifndef T
#include <tgmath.h> /* sqrt of T in T */

#include "noise.h"
#include "vector_math.h"

/* Numbers whose random words are drawn together. */
#define PART 512

#include "nncore/float32.h"
#include "noise.c"
#include "nncore/float64.h"
#include "noise.c"

#else

/* A sample of N(0, 1) from a random word, by Giles' polynomials for the inverse of erf. Both are computed, for the centre and for the
 * tail, and one is selected. */
NNC_INLINE T F(standard_normal)(uint32_t word) {
    T q = ((T)(int32_t)(word & 0x7FFFFFFF) + (T)0.5) * (T)(1.0 / 2147483648.0);
    T w = -F(nnc_log)(q * (2 - q)), c = w - (T)2.5, t = sqrt(w > 0 ? w : 0) - 3;
    T centre = (T)2.81022636e-08, tail = (T)-0.000200214257;
    centre = F(nnc_fma)(centre, c, (T)3.43273939e-07);
    centre = F(nnc_fma)(centre, c, -(T)3.5233877e-06);
    centre = F(nnc_fma)(centre, c, -(T)4.39150654e-06);
    centre = F(nnc_fma)(centre, c, (T)0.00021858087);
    centre = F(nnc_fma)(centre, c, -(T)0.00125372503);
    centre = F(nnc_fma)(centre, c, -(T)0.00417768164);
    centre = F(nnc_fma)(centre, c, (T)0.246640727);
    centre = F(nnc_fma)(centre, c, (T)1.50140941);
    tail = F(nnc_fma)(tail, t, (T)0.000100950558);
    tail = F(nnc_fma)(tail, t, (T)0.00134934322);
    tail = F(nnc_fma)(tail, t, -(T)0.00367342844);
    tail = F(nnc_fma)(tail, t, (T)0.00573950773);
    tail = F(nnc_fma)(tail, t, -(T)0.0076224613);
    tail = F(nnc_fma)(tail, t, (T)0.00943887047);
    tail = F(nnc_fma)(tail, t, (T)1.00167406);
    tail = F(nnc_fma)(tail, t, (T)2.83297682);
    T magnitude = (T)1.4142135623730951 * (1 - q) * (w < 5 ? centre : tail);
    return word >> 31 ? -magnitude : magnitude;
}

void F(nnc_add_noise)(const nnc_site *site, int64_t before, int64_t n, T *restrict x) {
    T std = (T)site->hyper[0];
    for (int64_t first = 0; first < n; first += PART, x += PART) {
        uint32_t words[PART];
        int64_t m = nnc_least(n - first, PART);
        site->host->random_words(site->seed, site->step, site->layer, before + first, m, words);
        for (int64_t i = 0; i < m; i++) x[i] = F(nnc_fma)(std, F(standard_normal)(words[i]), x[i]);
    }
}

#endif
