/* e = exp(z - max z) of every row and its sum. A template: include after vector_math.h and float32.h or float64.h.
 *
 * The largest z has e = 1, and next to it the others may be small. So `rest` is the sum without one e that is 1. Then log(1 + rest) and 1 -
 * p = rest / (1 + rest) keep digits that the whole sum would lose.
 *
 * Two layouts keep vectors full. Many rows of few columns are transposed, so that a vector runs across rows. Other rows are read in
 * place. Few columns are summed in their order in both layouts, and never across lanes. So a row's bits depend only on the row. */
#include "vector.h"

#ifndef NNCORE_SOFTMAX_H
#define NNCORE_SOFTMAX_H

#define FEW_COLUMNS 16
/* Groups of LANES rows that are transposed together: enough for one group's arithmetic to hide another's latency. */
#define GROUPS 4
/* Most numbers, and most rows, that are read in place together. */
#define PART 256
#define PART_ROWS 16

/* Whether n_rows rows of n columns are worth transposing. */
#define IS_BLOCK(n_rows, n) ((n) <= FEW_COLUMNS && 2 * (n_rows) > LANES)
/* How many of n_rows rows are taken together, transposed or not. */
#define BLOCK_ROWS(n_rows, n) \
    (IS_BLOCK(n_rows, n) ? nnc_least(n_rows, GROUPS * LANES) : n > PART ? 1 : nnc_least(nnc_least(n_rows, PART / n), PART_ROWS))
/* The end of the columns that are summed as vectors. */
#define WHOLE(n) ((n) <= FEW_COLUMNS ? 0 : (n) / LANES * LANES)
/* Rows that a transposition moves together, as a short vector. */
#define STRIP (LANES < 4 ? LANES : 4)

#endif

NNC_INLINE V F(load)(const T *x) { return *(const V *)x; }

/* The result of a comparison of vectors: all bits of a lane, or none. */
typedef __typeof__((V){0} == (V){0}) F(nnc_mask);

/* Lane by lane, a where `is_a`, else b. */
NNC_INLINE V F(choose)(F(nnc_mask) is_a, V a, V b) { return (V)(((F(nnc_mask))a & is_a) | ((F(nnc_mask))b & ~is_a)); }

/* Lane by lane, a where it is larger, else b. */
NNC_INLINE V F(larger)(V a, V b) { return F(choose)(a > b, a, b); }

NNC_INLINE T F(total)(V x) {
    T sum = x[0];
    for (int64_t lane = 1; lane < LANES; lane++) sum += x[lane];
    return sum;
}

/* From rows (n_rows, n) to t (n_groups, n) of vectors; lanes without a row are 0. Returns n_groups. */
NNC_APART int64_t F(transpose)(const T *rows, int64_t n_rows, int64_t n, V *t) {
    int64_t n_groups = (n_rows + LANES - 1) / LANES;
    if (n_rows % LANES != 0) memset(t + (n_groups - 1) * n, 0, (size_t)n * sizeof(V));
    for (int64_t group = 0; group < n_groups; group++, n_rows -= LANES) {
        int64_t height = nnc_least(n_rows, LANES), lane = 0;
        T *flat = (T *)(t + group * n);
        for (; lane + STRIP <= height; lane += STRIP, rows += STRIP * n)
            for (int64_t j = 0; j < n; j++)
                for (int64_t k = 0; k < STRIP; k++) flat[j * LANES + lane + k] = rows[k * n + j];
        for (; lane < height; lane++, rows += n)
            for (int64_t j = 0; j < n; j++) flat[j * LANES + lane] = rows[j];
    }
    return n_groups;
}

NNC_APART void F(transpose_back)(const V *t, T *rows, int64_t n_rows, int64_t n) {
    for (; n_rows > 0; n_rows -= LANES, t += n) {
        int64_t height = nnc_least(n_rows, LANES), lane = 0;
        const T *flat = (const T *)t;
        for (; lane + STRIP <= height; lane += STRIP, rows += STRIP * n)
            for (int64_t j = 0; j < n; j++)
                for (int64_t k = 0; k < STRIP; k++) rows[k * n + j] = flat[j * LANES + lane + k];
        for (; lane < height; lane++, rows += n)
            for (int64_t j = 0; j < n; j++) rows[j] = flat[j * LANES + lane];
    }
}

/* Subtracts from t (n_groups, n) the largest (n_groups,) of every lane. */
NNC_INLINE void F(subtract_largest)(V *t, int64_t n_groups, int64_t n, V *largest) {
    for (int64_t group = 0; group < n_groups; group++, t += n) {
        V most = t[0];
        for (int64_t j = 1; j < n; j++) most = F(larger)(t[j], most);
        for (int64_t j = 0; j < n; j++) t[j] -= most;
        largest[group] = most;
    }
}

/* Lane by lane, adds e to `ones` where it is 1, elsewhere to `others`. */
NNC_INLINE void F(add_apart)(V e, V *others, V *ones) {
    const V zero = {0}, one = zero + 1;
    *others += F(choose)(e == one, zero, e);
    *ones += F(choose)(e == one, one, zero);
}

/* The same for e (n,), of which vectors take the first `whole`; the rest is others + (ones - 1). */
NNC_INLINE void F(add_row_apart)(const T *e, int64_t n, int64_t whole, T *others, T *ones) {
    if (whole > 0) {
        V other_lanes = {0}, one_lanes = {0};
        for (int64_t j = 0; j < whole; j += LANES) F(add_apart)(F(load)(e + j), &other_lanes, &one_lanes);
        *others += F(total)(other_lanes);
        *ones += F(total)(one_lanes);
    }
    for (int64_t j = whole < 0 ? 0 : whole; j < n; j++) {
        *others += e[j] == 1 ? 0 : e[j];
        *ones += e[j] == 1;
    }
}

/* t = exp(t) for t (n_groups, n), and rest (n_groups,) over its columns. */
NNC_APART void F(exp_and_rest)(V *t, int64_t n_groups, int64_t n, V *rest) {
    T *flat = (T *)t;
    for (int64_t i = 0; i < n_groups * n * LANES; i++) flat[i] = F(nnc_exp_of_moderate)(F(nnc_moderate)(flat[i]));
    for (int64_t group = 0; group < n_groups; group++, t += n) {
        V others = {0}, ones = {0};
        for (int64_t j = 0; j < n; j++) F(add_apart)(t[j], &others, &ones);
        rest[group] = others + (ones - 1);
    }
}

/* The sum of x - origin. An origin among the x keeps digits that a common offset would cost. */
NNC_INLINE T F(sum_beyond)(const T *x, T origin, int64_t n) {
    int64_t whole = WHOLE(n);
    T sum = 0;
    if (whole > 0) {
        V sums = {0};
        for (int64_t j = 0; j < whole; j += LANES) sums += F(load)(x + j) - origin;
        sum = F(total)(sums);
    }
    for (int64_t j = whole; j < n; j++) sum += x[j] - origin;
    return sum;
}

/* p - 1 of a class, p = e share with share = 1 / (1 + rest). */
NNC_INLINE T F(d_label)(T e, T share, T rest) { return e == 1 ? -(rest * share) : e * share - 1; }

/* The d_a of the class whose probability a is above 1/2, or 0 without one. All d_a are then measured from this origin, because the
 * difference between this one and the mean of d_a is as small as 1 - a. */
NNC_INLINE T F(of_likely)(const T *a, const T *d_a, int64_t n) {
    T origin = 0;
    for (int64_t j = 0; j < n; j++) origin = a[j] > (T)0.5 ? d_a[j] : origin;
    return origin;
}

/* The largest number of z (n,). */
NNC_INLINE T F(largest_of)(const T *z, int64_t n) {
    int64_t whole = WHOLE(n);
    T largest = -(T)INFINITY;
    if (whole > 0) {
        V most = F(load)(z);
        for (int64_t j = LANES; j < whole; j += LANES) most = F(larger)(F(load)(z + j), most);
        for (int64_t lane = 0; lane < LANES; lane++) largest = most[lane] > largest ? most[lane] : largest;
    }
    for (int64_t j = whole; j < n; j++) largest = z[j] > largest ? z[j] : largest;
    return largest;
}

/* Writes largest (n_rows,) and rest (n_rows,) of each row of z (n_rows, n), for at most BLOCK_ROWS rows. Writes the exponentials to e
 * (n_rows, n), which may be z, or NULL if they are not needed. */
NNC_APART void F(exp_rows)(const T *z, int64_t n_rows, int64_t n, T *e, T *largest, T *rest) {
    T room[PART], ones[PART_ROWS];
    for (int64_t row = 0; row < n_rows; row++) {
        largest[row] = F(largest_of)(z + row * n, n);
        rest[row] = ones[row] = 0;
    }
    for (int64_t first = 0; first < n; first += PART) { /* more than once for a single row only */
        int64_t m = nnc_least(n - first, PART), whole = nnc_least(WHOLE(n) - first, m);
        T *part = e == NULL ? room : e + first;
        if (n_rows == 1) {
            for (int64_t j = 0; j < m; j++) part[j] = F(nnc_exp_of_moderate)(F(nnc_moderate)(z[first + j] - largest[0]));
        } else { /* one loop over all rows, because a row may be shorter than a vector */
            for (int64_t row = 0; row < n_rows; row++)
                for (int64_t j = 0; j < m; j++) part[row * m + j] = z[row * n + j] - largest[row];
            for (int64_t i = 0; i < n_rows * m; i++) part[i] = F(nnc_exp_of_moderate)(F(nnc_moderate)(part[i]));
        }
        for (int64_t row = 0; row < n_rows; row++) F(add_row_apart)(part + row * m, m, whole, rest + row, ones + row);
    }
    for (int64_t row = 0; row < n_rows; row++) rest[row] += ones[row] - 1;
}
