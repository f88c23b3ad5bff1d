"""Functions in C99 that exported headers use, for both types: with the bits of nncore's kernels where no fused multiply-add is used.

They are those of `_core/kernels/vector_math_template.h`, `softmax.h` and the activations, written for one number or one row. ``T`` is the
type, ``F(name)`` a name that no other header has, other capitals are in `NUMBERS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

#: Suffix in names, type in C, and constants of the type.
SUFFIXES: Final[dict[str, str]] = {"float32": "f32", "float64": "f64"}
TYPES: Final[dict[str, str]] = {"float32": "float", "float64": "double"}
NUMBERS: Final[dict[str, dict[str, str]]] = {
    "float32": {
        "BITS": "uint32_t", "WHOLE": "int32_t",
        "SIGN_BIT": "0x80000000U", "FRACTION_BITS": "23", "EXPONENT_BIAS": "127", "LIFT": "32",
        "MOST_DIGITS": "8388608.0F",
        "ROUND_TO_INTEGER": "12582912.0F", "SQRT_HALF_BITS": "0x3f3504f3U", "LN2_HIGH": "0.693359375F", "LN2_LOW": "-2.12194440e-4F",
        "SMALLEST_NORMAL": "1.17549435e-38F", "LARGEST": "3.40282347e+38F", "EXP_IS_ZERO": "-104",
        "EXP_IS_INFINITE": "89", "MODERATE": "20",
        "EXPM1_IS_MINUS_ONE": "-20", "NORMAL_IS_ZERO": "14.5F", "ERF_TERMS": "7", "LANES": "4",
        "PI_HIGH": "3.140625F", "PI_MIDDLE": "9.67502593994140625e-4F", "PI_LOW": "1.50995799097837643e-7F",
    },
    "float64": {
        "BITS": "uint64_t", "WHOLE": "int64_t",
        "SIGN_BIT": "((uint64_t)1 << 63)", "FRACTION_BITS": "52", "EXPONENT_BIAS": "1023", "LIFT": "64",
        "MOST_DIGITS": "4503599627370496.0", "ROUND_TO_INTEGER": "6755399441055744.0", "SQRT_HALF_BITS": "0x3fe6a09e667f3bcdU",
        "LN2_HIGH": "6.93145751953125e-1", "LN2_LOW": "1.42860682030941723212e-6", "SMALLEST_NORMAL": "2.2250738585072014e-308",
        "LARGEST": "1.7976931348623157e+308", "EXP_IS_ZERO": "-746", "EXP_IS_INFINITE": "710", "MODERATE": "40",
        "EXPM1_IS_MINUS_ONE": "-40", "NORMAL_IS_ZERO": "38.7", "ERF_TERMS": "13", "LANES": "2",
        "PI_HIGH": "3.14159250259399414062", "PI_MIDDLE": "1.50995788317231927067e-7", "PI_LOW": "1.07806057163162381058e-14",
    },
}  # fmt: skip

#: Polynomials (minimax in the relative error), one text for each type: their numbers differ.
_POLYNOMIALS: Final[dict[str, dict[str, str]]] = {
    "exp_tail": {
        "float32": """
static inline float F(exp_tail)(float r) {
    float r2 = r * r, low = r * 1.66665206e-1F + 4.99999934e-1F, high = r * 8.3687169e-3F + 4.16683881e-2F;
    return r2 * (r2 * 1.3814597e-3F + high) + low;
}
""",
        "float64": """
static inline double F(exp_tail)(double r) {
    double q = 2.5000061626415511e-8;
    q = q * r + 2.7630248385771479e-7;
    q = q * r + 2.7557586373784997e-6;
    q = q * r + 2.4801493098886233e-5;
    q = q * r + 1.9841269506578721e-4;
    q = q * r + 1.3888888943630135e-3;
    q = q * r + 8.3333333334944617e-3;
    q = q * r + 4.1666666666530158e-2;
    q = q * r + 1.6666666666666413e-1;
    return q * r + 5.0000000000000106e-1;
}
""",
    },
    "atanh_tail": {
        "float32": """
static inline float F(atanh_tail)(float s2) {
    float q = 2.9871886e-1F;
    q = q * s2 + 3.9977537e-1F;
    return q * s2 + 6.6666776e-1F;
}
""",
        "float64": """
static inline double F(atanh_tail)(double s2) {
    double q = 1.4796103636452206e-1;
    q = q * s2 + 1.5314036009114776e-1;
    q = q * s2 + 1.8183564860250342e-1;
    q = q * s2 + 2.2222198563598603e-1;
    q = q * s2 + 2.8571428742473930e-1;
    q = q * s2 + 3.9999999999414324e-1;
    return q * s2 + 6.6666666666667345e-1;
}
""",
    },
    "wide_atanh_tail": {
        "float32": """
static inline float F(wide_atanh_tail)(float s2) {
    float q = 2.32335642e-1F;
    q = q * s2 + 2.17045331e-1F;
    q = q * s2 + 2.85924989e-1F;
    q = q * s2 + 3.99997032e-1F;
    return q * s2 + 6.66666673e-1F;
}
""",
        "float64": """
static inline double F(wide_atanh_tail)(double s2) {
    double q = 1.6172372522579059e-1;
    q = q * s2 + 8.7965840064435627e-2;
    q = q * s2 + 1.2001936214906146e-1;
    q = q * s2 + 1.3314047479705865e-1;
    q = q * s2 + 1.5385576378178434e-1;
    q = q * s2 + 1.8181789194221706e-1;
    q = q * s2 + 2.2222222722631396e-1;
    q = q * s2 + 2.8571428567052737e-1;
    q = q * s2 + 4.0000000000014813e-1;
    return q * s2 + 6.6666666666666663e-1;
}
""",
    },
    "sine_tail": {
        "float32": """
static inline float F(sine_tail)(float r2) {
    float q = 7.767597339e-2F;
    q = q * r2 + -5.983080946e-1F;
    q = q * r2 + 2.550082306F;
    return q * r2 + -5.167710514F;
}
""",
        "float64": """
static inline double F(sine_tail)(double r2) {
    double q = 7.6966953692212814e-7;
    q = q * r2 + -2.1903396565629341e-5;
    q = q * r2 + 4.6629978213761895e-4;
    q = q * r2 + -7.3704305006887731e-3;
    q = q * r2 + 8.2145886572827530e-2;
    q = q * r2 + -5.9926452931896110e-1;
    q = q * r2 + 2.5501640398773029;
    return q * r2 + -5.1677127800499697;
}
""",
    },
    "normal_bend": {
        "float32": """
static inline float F(normal_bend)(float x) {
    float p = 4.01629519e-3F, q = 2.00811390e-3F;
    p = p * x + 4.60133736e-2F;
    p = p * x + 2.41393501e-1F;
    p = p * x + 6.75912562e-1F;
    p = p * x + 9.10859156e-1F;
    q = q * x + 2.55254303e-2F;
    q = q * x + 1.52638685e-1F;
    q = q * x + 5.24967031e-1F;
    q = q * x + 1.04204064F;
    return p / (q * x + 1);
}
""",
        "float64": """
static inline double F(normal_bend)(double x) {
    double p = 9.7395264752038115e-7, q = 4.8697632376336882e-7;
    p = p * x + 2.8755431021630609e-5;
    p = p * x + 4.1595059282231032e-4;
    p = p * x + 3.8195544722002507e-3;
    p = p * x + 2.4377327791393135e-2;
    p = p * x + 1.1184614287823874e-1;
    p = p * x + 3.6918422172952068e-1;
    p = p * x + 8.4921539551317709e-1;
    p = p * x + 1.2475045020565269;
    p = p * x + 9.1085915302526977e-1;
    q = q * x + 1.4988049821260945e-5;
    q = q * x + 2.2676003120604279e-4;
    q = q * x + 2.1927581167386828e-3;
    q = q * x + 1.4899309316025970e-2;
    q = q * x + 7.4034282599100488e-2;
    q = q * x + 2.7207183088204318e-1;
    q = q * x + 7.3104745950418403e-1;
    q = q * x + 1.3805211388628661;
    q = q * x + 1.6695710217554311;
    return p / (q * x + 1);
}
""",
    },
}

#: The others; each needs only what comes before it.
_FUNCTIONS: Final[dict[str, str]] = {
    "bits": """
static inline BITS F(bits)(T x) {
    union { T number; BITS bits; } both;
    both.number = x;
    return both.bits;
}
""",
    "from_bits": """
static inline T F(from_bits)(BITS bits) {
    union { BITS bits; T number; } both;
    both.bits = bits;
    return both.number;
}
""",
    "abs": "static inline T F(abs)(T x) { return F(from_bits)(F(bits)(x) & ~SIGN_BIT); }",
    "is_nan": "static inline int F(is_nan)(T x) { return x != x; }",
    "maximum": "static inline T F(maximum)(T a, T b) { return a > b || a != a ? a : b; }",
    "minimum": "static inline T F(minimum)(T a, T b) { return a < b || a != a ? a : b; }",
    "floor": """
static inline T F(floor)(T x) {
    T whole;
    if (!(F(abs)(x) < MOST_DIGITS)) return x;
    whole = (T)(WHOLE)x;
    whole = whole > x ? whole - 1 : whole;
    return F(from_bits)(F(bits)(whole) | (F(bits)(x) & SIGN_BIT)); /* -0 stays */
}
""",
    "sqrt": """
/* Digit by digit, rounded to nearest; what is subnormal or nearly so is scaled before and after. */
static inline T F(sqrt)(T x) {
    BITS one = (BITS)1 << FRACTION_BITS, left, root = 0, sum = 0, bit;
    T scale = 1;
    int exponent;
    if (!(x > 0 && x <= LARGEST)) return x < 0 ? F(from_bits)(((BITS)(2 * EXPONENT_BIAS + 1) << FRACTION_BITS) | (one >> 1)) : x;
    if (x < SMALLEST_NORMAL * (T)one) {
        x = x * (T)one * (T)one; /* so that it is normal: the root is then `one` times too large */
        scale = 1 / (T)one;
    }
    exponent = (int)(F(bits)(x) >> FRACTION_BITS) - EXPONENT_BIAS;
    left = (F(bits)(x) & (one - 1)) | one;
    if (exponent & 1) left += left;
    exponent = (exponent - (exponent & 1)) / 2;
    left += left;
    for (bit = one << 1; bit != 0; bit >>= 1) {
        BITS next = sum + bit;
        if (next <= left) {
            sum = next + bit;
            left -= next;
            root += bit;
        }
        left += left;
    }
    if (left != 0) root += root & 1;
    return F(from_bits)((root >> 1) + ((BITS)(exponent + EXPONENT_BIAS - 1) << FRACTION_BITS)) * scale;
}
""",
    "power_of_two": """
static inline T F(power_of_two)(T k) {
    return F(from_bits)(F(bits)(k + (ROUND_TO_INTEGER + EXPONENT_BIAS)) << FRACTION_BITS);
}
""",
    "split_exp": """
/* exp(x - rest) = 2^k (1 + p), k an integer, |p| < 0.42. */
static inline T F(split_exp)(T x, T rest, T *p) {
    T k = ((x - rest) * (T)1.4426950408889634 + ROUND_TO_INTEGER) - ROUND_TO_INTEGER;
    T r = (-k * LN2_HIGH + x) - rest;
    r = -k * LN2_LOW + r;
    *p = F(exp_tail)(r) * (r * r) + r;
    return k;
}
""",
    "exp": """
static inline T F(exp)(T x) {
    T k, p, half;
    x = x < EXP_IS_ZERO ? EXP_IS_ZERO : x;
    x = x > EXP_IS_INFINITE ? EXP_IS_INFINITE : x;
    k = F(split_exp)(x, 0, &p);
    half = (k * (T)0.5 + ROUND_TO_INTEGER) - ROUND_TO_INTEGER;
    return (1 + p) * F(power_of_two)(half) * F(power_of_two)(k - half);
}
""",
    "moderate": """
/* x held where exp is neither infinity nor 0, and 1 + exp(x) is exp(x) at the end. */
static inline T F(moderate)(T x) {
    x = x < EXP_IS_ZERO ? EXP_IS_ZERO : x;
    return x > MODERATE ? MODERATE : x;
}
""",
    "one": "static inline T F(one)(void) { return F(from_bits)((BITS)(EXPONENT_BIAS + LIFT) << FRACTION_BITS); }",
    "lifted": """
/* x 2^k times a power of two that keeps small numbers normal: that of F(one). */
static inline T F(lifted)(T x, T k) {
    return x * F(from_bits)(F(bits)(k + (ROUND_TO_INTEGER + EXPONENT_BIAS + LIFT)) << FRACTION_BITS);
}
""",
    "times_power": "static inline T F(times_power)(T x, T k) { return F(lifted)(x, k) * (1 / F(one)()); }",
    "lifted_exp": """
static inline T F(lifted_exp)(T x) {
    T p, k = F(split_exp)(x, 0, &p);
    return F(lifted)(1 + p, k);
}
""",
    "exp_of_moderate": """
static inline T F(exp_of_moderate)(T x) {
    T p, k = F(split_exp)(x, 0, &p);
    return F(times_power)(1 + p, k);
}
""",
    "expm1_of_negative": """
static inline T F(expm1_of_negative)(T x) {
    T p, k = F(split_exp)(x < EXPM1_IS_MINUS_ONE ? EXPM1_IS_MINUS_ONE : x, 0, &p), scale = F(power_of_two)(k);
    return scale * p + (scale - 1);
}
""",
    "expm1": """
static inline T F(expm1)(T x) {
    T t;
    if (!(x > 0)) return F(expm1_of_negative)(x);
    if (x > 1) return F(exp)(x) - 1;
    t = F(expm1_of_negative)(-x); /* exp(x) - 1 = -t / (1 + t) */
    return -t / (1 + t);
}
""",
    "log_of_normal": """
static inline T F(log_of_normal)(T x, T scaled_by) {
    const T one_in_lowest_bit = (T)((BITS)1 << FRACTION_BITS);
    BITS above = F(bits)(x) + (((BITS)EXPONENT_BIAS << FRACTION_BITS) - SQRT_HALF_BITS);
    T k = F(from_bits)((above >> FRACTION_BITS) | F(bits)(one_in_lowest_bit)) - (one_in_lowest_bit + EXPONENT_BIAS) - scaled_by;
    T f = F(from_bits)((above & (((BITS)1 << FRACTION_BITS) - 1)) + SQRT_HALF_BITS) - 1;
    T s = f / (2 + f), s2 = s * s, half_f2 = (T)0.5 * f * f;
    T small = (k * LN2_LOW + s * (s2 * F(atanh_tail)(s2) + half_f2)) - half_f2;
    return k * LN2_HIGH + (f + small);
}
""",
    "log": """
static inline T F(log)(T x) {
    const T scale = (T)((BITS)1 << FRACTION_BITS);
    if (x == 0) return -F(from_bits)((BITS)(2 * EXPONENT_BIAS + 1) << FRACTION_BITS);
    if (x < 0) return F(from_bits)(((BITS)(2 * EXPONENT_BIAS + 1) << FRACTION_BITS) | ((BITS)1 << (FRACTION_BITS - 1)));
    if (!(x <= LARGEST)) return x;
    return x < SMALLEST_NORMAL ? F(log_of_normal)(x * scale, FRACTION_BITS) : F(log_of_normal)(x, 0);
}
""",
    "log1p_of_positive": """
static inline T F(log1p_of_positive)(T x) {
    T above = 1 + x;
    return F(log_of_normal)(above, 0) + (x - (above - 1)) / above;
}
""",
    "log1p": """
static inline T F(log1p)(T x) {
    T s, s2, half_x2, above;
    if (x >= 0 && x <= 1) {
        s = x / (2 + x);
        s2 = s * s;
        half_x2 = (T)0.5 * x * x;
        return x - (-s * (s2 * F(wide_atanh_tail)(s2) + half_x2) + half_x2);
    }
    above = 1 + x;
    if (!(above > 0 && x <= LARGEST)) return F(log)(above);
    return F(log1p_of_positive)(x);
}
""",
    "tanh": """
static inline T F(tanh)(T x) {
    T t = F(expm1_of_negative)(-2 * F(abs)(x));
    return F(from_bits)(F(bits)(F(abs)(t / (2 + t))) | (F(bits)(x) & SIGN_BIT));
}
""",
    "sigmoid": """
static inline T F(sigmoid)(T x) {
    T w = F(lifted_exp)(F(moderate)(x));
    return w / (F(one)() + w);
}
""",
    "silu": """
static inline T F(silu)(T x) {
    T near = F(moderate)(x), w = F(lifted_exp)(near), share = 1 / (F(one)() + w);
    return (x > near ? x : near) * (w * share);
}
""",
    "mish": """
static inline T F(mish)(T x) {
    T near = F(moderate)(x), w = F(lifted_exp)(near), one = F(one)(), n = w * (w + 2 * one), share = 1 / (n + 2 * one * one);
    return (x > near ? x : near) * (n * share);
}
""",
    "split_normal": """
/* Phi(-x) = 2^k (1 + p) / ratio for x >= 0, held where it is not 0. */
static inline T F(split_normal)(T *x, T *ratio, T *p) {
    T held = *x > NORMAL_IS_ZERO ? NORMAL_IS_ZERO : *x, upper, rest;
    upper = F(from_bits)(F(bits)(held) & ~(((BITS)1 << (FRACTION_BITS / 2 + 1)) - 1)); /* its square is exact */
    rest = (T)0.5 * (held - upper) * (held + upper);
    *ratio = held * ((T)2.5066282746310005 - F(normal_bend)(held)) + 2;
    *x = held;
    return F(split_exp)((T)-0.5 * upper * upper, rest, p);
}
""",
    "gelu": """
static inline T F(gelu)(T z) {
    T x = F(abs)(z), ratio, p, k = F(split_normal)(&x, &ratio, &p), share = 1 / ratio;
    return (z > 0 ? z : 0) - F(times_power)((x * p + x) * share, k);
}
""",
    "gelu_tanh": """
static inline T F(gelu_tanh)(T z) {
    T left = z < -30 ? -30 : z, near = left > 8 ? 8 : left;
    T cubic = (T)(1.5957691216057307117597842397375 * 0.044715) * near * near;
    T w = F(lifted_exp)(F(moderate)(near * ((T)1.5957691216057307117597842397375 + cubic))), share = 1 / (F(one)() + w);
    return left * (w * share);
}
""",
    "erf": """
static inline T F(erf)(T z) {
    T x = F(abs)(z), ratio, p, k, term = z, sum = z;
    int n;
    if (x < (T)0.5) {
        for (n = 1; n < ERF_TERMS; n++) {
            term *= -(x * x) / (T)n;
            sum += term / (T)(2 * n + 1);
        }
        return (T)1.1283791670955126 * sum;
    }
    x *= (T)1.4142135623730951;
    k = F(split_normal)(&x, &ratio, &p);
    sum = 1 - 2 * F(times_power)((1 + p) / ratio, k);
    return F(from_bits)(F(bits)(sum) | (F(bits)(z) & SIGN_BIT));
}
""",
    "signed_sine": """
/* (-1)^k sin(pi r) for an integer k and |r| <= 1/2. */
static inline T F(signed_sine)(T r, T k) {
    T r2 = r * r, sine = (F(sine_tail)(r2) * r2 + (T)1.1415926535897932) * r + 2 * r;
    return F(from_bits)(F(bits)(sine) ^ (F(bits)(k + ROUND_TO_INTEGER) << (sizeof(T) * 8 - 1)));
}
""",
    "signed_sine_of": """
/* (-1)^k sin(x); an x beyond a quarter of a turn, from an angle that is too large to have digits, is held there. */
static inline T F(signed_sine_of)(T x, T k) {
    T r = x * (T)0.31830988618379067;
    return F(signed_sine)(r > (T)0.5 ? (T)0.5 : r < (T)-0.5 ? (T)-0.5 : r, k);
}
""",
    "sin": """
static inline T F(sin)(T x) {
    T k = (x * (T)0.31830988618379067 + ROUND_TO_INTEGER) - ROUND_TO_INTEGER;
    return F(signed_sine_of)(((x - k * PI_HIGH) - k * PI_MIDDLE) - k * PI_LOW, k);
}
""",
    "cos": """
static inline T F(cos)(T x) {
    T k, half;
    x = F(abs)(x);
    k = ((x * (T)0.31830988618379067 - (T)0.5) + ROUND_TO_INTEGER) - ROUND_TO_INTEGER;
    half = k + (T)0.5;
    return F(signed_sine_of)(((half * PI_HIGH - x) + half * PI_MIDDLE) + half * PI_LOW, k);
}
""",
    "within_two_periods": """
/* x less a multiple of 4, which is exact; NaN where x is not finite. */
static inline T F(within_two_periods)(T x) {
    T all_are_even = (T)((BITS)1 << (FRACTION_BITS + 1));
    return F(abs)(x) < all_are_even ? x - 4 * (((T)0.25 * x + ROUND_TO_INTEGER) - ROUND_TO_INTEGER) : 0 * x;
}
""",
    "cospi": """
/* cos(pi x) = (-1)^k sin(pi (k + 1/2 - x)). */
static inline T F(cospi)(T x) {
    T y = F(abs)(F(within_two_periods)(x)), k = ((y - (T)0.5) + ROUND_TO_INTEGER) - ROUND_TO_INTEGER;
    return F(signed_sine)((k + (T)0.5) - y, k);
}
""",
    "waves": """
/* y (n, width) = bias + cos(2 pi x (n,) frequency + phase) . weight for each x, with its own row of frequency, phase, weight and bias. */
static inline void F(waves)(const T *x, const T *frequency, const T *phase, const T *weight, const T *bias, T *y, int n, int n_waves,
                            int width) {
    int i, j, k;
    for (i = 0; i < n; i++, frequency += n_waves, phase += n_waves, bias += width, y += width) {
        for (j = 0; j < width; j++) y[j] = bias[j];
        for (k = 0; k < n_waves; k++, weight += width) {
            T wave = F(cospi)(2 * frequency[k] * x[i] + phase[k] * (T)0.31830988618379067);
            for (j = 0; j < width; j++) y[j] += wave * weight[j];
        }
    }
}
""",
    "product": """
/* y (rows, m) = bias + x (rows, k) . w (k, m): each sum begins with the bias, and terms follow in the order of k. */
static inline void F(product)(const T *x, const T *w, const T *bias, T *y, int rows, int k, int m) {
    int j, p, whole = m - m % 4;
    for (; rows > 0; rows--, x += k, y += m) {
        for (j = 0; j < whole; j += 4) {
            T a = bias ? bias[j] : 0, b = bias ? bias[j + 1] : 0, c = bias ? bias[j + 2] : 0, d = bias ? bias[j + 3] : 0;
            const T *from = w + j;
            for (p = 0; p < k; p++, from += m) {
                a += x[p] * from[0];
                b += x[p] * from[1];
                c += x[p] * from[2];
                d += x[p] * from[3];
            }
            y[j] = a;
            y[j + 1] = b;
            y[j + 2] = c;
            y[j + 3] = d;
        }
        for (j = whole; j < m; j++) {
            T a = bias ? bias[j] : 0;
            for (p = 0; p < k; p++) a += x[p] * w[p * m + j];
            y[j] = a;
        }
    }
}
""",
    "quantize": """
/* x factor + zero as a whole number from 0 to 255, ties to even; NaN is 0. */
static inline unsigned char F(quantize)(T x, T factor, int zero) {
    T steps = x * factor, low = (T)-zero, high = (T)(255 - zero);
    steps = steps > low ? steps : low;
    steps = steps < high ? steps : high;
    return (unsigned char)((int)(steps + ROUND_TO_INTEGER - ROUND_TO_INTEGER) + zero);
}
""",
    "integer_product": """
/* y (rows, m) = (q - zero) . w for q (rows, k) and w (k, m): whole numbers, summed in 32 bits. */
static inline void F(integer_product)(const unsigned char *q, const signed char *w, int zero, T *y, int rows, int k, int m) {
    int j, p, first, n;
    for (; rows > 0; rows--, q += k, y += m) {
        for (first = 0; first < m; first += 16) {
            int32_t sums[16] = {0};
            n = m - first < 16 ? m - first : 16;
            for (p = 0; p < k; p++) {
                for (j = 0; j < n; j++) sums[j] += (int32_t)(q[p] - zero) * w[p * m + first + j];
            }
            for (j = 0; j < n; j++) y[first + j] = (T)sums[j];
        }
    }
}
""",
    "sum": """
static inline void F(sum)(const T *x, T *y, int rows, int n) {
    int i;
    for (; rows > 0; rows--, x += n, y++) {
        T sum = n > 0 ? x[0] : 0;
        for (i = 1; i < n; i++) sum += x[i];
        *y = sum;
    }
}
""",
    "max": """
static inline void F(max)(const T *x, T *y, int rows, int n) {
    int i;
    for (; rows > 0; rows--, x += n, y++) {
        T most = x[0];
        for (i = 1; i < n; i++) most = x[i] > most || x[i] != x[i] ? x[i] : most;
        *y = most;
    }
}
""",
    "largest": """
static inline void F(largest)(const T *x, int *y, int rows, int n) {
    int i;
    for (; rows > 0; rows--, x += n, y++) {
        T most = x[0];
        *y = 0;
        for (i = 1; i < n && most == most; i++)
            if (!(x[i] <= most)) {
                most = x[i];
                *y = i;
            }
    }
}
""",
    "powers": """
/* exp(x - most) of a row to y, unless that is 0, and their sum without a power that is 1: beyond 16 numbers in as many parts as vectors of
 * the kernels have lanes. */
static inline T F(powers)(const T *x, T most, T *y, int n) {
    T rest = 0, ones = 0;
    int i, begin, lane, whole = n <= 16 ? 0 : n / LANES * LANES;
    for (begin = 0; begin < n; begin += 256) {
        int end = n - begin < 256 ? n : begin + 256, vectors = whole < begin ? begin : whole < end ? whole : end;
        T parts[LANES], total;
        for (lane = 0; lane < LANES; lane++) parts[lane] = 0;
        for (i = begin; i < end; i++) {
            T power = F(exp_of_moderate)(F(moderate)(x[i] - most)), other = power == 1 ? 0 : power;
            if (y) y[i] = power;
            ones += power == 1;
            if (i >= vectors) {
                rest += other;
                continue;
            }
            parts[(i - begin) % LANES] += other;
            if (i + 1 < vectors) continue;
            total = parts[0];
            for (lane = 1; lane < LANES; lane++) total += parts[lane];
            rest += total;
        }
    }
    return rest + (ones - 1);
}
""",
    "most": """
static inline T F(most)(const T *x, int n) {
    T most = x[0];
    int i;
    for (i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
    return most;
}
""",
    "softmax": """
static inline void F(softmax)(const T *x, T *y, int rows, int n) {
    int i;
    for (; rows > 0; rows--, x += n, y += n) {
        T share = 1 / (1 + F(powers)(x, F(most)(x, n), y, n));
        for (i = 0; i < n; i++) y[i] *= share;
    }
}
""",
    "log_softmax": """
static inline void F(log_softmax)(const T *x, T *y, int rows, int n) {
    int i;
    for (; rows > 0; rows--, x += n, y += n) {
        T most = F(most)(x, n), rest = F(log1p_of_positive)(F(powers)(x, most, 0, n));
        for (i = 0; i < n; i++) y[i] = (x[i] - most) - rest;
    }
}
""",
    "total": """
static inline T F(total)(T *sums, int parts) {
    int half, i;
    for (half = parts / 2; half > 0; half /= 2)
        for (i = 0; i < half; i++) sums[i] += sums[i + half];
    return sums[0];
}
""",
    "standardize": """
static inline void F(standardize)(const T *x, T epsilon, T *y, int rows, int n) {
    int parts = n < 32 ? 8 : 32, i;
    for (; rows > 0; rows--, x += n, y += n) {
        T sum[32], squares[32], mean, left, shift, variance, inverse_std;
        for (i = 0; i < 32; i++) sum[i] = squares[i] = 0;
        for (i = 0; i < n; i++) sum[i % parts] += x[i];
        mean = F(total)(sum, parts) / (T)n;
        for (i = 0; i < 32; i++) sum[i] = 0;
        for (i = 0; i < n; i++) {
            T deviation = x[i] - mean;
            sum[i % parts] += deviation;
            squares[i % parts] += deviation * deviation;
        }
        left = F(total)(sum, parts);
        shift = left / (T)n;
        variance = (F(total)(squares, parts) - shift * left) / (T)n;
        mean += shift;
        inverse_std = 1 / F(sqrt)((variance < 0 ? 0 : variance) + epsilon);
        for (i = 0; i < n; i++) y[i] = (x[i] - mean) * inverse_std;
    }
}
""",
    "rms_normalize": """
static inline void F(rms_normalize)(const T *x, T epsilon, T *y, int rows, int n) {
    int parts = n < 32 ? 8 : 32, i;
    for (; rows > 0; rows--, x += n, y += n) {
        T squares[32], inverse;
        for (i = 0; i < 32; i++) squares[i] = 0;
        for (i = 0; i < n; i++) squares[i % parts] += x[i] * x[i];
        inverse = 1 / F(sqrt)(F(total)(squares, parts) / (T)n + epsilon);
        for (i = 0; i < n; i++) y[i] = x[i] * inverse;
    }
}
""",
    "code": """
/* The code of a level: `missing` for NaN, `unknown` for what is no number of a level. */
static inline double F(code)(T level, const short *codes, int n_levels, int missing, int unknown) {
    if (level != level) return missing;
    if (!(level >= 0 && level < (T)n_levels) || level != (T)(int)level) return unknown;
    return codes[(int)level];
}
""",
}

#: All of them, each after what it needs.
FUNCTION_NAMES: Final[tuple[str, ...]] = (*_POLYNOMIALS, *_FUNCTIONS)
_NAME = re.compile(r"\bF\((\w+)\)")


def function_text(names: Iterable[str], dtype: str, prefix: str) -> list[str]:
    """The functions of these names for a dtype, and all that they need, each after what it needs."""
    needed: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending += _NAME.findall(_template(name, dtype))
    return [_filled(_template(name, dtype), dtype, prefix) for name in FUNCTION_NAMES if name in needed]


def _template(name: str, dtype: str) -> str:
    text = _POLYNOMIALS[name][dtype] if name in _POLYNOMIALS else _FUNCTIONS[name]
    return text.strip("\n") + "\n"


def _filled(text: str, dtype: str, prefix: str) -> str:
    text = _NAME.sub(lambda match: f"{prefix}_{match[1]}_{SUFFIXES[dtype]}", text)
    return re.sub(r"\b[A-Z][A-Z0-9_]*\b", lambda match: {**NUMBERS[dtype], "T": TYPES[dtype]}.get(match[0], match[0]), text)
