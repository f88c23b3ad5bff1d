/* a = z t with t = tanh(log(1 + exp(z))), d_z = d_a (t + z (1 - t^2) sigmoid(z)). With w = exp(z), t = (w^2 + 2w) / (w^2 + 2w + 2); on the
 * right both sides of the fraction are divided by w^2, so that only e = exp(-|z|) appears, which cannot overflow. */
#ifndef T
#include "../_core/kernels/level.h"
#include "../_core/kernels/vector_math.h"

/* exp(-FAR) is 0; z is held inside where it meets that, as infinity times 0 would be NaN. */
#define FAR 1000

#include "nncore/float32.h"
#include "mish.c"
#include "nncore/float64.h"
#include "mish.c"

const nnc_activation NNC_TABLE(activation, mish) = {
    NNC_HEAD(nnc_activation), mish_forward_f32, mish_forward_f64, mish_backward_f32, mish_backward_f64,
};

#else

/* t, and exp(-|z|). */
typedef struct F(fraction) {
    T e;
    T numerator;
    T denominator;
} F(fraction);

NNC_INLINE F(fraction) F(split)(T z) {
    T e = F(nnc_exp)(-F(nnc_magnitude)(z)), numerator = z < 0 ? e * (e + 2) : 1 + 2 * e;
    F(fraction) t = {e, numerator, numerator + (z < 0 ? 2 : 2 * e * e)};
    return t;
}

static int32_t F(mish_forward)(const nnc_activation_call *call) {
    const T *z = call->z;
    T *a = call->a;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        F(fraction) t = F(split)(z[i]);
        a[i] = (z[i] < -FAR ? -FAR : z[i]) * (t.numerator / t.denominator);
    }
    return 0;
}

static int32_t F(mish_backward)(const nnc_activation_call *call) {
    const T *z = call->z, *d_a = call->d_a;
    T *d_z = call->d_z;
    int64_t n = call->n_rows * call->n_columns;
    for (int64_t i = 0; i < n; i++) {
        T near = z[i] < -FAR ? -FAR : z[i];
        near = near > FAR ? FAR : near;
        F(fraction) t = F(split)(near);
        T slope = 4 * (1 + t.e) * (near < 0 ? t.e : t.e * t.e); /* (1 - t^2) sigmoid(z) times denominator^2 */
        d_z[i] = d_a[i] * (t.numerator * t.denominator + near * slope) / (t.denominator * t.denominator);
    }
    return 0;
}

#endif
