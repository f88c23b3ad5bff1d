/* The functions of vector_math.h for the type T, whose constants it defines before including this. */

NNC_INLINE BITS F(nnc_bits)(T x) {
    BITS bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

NNC_INLINE T F(nnc_from_bits)(BITS bits) {
    T x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#define SIGN_BIT ((BITS)1 << (sizeof(T) * 8 - 1))

/* |x| without a comparison, which compilers would turn into branches where x is compared again. */
NNC_INLINE T F(nnc_magnitude)(T x) { return F(nnc_from_bits)(F(nnc_bits)(x) & ~SIGN_BIT); }

/* Added to a smaller number, it rounds that to an integer, and leaves the integer in the lowest bits, in two's complement. */
#define ROUND_TO_INTEGER ((T)((BITS)3 << (FRACTION_BITS - 1)))

/* 2^k for an integer k in the range of normal numbers. */
NNC_INLINE T F(nnc_power_of_two)(T k) { return F(nnc_from_bits)(F(nnc_bits)(k + (ROUND_TO_INTEGER + EXPONENT_BIAS)) << FRACTION_BITS); }

/* exp(x) = 2^k (1 + p), k an integer, |p| < 0.42; the caller combines the parts as it needs them. */
typedef struct F(nnc_exp_parts) {
    T k;
    T p;
} F(nnc_exp_parts);

/* The parts of exp(x - rest), where `rest` holds digits that do not fit into x. */
NNC_INLINE F(nnc_exp_parts) F(nnc_split_exp)(T x, T rest) {
    T k = F(nnc_fma)(x - rest, (T)1.4426950408889634, ROUND_TO_INTEGER) - ROUND_TO_INTEGER;
    T r = F(nnc_fma)(-k, LN2_HIGH, x) - rest;
    r = F(nnc_fma)(-k, LN2_LOW, r);
    F(nnc_exp_parts) parts = {k, F(nnc_fma)(F(nnc_exp_tail)(r), r * r, r)};
    return parts;
}

/* x 2^k in two factors, since 2^k itself need not be a normal number. */
NNC_INLINE T F(nnc_times_power_of_two)(T x, T k) {
    T half = F(nnc_fma)(k, (T)0.5, ROUND_TO_INTEGER) - ROUND_TO_INTEGER;
    return x * F(nnc_power_of_two)(half) * F(nnc_power_of_two)(k - half);
}

NNC_INLINE T F(nnc_exp)(T x) {
    x = x < F(nnc_ends).exp_is_zero ? F(nnc_ends).exp_is_zero : x; /* written so that NaN passes */
    x = x > F(nnc_ends).exp_is_infinite ? F(nnc_ends).exp_is_infinite : x;
    F(nnc_exp_parts) e = F(nnc_split_exp)(x, 0);
    return F(nnc_times_power_of_two)(1 + e.p, e.k);
}

/* x clamped to where exp is neither infinity nor 0. NaN passes. */
NNC_INLINE T F(nnc_moderate)(T x) {
    x = x < F(nnc_ends).exp_is_zero ? F(nnc_ends).exp_is_zero : x;
    return x > F(nnc_ends).moderate ? F(nnc_ends).moderate : x;
}

/* 1, lifted: 2^LIFT. */
NNC_INLINE T F(nnc_lifted_one)(void) { return F(nnc_from_bits)((BITS)(EXPONENT_BIAS + LIFT) << FRACTION_BITS); }

/* x 2^(k + LIFT) for a k of a moderate number, where the power is normal. */
NNC_INLINE T F(nnc_times_lifted_power)(T x, T k) {
    return x * F(nnc_from_bits)(F(nnc_bits)(k + (ROUND_TO_INTEGER + EXPONENT_BIAS + LIFT)) << FRACTION_BITS);
}

/* x 2^k for a k of a moderate number; a subnormal result is rounded once, at the end. */
NNC_INLINE T F(nnc_times_moderate_power)(T x, T k) { return F(nnc_times_lifted_power)(x, k) * (1 / F(nnc_lifted_one)()); }

/* exp(x) for a moderate x, in three quarters of the operations. */
NNC_INLINE T F(nnc_exp_of_moderate)(T x) {
    F(nnc_exp_parts) e = F(nnc_split_exp)(x, 0);
    return F(nnc_times_moderate_power)(1 + e.p, e.k);
}

/* exp(x) 2^LIFT for a moderate x, for callers that divide by 2^LIFT: so only a final result can be subnormal. The square of exp(x)
 * 2^LIFT does not overflow. */
NNC_INLINE T F(nnc_lifted_exp)(T x) {
    F(nnc_exp_parts) e = F(nnc_split_exp)(x, 0);
    return F(nnc_times_lifted_power)(1 + e.p, e.k);
}

/* exp(x) - 1 for x <= 0. */
NNC_INLINE T F(nnc_expm1_of_negative)(T x) {
    /* 2^k p + (2^k - 1) does not cancel: k = 0 near 0. */
    F(nnc_exp_parts) e = F(nnc_split_exp)(x < F(nnc_ends).expm1_is_minus_one ? F(nnc_ends).expm1_is_minus_one : x, 0);
    T scale = F(nnc_power_of_two)(e.k);
    return F(nnc_fma)(scale, e.p, scale - 1);
}

/* log(x) for a positive normal x; `scaled_by` is log2 of a factor in x. */
NNC_INLINE T F(nnc_log_of_normal)(T x, T scaled_by) {
    /* x = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2). */
    const T one_in_lowest_bit = (T)((BITS)1 << FRACTION_BITS);
    BITS above = F(nnc_bits)(x) + (((BITS)EXPONENT_BIAS << FRACTION_BITS) - SQRT_HALF_BITS);
    /* The exponent becomes a number by way of these bits, since not every CPU level converts 64-bit integers. */
    T k = F(nnc_from_bits)((above >> FRACTION_BITS) | F(nnc_bits)(one_in_lowest_bit)) - (one_in_lowest_bit + EXPONENT_BIAS) - scaled_by;
    T f = F(nnc_from_bits)((above & (((BITS)1 << FRACTION_BITS) - 1)) + SQRT_HALF_BITS) - 1;
    /* log(1 + f) = 2 atanh(s) = f - f^2 / 2 + s (f^2 / 2 + tail), as in fdlibm. */
    T s = f / (2 + f);
    T s2 = s * s;
    T half_f2 = (T)0.5 * f * f;
    T small = F(nnc_fma)(k, LN2_LOW, s * F(nnc_fma)(s2, F(nnc_atanh_tail)(s2), half_f2)) - half_f2;
    return F(nnc_fma)(k, LN2_HIGH, f + small);
}

NNC_INLINE T F(nnc_log)(T x) {
    const T scale = (T)((BITS)1 << FRACTION_BITS);
    int is_subnormal = x < SMALLEST_NORMAL;
    T result = F(nnc_log_of_normal)(is_subnormal ? x * scale : x, is_subnormal ? FRACTION_BITS : 0);
    result = x == 0 ? -(T)INFINITY : result;
    result = x < 0 ? (T)NAN : result;
    return x <= LARGEST ? result : x; /* infinity and NaN */
}

/* log(1 + x) for 0 <= x <= 1, where it needs no exponent of 1 + x. */
NNC_INLINE T F(nnc_log1p)(T x) {
    T s = x / (2 + x);
    T s2 = s * s;
    T half_x2 = (T)0.5 * x * x;
    return x - F(nnc_fma)(-s, F(nnc_fma)(s2, F(nnc_wide_atanh_tail)(s2), half_x2), half_x2);
}

/* log(1 + x) for any x >= 0 but infinity: the rounding error of 1 + x is added to the logarithm. */
NNC_INLINE T F(nnc_log1p_of_positive)(T x) {
    T above = 1 + x;
    return F(nnc_log_of_normal)(above, 0) + (x - (above - 1)) / above;
}

NNC_INLINE T F(nnc_tanh)(T x) {
    T t = F(nnc_expm1_of_negative)(-2 * F(nnc_magnitude)(x)); /* tanh|x| = -t / (2 + t) */
    return F(nnc_from_bits)(F(nnc_bits)(F(nnc_magnitude)(t / (2 + t))) | (F(nnc_bits)(x) & SIGN_BIT));
}

/* w / (1 + w), w = exp(x), keeps the digits of the tail. */
NNC_INLINE T F(nnc_sigmoid)(T x) {
    T w = F(nnc_lifted_exp)(F(nnc_moderate)(x));
    return w / (F(nnc_lifted_one)() + w);
}

/* x rounded to an integer, for |x| < 2^(FRACTION_BITS - 1). */
NNC_INLINE T F(nnc_round)(T x) { return (x + ROUND_TO_INTEGER) - ROUND_TO_INTEGER; }

/* x minus the nearest multiple of 4, without an error: -2 .. 2. NaN if x is not finite. */
NNC_INLINE T F(nnc_within_two_periods)(T x) {
    const T all_are_even = (T)((BITS)1 << (FRACTION_BITS + 1)); /* from here on */
    return F(nnc_magnitude)(x) < all_are_even ? x - 4 * F(nnc_round)((T)0.25 * x) : 0 * x;
}

/* (-1)^k sin(pi r) for an integer k and |r| <= 1/2. */
NNC_INLINE T F(nnc_signed_sine)(T r, T k) {
    T r2 = r * r, sine = F(nnc_fma)(F(nnc_fma)(F(nnc_sine_tail)(r2), r2, (T)1.1415926535897932), r, 2 * r); /* 2 r has no error */
    return F(nnc_from_bits)(F(nnc_bits)(sine) ^ (F(nnc_bits)(k + ROUND_TO_INTEGER) << (sizeof(T) * 8 - 1)));
}

/* sin(pi x) and cos(pi x) for any x. Whole half turns are taken off without an error, however large x is. */
NNC_INLINE T F(nnc_sinpi)(T x) {
    T y = F(nnc_within_two_periods)(x), k = F(nnc_round)(y);
    return F(nnc_signed_sine)(y - k, k);
}

NNC_INLINE T F(nnc_cospi)(T x) {
    T y = F(nnc_magnitude)(F(nnc_within_two_periods)(x)), k = F(nnc_round)(y - (T)0.5); /* cos(pi y) = (-1)^k sin(pi (k + 1/2 - y)) */
    return F(nnc_signed_sine)((k + (T)0.5) - y, k);
}

/* The standard normal distribution at x >= 0, in parts that the caller combines, so that no intermediate value underflows: the density
 * is e / sqrt(2 pi) and Phi(-x) is e / ratio, e = exp(-x^2 / 2). */
typedef struct F(nnc_normal_parts) {
    T x; /* or where e is 0, if that comes first */
    T ratio;
    F(nnc_exp_parts) e;
} F(nnc_normal_parts);

NNC_INLINE F(nnc_normal_parts) F(nnc_split_normal)(T x) {
    x = x > F(nnc_ends).normal_is_zero ? F(nnc_ends).normal_is_zero : x;
    /* exp would magnify the rounding error of x^2. So x is split into halves, and the upper half has an exact square. */
    T upper = F(nnc_from_bits)(F(nnc_bits)(x) & ~(((BITS)1 << (FRACTION_BITS / 2 + 1)) - 1));
    T rest = (T)0.5 * (x - upper) * (x + upper);
    T ratio = F(nnc_fma)(x, (T)2.5066282746310005 - F(nnc_normal_bend)(x), 2);
    F(nnc_normal_parts) parts = {x, ratio, F(nnc_split_exp)((T)-0.5 * upper * upper, rest)};
    return parts;
}

#undef BITS
#undef FRACTION_BITS
#undef EXPONENT_BIAS
#undef LIFT
#undef SMALLEST_NORMAL
#undef LARGEST
#undef SQRT_HALF_BITS
#undef LN2_HIGH
#undef LN2_LOW
#undef ROUND_TO_INTEGER
#undef SIGN_BIT
