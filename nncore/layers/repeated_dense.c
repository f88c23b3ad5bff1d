/* For each of k members: y = ((x r) . W) s + b. Parameters: W (d, n), then r (k, d), then s (k, n) and b if the plan's numbers say so. b is
 * (k, n), or (n,) if all members share it. The cache holds u = (x r) . W of each row and member if there is s.
 *
 * Let g = x^T . d_y of one member. The gradient of a row of W is the sum over the members of r s g. That of a number of r is the sum over
 * a row of W s g. */
#ifndef T
#include <string.h>

#include "../_core/kernels/gemm.h"
#include "../_core/kernels/sorted.h"
#include "../_core/kernels/vector.h"
/* Pairs of a row and a member, and inputs or outputs, that are scaled together. */
#define PAIRS 16
#define AT_ONCE 32
/* Columns of g that are computed together. */
#define G_COLUMNS 128

/* Sizes, and places in the parameters. */
typedef struct sizes {
    int64_t k, d, n;       /* members, inputs, and outputs of each member */
    int64_t has_s, b_rows; /* rows of b: k, 1 if it is shared, or 0 */
    int64_t r, s, b, size;
} sizes;

static sizes sizes_of(const nnc_layer_call *call) {
    const nnc_site *site = call->site;
    sizes a = {.k = site->output_shape[0], .d = call->n_inputs, .n = site->output_shape[1]};
    a.has_s = site->numbers[0];
    a.b_rows = site->numbers[1];
    a.r = a.d * a.n;
    a.s = a.r + a.k * a.d;
    a.b = a.s + a.has_s * a.k * a.n;
    a.size = a.b + a.b_rows * a.n;
    return a;
}

static inline int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }

#include "nncore/float32.h"
#include "repeated_dense.c"
#include "nncore/float64.h"
#include "repeated_dense.c"

const nnc_layer NNC_TABLE(layer, repeated_dense) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = repeated_forward_f32,
    .forward_f64 = repeated_forward_f64,
    .backward_f32 = repeated_backward_f32,
    .backward_f64 = repeated_backward_f64,
    .touch_f32 = repeated_touch_f32,
    .touch_f64 = repeated_touch_f64,
    .touched_gradient_f32 = repeated_touched_gradient_f32,
    .touched_gradient_f64 = repeated_touched_gradient_f64,
    .gradient_f32 = repeated_gradient_f32,
    .gradient_f64 = repeated_gradient_f64,
};

#else

#include "../_core/kernels/row_sums.h"
#include "../_core/kernels/sparse_sums.h"

/* u = (x r) . W of all rows and members, for sparse x. Each row of x names the rows of W to add up. */
static void F(sparse_products)(const nnc_layer_call *call, const sizes *a, T *u) {
    const nnc_sparse_rows *x = call->sparse;
    const T *weight = call->parameters;
    T scaled[SPARSE_TERMS];
    for (int64_t i = 0; i < call->n_rows; i++) {
        for (int64_t j = 0; j < a->k; j++, u += a->n) {
            const T *r = weight + a->r + j * a->d, *start = NULL;
            int64_t from = x->begins[i];
            do {
                int64_t size = nnc_least(x->ends[i] - from, SPARSE_TERMS);
                for (int64_t t = 0; t < size; t++) scaled[t] = ((const T *)x->values)[from + t] * r[x->columns[from + t]];
                F(sparse_sums)(start, x->columns + from, scaled, size, weight, 0, a->n, a->n, u);
                start = u;
                from += size;
            } while (from < x->ends[i]);
        }
    }
}

/* The same for dense x. */
static void F(dense_products)(const nnc_layer_call *call, const sizes *a, T *u) {
    const T *weight = call->parameters, *r = weight + a->r;
    int64_t n_pairs = call->n_rows * a->k;
    T scaled[PAIRS * AT_ONCE];
    for (int64_t pair = 0, pairs; pair < n_pairs; pair += pairs, u += pairs * a->n) {
        pairs = nnc_least(n_pairs - pair, PAIRS);
        for (int64_t i = 0, m; i < a->d; i += m) {
            m = nnc_least(a->d - i, AT_ONCE);
            for (int64_t p = 0; p < pairs; p++) {
                const T *x = (const T *)call->x + (pair + p) / a->k * a->d + i, *factors = r + (pair + p) % a->k * a->d + i;
                for (int64_t t = 0; t < m; t++) scaled[p * m + t] = x[t] * factors[t];
            }
            F(gemm)(pairs, a->n, m, scaled, m, 1, weight + i * a->n, a->n, 1, i > 0 ? u : NULL, a->n, u, a->n);
        }
    }
}

static int32_t F(repeated_forward)(const nnc_layer_call *call) {
    sizes a = sizes_of(call);
    const T *s = (const T *)call->parameters + a.s, *b = (const T *)call->parameters + a.b;
    T *y = call->y, *u = a.has_s && call->cache != NULL ? call->cache : y;
    if (call->sparse != NULL) F(sparse_products)(call, &a, u);
    else F(dense_products)(call, &a, u);
    for (int64_t pair = 0; pair < call->n_rows * a.k; pair++, y += a.n, u += a.n) {
        const T *factor = s + pair % a.k * a.n, *shift = b + (a.b_rows > 1 ? pair % a.k * a.n : 0);
        if (a.has_s)
            for (int64_t i = 0; i < a.n; i++) y[i] = u[i] * factor[i];
        if (a.b_rows > 0)
            for (int64_t i = 0; i < a.n; i++) y[i] += shift[i];
    }
    return 0;
}

/* d_x = the sum over members of ((d_y s) . W^T) r */
static int32_t F(repeated_backward)(const nnc_layer_call *call) {
    sizes a = sizes_of(call);
    const T *weight = call->parameters, *r = weight + a.r, *s = weight + a.s, *d_y = call->d_y;
    T *d_x = call->d_x, d_z[PAIRS * AT_ONCE], v[PAIRS * AT_ONCE];
    for (int64_t row = 0; row < call->n_rows; row++, d_x += a.d, d_y += a.k * a.n) {
        memset(d_x, 0, (size_t)a.d * sizeof(T));
        for (int64_t j = 0, members; j < a.k; j += members) {
            members = nnc_least(a.k - j, PAIRS);
            for (int64_t i = 0, m; i < a.d; i += m) {
                m = nnc_least(a.d - i, AT_ONCE);
                for (int64_t o = 0, n; o < a.n; o += n) {
                    n = nnc_least(a.n - o, AT_ONCE);
                    for (int64_t p = 0; p < members; p++) {
                        int64_t place = (j + p) * a.n + o;
                        for (int64_t t = 0; t < n; t++) d_z[p * n + t] = a.has_s ? d_y[place + t] * s[place + t] : d_y[place + t];
                    }
                    F(gemm)(members, m, n, d_z, n, 1, weight + i * a.n + o, 1, a.n, o > 0 ? v : NULL, m, v, m);
                }
                for (int64_t p = 0; p < members; p++)
                    for (int64_t t = 0; t < m; t++) d_x[i + t] += v[p * m + t] * r[(j + p) * a.d + i + t];
            }
        }
    }
    return 0;
}

/* Columns o .. o + n - 1 of the row of g for input i and member j. For sparse x, its column of x has the numbers at places
 * place .. end - 1 of the batch's sorted numbers. */
static void F(row_of_g)(const nnc_layer_call *call, const sizes *a, int64_t i, int64_t place, int64_t end, int64_t j, int64_t o, int64_t n,
                        T *to) {
    const nnc_sparse_rows *x = call->sparse;
    const T *d_y = (const T *)call->d_y + j * a->n + o;
    if (x == NULL) {
        F(gemm)(1, n, call->n_rows, (const T *)call->x + i, 1, a->d, d_y, a->k * a->n, 1, NULL, 0, to, n);
        return;
    }
    int64_t first = call->first_row, from = nnc_first_from(x->sorted_rows, place, end, first);
    int64_t until = nnc_first_from(x->sorted_rows, from, end, first + call->n_rows);
    F(sparse_sums)(NULL, x->sorted_rows + from, (const T *)x->sorted_values + from, until - from, d_y, first, a->k * a->n, n, to);
}

/* Columns o .. o_end - 1 of the row of d_W for input i. */
static void F(row_of_weight)(const nnc_layer_call *call, const sizes *a, int64_t i, int64_t place, int64_t end, int64_t o, int64_t o_end,
                             T *to) {
    const T *parameters = call->parameters;
    T g[G_COLUMNS];
    for (int64_t n; o < o_end; o += n, to += n) {
        n = nnc_least(o_end - o, G_COLUMNS);
        for (int64_t t = 0; t < n; t++) to[t] = 0;
        for (int64_t j = 0; j < a->k; j++) {
            const T r = parameters[a->r + j * a->d + i], *s = parameters + a->s + j * a->n + o;
            F(row_of_g)(call, a, i, place, end, j, o, n, g);
            if (a->has_s)
                for (int64_t t = 0; t < n; t++) to[t] += r * (s[t] * g[t]);
            else
                for (int64_t t = 0; t < n; t++) to[t] += r * g[t];
        }
    }
}

/* The gradient of the number of r for input i and member j. */
static T F(gradient_of_r)(const nnc_layer_call *call, const sizes *a, int64_t i, int64_t place, int64_t end, int64_t j) {
    const T *parameters = call->parameters;
    T g[G_COLUMNS];
    double total = 0;
    for (int64_t o = 0, n; o < a->n; o += n) {
        const T *weight = parameters + i * a->n + o, *s = parameters + a->s + j * a->n + o;
        T sum = 0;
        n = nnc_least(a->n - o, G_COLUMNS);
        F(row_of_g)(call, a, i, place, end, j, o, n, g);
        if (a->has_s)
            for (int64_t t = 0; t < n; t++) sum += weight[t] * (s[t] * g[t]);
        else
            for (int64_t t = 0; t < n; t++) sum += weight[t] * g[t];
        total += (double)sum;
    }
    return (T)total;
}

/* For each input from i to i_end - 1: columns o .. o_end - 1 of its row of d_W, to rows of n. If `member` is not negative: the
 * gradients of the member's r instead. Inputs without numbers in the batch have zeros. */
static void F(gradients_of_inputs)(const nnc_layer_call *call, const sizes *a, int64_t i, int64_t i_end, int64_t o, int64_t o_end,
                                   int64_t member, T *to) {
    if (i >= i_end || o >= o_end) return;
    const nnc_sparse_rows *x = call->sparse;
    const int32_t *columns = x == NULL ? NULL : x->sorted_columns;
    int64_t place = x == NULL ? 0 : nnc_first_from(columns, 0, x->n_sorted, i), step = member < 0 ? a->n : 1;
    for (int64_t end = place; i < i_end; i++, to += step, place = end) {
        if (x != NULL)
            while (end < x->n_sorted && columns[end] == i) end++;
        if (x != NULL && end == place) memset(to, 0, (size_t)(member < 0 ? o_end - o : 1) * sizeof(T));
        else if (member < 0) F(row_of_weight)(call, a, i, place, end, o, o_end, to);
        else *to = F(gradient_of_r)(call, a, i, place, end, member);
    }
}

/* The next two functions are called for sparse x only. */
static int32_t F(repeated_touch)(const nnc_layer_call *call) {
    const nnc_sparse_rows *x = call->sparse;
    int64_t n = call->site->output_shape[1], begin = call->begin_parameter / n, end = call->end_parameter / n;
    for (int64_t t = nnc_first_from(x->sorted_columns, 0, x->n_sorted, begin); t < x->n_sorted && x->sorted_columns[t] < end; t++)
        nnc_touch(call->touched, x->sorted_columns[t]);
    return 0;
}

static int32_t F(repeated_touched_gradient)(const nnc_layer_call *call) {
    sizes a = sizes_of(call);
    const nnc_sparse_rows *x = call->sparse;
    const int32_t *columns = x->sorted_columns;
    int64_t begin = call->begin_parameter / a.n, end = call->end_parameter / a.n;
    for (int64_t t = nnc_first_from(columns, 0, x->n_sorted, begin), next; t < x->n_sorted && columns[t] < end; t = next) {
        for (next = t + 1; next < x->n_sorted && columns[next] == columns[t];) next++;
        F(row_of_weight)(call, &a, columns[t], t, next, 0, a.n,
                         (T *)call->d_parameters + nnc_touched_before(call->touched, columns[t]) * a.n);
    }
    return 0;
}

static int32_t F(repeated_gradient)(const nnc_layer_call *call) {
    sizes a = sizes_of(call);
    const T *d_y = call->d_y;
    int64_t begin = call->begin_parameter, end = call->end_parameter;
    T *to = call->d_parameters; /* of begin_parameter */
    if (begin < a.r) {          /* whole rows of W, and parts of the first and the last */
        int64_t until = nnc_least(end, a.r), first = (begin + a.n - 1) / a.n, last = until / a.n;
        T *of_first = to + (first * a.n - begin); /* the place of row `first` */
        if (first > last) {
            F(gradients_of_inputs)(call, &a, last, first, begin % a.n, until % a.n, -1, to);
        } else {
            if (begin % a.n != 0) F(gradients_of_inputs)(call, &a, first - 1, first, begin % a.n, a.n, -1, to);
            F(gradients_of_inputs)(call, &a, first, last, 0, a.n, -1, of_first);
            F(gradients_of_inputs)(call, &a, last, last + 1, 0, until % a.n, -1, of_first + (last - first) * a.n);
        }
    }
    for (int64_t e = later(begin, a.r), until; e < nnc_least(end, a.s); e = until) { /* member by member */
        int64_t j = (e - a.r) / a.d, i = (e - a.r) % a.d;
        until = nnc_least(nnc_least(end, a.s), e + a.d - i);
        F(gradients_of_inputs)(call, &a, i, i + until - e, 0, 1, j, to + (e - begin));
    }
    int64_t from = later(begin, a.s), until = nnc_least(end, a.b), width = a.k * a.n;
    if (from < until)
        F(sum_of_rows)(d_y + (from - a.s), width, (const T *)call->cache + (from - a.s), width, call->n_rows, until - from,
                       to + (from - begin));
    from = later(begin, a.b);
    if (from < end) {
        int64_t is_shared = a.b_rows == 1; /* then the rows of all members are summed */
        F(sum_of_rows)(d_y + (from - a.b), is_shared ? a.n : width, NULL, 0, is_shared ? call->n_rows * a.k : call->n_rows, end - from,
                       to + (from - begin));
    }
    return 0;
}

#endif
