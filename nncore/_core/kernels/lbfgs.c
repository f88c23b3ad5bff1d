/* See lbfgs.h. The stored steps do not fit a level-1 cache. So each pass over vectors does all that it can: it updates one vector, and
 * multiplies it by the next one that is needed. */
#include "lbfgs.h"

#include <string.h>

#include "vector.h"

typedef nnc_vector_f64 vector;

#define WIDTH ((int64_t)(sizeof(vector) / sizeof(double)))
#define SUMS 4 /* independent partial sums, so that an addition need not wait for the previous one */
#define AT_ONCE (SUMS * WIDTH)
#define AT(x, i, k) (*(vector *)((x) + (i) + (k) * WIDTH))
#define OF(x, i, k) (*(const vector *)((x) + (i) + (k) * WIDTH))

static double total(const vector *sums, double rest) {
    vector sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (int64_t lane = 0; lane < WIDTH; lane++) rest += sum[lane];
    return rest;
}

/* a (n,) . b (n,) */
static double dot(int64_t n, const double *a, const double *b) {
    vector sums[SUMS] = {{0}};
    double rest = 0;
    int64_t i = 0;
    for (; i + AT_ONCE <= n; i += AT_ONCE)
#pragma GCC unroll 4
        for (int k = 0; k < SUMS; k++) sums[k] += OF(a, i, k) * OF(b, i, k);
    for (; i < n; i++) rest += a[i] * b[i];
    return total(sums, rest);
}

/* to = scale x + factor a, and to . b; all (n,), and x may be `to`. */
static double combine(int64_t n, double scale, const double *x, double factor, const double *a, double *to, const double *b) {
    vector sums[SUMS] = {{0}};
    double rest = 0;
    int64_t i = 0;
    for (; i + AT_ONCE <= n; i += AT_ONCE)
#pragma GCC unroll 4
        for (int k = 0; k < SUMS; k++) {
            vector moved = scale * OF(x, i, k) + factor * OF(a, i, k);
            AT(to, i, k) = moved;
            sums[k] += moved * OF(b, i, k);
        }
    for (; i < n; i++) {
        to[i] = scale * x[i] + factor * a[i];
        rest += to[i] * b[i];
    }
    return total(sums, rest);
}

/* Compares bits as integers: those of positive numbers have the order of the numbers, and those of NaN are larger. */
static double largest(const nnc_descent *descent) {
    int64_t found = 0;
    for (int64_t i = 0; i < descent->n; i++) {
        int64_t bits;
        memcpy(&bits, descent->gradient + i, sizeof bits);
        bits &= INT64_MAX;
        found = bits > found ? bits : found;
    }
    double size;
    memcpy(&size, &found, sizeof size);
    return size;
}

/* The two-loop recursion of Nocedal (1980): direction = -H gradient, where H estimates the inverse of the Hessian from the stored steps. */
static double aim(nnc_descent *descent) {
    int64_t n = descent->n, n_kept = descent->n_kept, capacity = descent->capacity;
    const double *gradient = descent->gradient, *x = gradient;
    double *direction = descent->direction, *steps = descent->steps, *changes = descent->changes;
    memcpy(descent->origin, descent->point, (size_t)n * sizeof(double));
    memcpy(descent->origin_gradient, gradient, (size_t)n * sizeof(double));
    if (n_kept == 0) return combine(n, -1, gradient, 0, gradient, direction, gradient);

    int64_t slot = descent->newest;
    double product = -dot(n, steps + slot * n, gradient), sign = -1;
    for (int64_t k = 1;; k++) { /* from the newest step to the oldest */
        int is_oldest = k == n_kept;
        int64_t older = slot > 0 ? slot - 1 : capacity - 1;
        double share = descent->shares[slot] = product / descent->curvatures[slot], scale = is_oldest ? descent->scale : 1;
        const double *next = is_oldest ? changes + slot * n : steps + older * n;
        product = combine(n, scale * sign, x, -scale * share, changes + slot * n, direction, next);
        if (is_oldest) break;
        slot = older;
        x = direction;
        sign = 1;
    }
    for (;;) { /* and back */
        int is_newest = slot == descent->newest;
        int64_t newer = slot + 1 < capacity ? slot + 1 : 0;
        double factor = descent->shares[slot] - product / descent->curvatures[slot];
        product = combine(n, 1, direction, factor, steps + slot * n, direction, is_newest ? gradient : changes + newer * n);
        if (is_newest) return product;
        slot = newer;
    }
}

static void go(nnc_descent *descent, double step) {
    for (int64_t i = 0; i < descent->n; i++) descent->point[i] = descent->origin[i] + step * descent->direction[i];
}

static double slope(const nnc_descent *descent) { return dot(descent->n, descent->gradient, descent->direction); }

static double square(const nnc_descent *descent) { return dot(descent->n, descent->direction, descent->direction); }

static void learn(nnc_descent *descent, double step, double curvature) {
    int64_t n = descent->n, slot = descent->newest = descent->newest + 1 < descent->capacity ? descent->newest + 1 : 0;
    double *to = descent->steps + slot * n, *change = descent->changes + slot * n;
    for (int64_t i = 0; i < n; i++) to[i] = step * descent->direction[i];
    for (int64_t i = 0; i < n; i++) change[i] = descent->gradient[i] - descent->origin_gradient[i];
    descent->curvatures[slot] = curvature;
    descent->scale = curvature / dot(n, change, change);
    if (descent->n_kept < descent->capacity) descent->n_kept++;
}

extern const nnc_lbfgs NNC_LBFGS(NNC_LEVEL);
const nnc_lbfgs NNC_LBFGS(NNC_LEVEL) = {largest, aim, go, slope, square, learn};
