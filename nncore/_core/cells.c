#include "cells.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- cutting ---------------------------------------------------------------------------------------------------------------- */

static inline bool is_blank(unsigned char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r') || (byte >= 0x1c && byte <= 0x1f); }

/* The number of bytes of the non-ASCII blank at `text`, or 0 if there is none. At most `size` bytes may be read. */
static int wide_blank(const char *text, int64_t size) {
    const unsigned char *bytes = (const unsigned char *)text;
    if (size >= 2 && bytes[0] == 0xc2) { return bytes[1] == 0x85 || bytes[1] == 0xa0 ? 2 : 0; }
    if (size < 3) { return 0; }
    const uint32_t three = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
    const bool found = three == 0xe19a80 || (three >= 0xe28080 && three <= 0xe2808a) || three == 0xe280a8 || three == 0xe280a9 ||
                       three == 0xe280af || three == 0xe2819f || three == 0xe38080;
    return found ? 3 : 0;
}

static inline void strip(const char *data, int32_t *begin, int32_t *end) {
    int32_t from = *begin, to = *end;
    while (from < to) {
        const unsigned char first = (unsigned char)data[from];
        const int n = first < 0x80 ? is_blank(first) : wide_blank(data + from, to - from);
        if (n == 0) { break; }
        from += n;
    }
    while (from < to) {
        const unsigned char last = (unsigned char)data[to - 1];
        int n = 0;
        if (last < 0x80) {
            n = is_blank(last);
        } else if (to - from >= 2 && wide_blank(data + to - 2, 2) == 2) {
            n = 2;
        } else if (to - from >= 3 && wide_blank(data + to - 3, 3) == 3) {
            n = 3;
        }
        if (n == 0) { break; }
        to -= n;
    }
    *begin = from;
    *end = to;
}

void nnc_strip(const char *data, int32_t *begins, int32_t *ends, int64_t n) {
    for (int64_t i = 0; i < n; i++) { strip(data, begins + i, ends + i); }
}

/* Reads a quoted cell of one line, in place, from `at` behind its opening quote. *end is where its text ends. Returns the place behind
 * the closing quote, or NULL if there is none. */
static char *unquoted(char *at, char **end) {
    char *to = at;
    for (;;) {
        while (*at != '"' && *at != '\n' && *at != '\r' && *at != '\0') { *to++ = *at++; }
        if (*at != '"') { return NULL; }
        if (at[1] != '"') {
            *end = to;
            return at + 1;
        }
        *to++ = '"';
        at += 2;
    }
}

bool nnc_cut(char *data, int64_t size, char separator, int64_t width, int64_t n_rows, int32_t *begins, int32_t *ends) {
    bool stops[256] = {[0] = true, ['\n'] = true, ['\r'] = true};
    stops[(unsigned char)separator] = true;
    char *at = data;
    for (int64_t row = 0; row < n_rows; row++) {
        const char *line = at;
        for (int64_t column = 0; column < width; column++) {
            while (*at == ' ' && separator != ' ') { at++; }
            char *begin = at, *end;
            if (*at == '"') {
                begin = at + 1;
                at = unquoted(begin, &end);
                if (at == NULL || !stops[(unsigned char)*at]) { return false; }
            } else {
                while (!stops[(unsigned char)*at]) { at++; }
                end = at;
            }
            int32_t *own_begin = begins + column * n_rows + row, *own_end = ends + column * n_rows + row;
            *own_begin = (int32_t)(begin - data);
            *own_end = (int32_t)(end - data);
            strip(data, own_begin, own_end);
            const bool is_last = column + 1 == width;
            if ((*at == separator) == is_last) { return false; }
            at += !is_last;
        }
        if (at == line) { return false; }
        at += *at == '\r' ? 1 + (at[1] == '\n') : *at == '\n';
    }
    return at == data + size;
}

/* ---- numbers ---------------------------------------------------------------------------------------------------------------- */

/* The largest power of ten that is exact in float64, the largest n with 5^n below 2^63, and the digits that fit into 64 bits. */
enum { EXACT_POWER = 22, MOST_POWER = 27, MOST_DIGITS = 19 };

static const double TENS[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                             1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Integers below 10^15 are exact in float64, and float64 preserves 15 digits of any number. */
static const uint64_t KEPT = UINT64_C(1000000000000000);

static uint64_t power_of_5(int n) {
    uint64_t power = 1;
    for (int i = 0; i < n; i++) { power *= 5; }
    return power;
}

/* The product of two numbers, in 128 bits. */
static inline void multiply(uint64_t a, uint64_t b, uint64_t *high, uint64_t *low) {
#ifdef __SIZEOF_INT128__
    const unsigned __int128 product = (unsigned __int128)a * b;
    *high = (uint64_t)(product >> 64);
    *low = (uint64_t)product;
#else
    const uint64_t a1 = a >> 32, a0 = (uint32_t)a, b1 = b >> 32, b0 = (uint32_t)b;
    const uint64_t middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (uint32_t)middle;
    *high = a1 * b1 + (middle >> 32) + (other >> 32);
    *low = a * b;
#endif
}

/* (high·2^64 + low) / by, for high < by and by ≥ 2^63, by Knuth's algorithm D. *is_inexact says whether there is a remainder. */
static uint64_t divide(uint64_t high, uint64_t low, uint64_t by, bool *is_inexact) {
    const uint64_t base = UINT64_C(1) << 32, by1 = by >> 32, by0 = (uint32_t)by;
    uint64_t quotient = 0, rest = high;
    for (int half = 0; half < 2; half++) {
        const uint64_t next = half ? (uint32_t)low : low >> 32;
        uint64_t digit = rest / by1, left = rest % by1;
        while (digit >= base || digit * by0 > (left << 32 | next)) {
            digit--;
            left += by1;
            if (left >= base) { break; }
        }
        rest = (rest << 32 | next) - digit * by;
        quotient = quotient << 32 | digit;
    }
    *is_inexact = rest != 0;
    return quotient;
}

static inline int leading_zeros(uint64_t x) { return __builtin_clzll(x); }

/* (high·2^64 + low)·2^exponent as the nearest float64, ties to even. `is_inexact`: the number is a little larger than that. */
static double rounded(uint64_t high, uint64_t low, int exponent, bool is_inexact) {
    if (high) {
        const int zeros = leading_zeros(high);
        if (zeros) {
            high = high << zeros | low >> (64 - zeros);
            low <<= zeros;
        }
        is_inexact |= low != 0;
        low = high;
        exponent += 64 - zeros;
    }
    const int surplus = 64 - leading_zeros(low) - DBL_MANT_DIG;
    if (surplus > 0) {
        const uint64_t rest = low & ((UINT64_C(1) << surplus) - 1), half = UINT64_C(1) << (surplus - 1);
        low >>= surplus;
        low += rest > half || (rest == half && (is_inexact || (low & 1)));
        exponent += surplus;
    }
    return ldexp((double)low, exponent);
}

/* digits·10^power, correctly rounded, for digits above 0 and power from -MOST_POWER to MOST_POWER. */
static double scaled(uint64_t digits, int power) {
    if (power >= 0) {
        uint64_t high, low;
        multiply(digits, power_of_5(power), &high, &low);
        return rounded(high, low, power, false);
    }
    uint64_t by = power_of_5(-power);
    const int zeros = leading_zeros(digits), by_zeros = leading_zeros(by);
    digits <<= zeros;
    by <<= by_zeros;
    bool is_inexact;
    const uint64_t quotient = divide(digits >> 1, digits << 63, by, &is_inexact);
    return rounded(0, quotient, power + by_zeros - zeros - 63, is_inexact);
}

/* The digits of x written with `decimals` decimals, as an integer below 2^64. Rounds as printf does. */
static uint64_t written(double x, int decimals) {
    int exponent;
    const uint64_t mantissa = (uint64_t)ldexp(frexp(x, &exponent), DBL_MANT_DIG);
    exponent += decimals - DBL_MANT_DIG;
    uint64_t high, low;
    multiply(mantissa, power_of_5(decimals), &high, &low);
    if (exponent >= 0) { return low << exponent; }
    const int shift = -exponent;
    if (shift >= 128) { return 0; }
    const int bits = (shift - 1) % 64 + 1; /* bits of `part` that are shifted out */
    const bool is_far = shift > 64;
    const uint64_t part = is_far ? high : low;
    const uint64_t half = UINT64_C(1) << (bits - 1), rest = part & (half | (half - 1));
    const uint64_t above = is_far ? 0 : high;
    const uint64_t whole = bits == 64 ? above : part >> bits | above << (64 - bits);
    return whole + (rest > half || (rest == half && ((is_far && low) || (whole & 1))));
}

static inline bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

nnc_kind nnc_read_number(const char *text, int64_t size, double *number, uint16_t *form) {
    const char *at = text, *end = text + size;
    const bool is_negative = at < end && *at == '-', has_sign = is_negative || (at < end && *at == '+');
    at += has_sign;
    const char *first = at;
    uint64_t digits = 0;
    while (at < end && is_digit(*at)) { digits = 10 * digits + (uint64_t)(*at++ - '0'); }
    const int64_t n_whole = at - first;
    int64_t n_decimals = 0;
    const bool has_point = at < end && *at == '.';
    if (has_point) {
        at++;
        while (at < end && is_digit(*at)) {
            digits = 10 * digits + (uint64_t)(*at++ - '0');
            n_decimals++;
        }
    }
    if (n_whole + n_decimals == 0) { return NNC_IS_WORD; }
    const bool has_exponent = at < end && (*at == 'e' || *at == 'E');
    int64_t exponent = 0;
    if (has_exponent) {
        at++;
        const bool is_small = at < end && *at == '-';
        at += at < end && (*at == '-' || *at == '+');
        if (at == end) { return NNC_IS_WORD; }
        for (; at < end && is_digit(*at); at++) { exponent = exponent < 10000 ? 10 * exponent + (*at - '0') : exponent; }
        exponent = is_small ? -exponent : exponent;
    }
    if (at != end) { return NNC_IS_WORD; }
    int64_t n_digits = n_whole + n_decimals; /* without leading zeros, if it matters */
    if (n_digits > MOST_DIGITS) {
        for (const char *zero = first; zero < end && (*zero == '0' || *zero == '.'); zero++) { n_digits -= *zero == '0'; }
    }
    const int64_t power = exponent - n_decimals;
    if (n_digits > MOST_DIGITS || power < -MOST_POWER || power > MOST_POWER) { return NNC_IS_LONG; }
    double value;
    const bool is_kept = digits < KEPT && power >= -EXACT_POWER && power <= 0 && FLT_EVAL_METHOD == 0;
    if (digits == 0) {
        value = 0.0;
    } else if (is_kept) {
        value = (double)digits / TENS[-power];
    } else {
        value = scaled(digits, (int)power);
    }
    *number = is_negative ? -value : value;
    const bool has_zeros = n_whole > 1 && *first == '0';
    if (has_exponent || has_zeros || (has_sign && !is_negative) || (has_point && n_decimals == 0)) {
        *form = NNC_ODD;
        return NNC_IS_NUMBER;
    }
    const int64_t delta = digits == 0 || is_kept ? 0 : (int64_t)(digits - written(value, (int)n_decimals));
    const bool is_near = delta >= -512 && delta < 511; /* not 511, so that no form is NNC_MISSING or NNC_ODD */
    *form = is_near ? (uint16_t)(n_decimals | (n_whole == 0) << 5 | (delta + 512) << 6) : NNC_ODD;
    return NNC_IS_NUMBER;
}

/* ---- distinct texts --------------------------------------------------------------------------------------------------------- */

static inline uint64_t mixed(uint64_t a, uint64_t b) {
    uint64_t high, low;
    multiply(a, b, &high, &low);
    return high ^ low;
}

/* Keyed by secrets of this process, so that nobody can write a file whose texts all have one hash. */
static uint32_t hash(const nnc_distinct *distinct, const char *text, int64_t size) {
    uint64_t state = distinct->secrets[0] ^ (uint64_t)size;
    while (size > 0) {
        uint64_t word = 0;
        memcpy(&word, text, size < 8 ? (size_t)size : 8);
        state = mixed(state ^ word, distinct->secrets[1]) ^ distinct->secrets[0];
        text += 8;
        size -= 8;
    }
    return (uint32_t)(state ^ state >> 32);
}

/* Enlarges memory by at least half. Returns NULL if there is none. */
static void *grown(void *memory, int64_t *room, int64_t needed, size_t size) {
    int64_t more = *room + *room / 2 + 64;
    more = more < needed ? needed : more;
    void *larger = realloc(memory, (size_t)more * size);
    *room = larger == NULL ? *room : more;
    return larger;
}

static bool make_slots(nnc_distinct *distinct, uint32_t n_slots) {
    int32_t *slots = calloc(n_slots, sizeof *slots);
    if (slots == NULL) { return false; }
    const uint32_t mask = n_slots - 1;
    for (int64_t i = 0; i < distinct->n; i++) {
        uint32_t slot = distinct->hashes[i] & mask;
        while (slots[slot]) { slot = (slot + 1) & mask; }
        slots[slot] = (int32_t)(i + 1);
    }
    free(distinct->slots);
    distinct->slots = slots;
    distinct->mask = mask;
    return true;
}

static bool append(nnc_distinct *distinct, const char *text, int64_t size, uint32_t own_hash) {
    if (distinct->n == INT32_MAX - 1) { return false; }
    if (distinct->size + size > distinct->room) {
        char *texts = grown(distinct->texts, &distinct->room, distinct->size + size, 1);
        if (texts == NULL) { return false; }
        distinct->texts = texts;
    }
    if (distinct->n == distinct->n_room) {
        int64_t room = distinct->n_room;
        int64_t *ends = grown(distinct->ends, &room, 0, sizeof *ends);
        if (ends == NULL) { return false; }
        distinct->ends = ends;
        uint32_t *hashes = realloc(distinct->hashes, (size_t)room * sizeof *hashes);
        if (hashes == NULL) { return false; }
        distinct->hashes = hashes;
        distinct->n_room = room;
    }
    memcpy(distinct->texts + distinct->size, text, (size_t)size);
    distinct->size += size;
    distinct->ends[distinct->n] = distinct->size;
    distinct->hashes[distinct->n++] = own_hash;
    return true;
}

bool nnc_distinct_add(nnc_distinct *distinct, const nnc_cells *cells, int32_t *codes) {
    for (int64_t i = 0; i < cells->n; i++) {
        const char *text = cells->data + cells->begins[i];
        const int64_t size = cells->ends[i] - cells->begins[i];
        if (size == 0) {
            codes[i] = -1;
            continue;
        }
        /* At most two of three slots are taken. */
        if (distinct->slots == NULL || distinct->n * 3 >= (int64_t)distinct->mask * 2) {
            if (distinct->mask >= UINT32_MAX / 2 || !make_slots(distinct, distinct->slots == NULL ? 64 : 2 * (distinct->mask + 1))) {
                return false;
            }
        }
        const uint32_t own_hash = hash(distinct, text, size);
        uint32_t slot = own_hash & distinct->mask;
        int32_t code;
        for (; (code = distinct->slots[slot] - 1) >= 0; slot = (slot + 1) & distinct->mask) {
            if (distinct->hashes[code] == own_hash) {
                const int64_t start = code ? distinct->ends[code - 1] : 0;
                if (distinct->ends[code] - start == size && memcmp(distinct->texts + start, text, (size_t)size) == 0) { break; }
            }
        }
        if (code < 0) {
            code = (int32_t)distinct->n;
            if (!append(distinct, text, size, own_hash)) { return false; }
            distinct->slots[slot] = code + 1;
        }
        codes[i] = code;
    }
    return true;
}

void nnc_distinct_free(nnc_distinct *distinct) {
    free(distinct->texts);
    free(distinct->ends);
    free(distinct->hashes);
    free(distinct->slots);
}
