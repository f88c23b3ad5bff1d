/* BatchEnsemble: one product multiplies the rows of all members by the shared weight W (d, n). Behind W follow r (k, d), s (k, n) and b, if
 * the plan's numbers say so. b is (k, n), or (n,) if all members share it.
 *
 * The cache holds for each row and member u = (x * r) . W, from forward if there is s, and v = (d_y * s) . W^T, from backward if there
 * is r. So gradient needs no product for r and s. */
#ifndef T
#include "../_core/kernels/gemm.h"

/* Sizes, and places in the parameters and in the cache. */
typedef struct shape {
    int64_t k, d, n;       /* members, inputs and outputs of each */
    int64_t at_once;       /* rows whose inputs, or outputs, fit into `work` */
    int64_t has_r, has_s;  /* whether there is such a scale */
    int64_t r, s, b, size; /* places in the parameters, and their number */
    int64_t b_rows;        /* rows of b: k, 1 if it is shared, or 0 */
    int64_t kept, v;       /* numbers of a row and member in the cache, and where v begins; u is at 0 */
} shape;

static shape shape_of(const nnc_layer_call *call) {
    const nnc_site *site = call->site;
    shape a = {.k = site->input_shape[0], .d = site->input_shape[1], .n = site->output_shape[1]};
    a.at_once = site->numbers[0];
    a.has_r = site->numbers[1];
    a.has_s = site->numbers[2];
    a.r = a.d * a.n;
    a.s = a.r + a.has_r * a.k * a.d;
    a.b = a.s + a.has_s * a.k * a.n;
    a.b_rows = site->numbers[3];
    a.size = a.b + a.b_rows * a.n;
    a.v = a.has_s * a.n;
    a.kept = a.v + a.has_r * a.d;
    return a;
}

static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

#include "nncore/float32.h"
#include "members_dense.c"
#include "nncore/float64.h"
#include "members_dense.c"

const nnc_layer NNC_TABLE(layer, members_dense) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = members_forward_f32,
    .forward_f64 = members_forward_f64,
    .backward_f32 = members_backward_f32,
    .backward_f64 = members_backward_f64,
    .gradient_f32 = members_gradient_f32,
    .gradient_f64 = members_gradient_f64,
};

#else

#include "../_core/kernels/row_sums.h"

/* to (n_rows, end - begin) = columns begin .. end - 1 of x (n_rows, width), times those of the members' scale (k, width). k consecutive
 * rows are one sample. */
static void F(scale)(const T *x, const T *scale, T *to, int64_t n_rows, int64_t k, int64_t width, int64_t begin, int64_t end) {
    for (int64_t row = 0; row < n_rows; row++, x += width, to += end - begin) {
        const T *factor = scale + row % k * width;
        for (int64_t i = begin; i < end; i++) to[i - begin] = x[i] * factor[i];
    }
}

static int32_t F(members_forward)(const nnc_layer_call *call) {
    shape a = shape_of(call);
    const T *weight = call->parameters, *s = weight + a.s, *b = weight + a.b;
    int keeps_u = a.has_s && call->cache != NULL;
    int64_t u_stride = keeps_u ? a.kept : a.n;
    for (int64_t first = 0; first < call->n_rows; first += a.at_once) {
        int64_t n_rows = nnc_least(a.at_once, call->n_rows - first) * a.k;
        const T *x = (const T *)call->x + first * a.k * a.d;
        T *y = (T *)call->y + first * a.k * a.n, *u = keeps_u ? (T *)call->cache + first * a.k * a.kept : y;
        if (a.has_r) F(scale)(x, weight + a.r, call->site->work, n_rows, a.k, a.d, 0, a.d);
        F(gemm)(n_rows, a.n, a.d, a.has_r ? call->site->work : x, a.d, 1, weight, a.n, 1, NULL, 0, u, u_stride);
        for (int64_t row = 0; row < n_rows; row++, y += a.n, u += u_stride) {
            int64_t j = row % a.k;
            const T *factor = s + j * a.n, *shift = b + (a.b_rows > 1 ? j * a.n : 0);
            if (a.has_s)
                for (int64_t i = 0; i < a.n; i++) y[i] = u[i] * factor[i];
            if (a.b_rows > 0)
                for (int64_t i = 0; i < a.n; i++) y[i] += shift[i];
        }
    }
    return 0;
}

static int32_t F(members_backward)(const nnc_layer_call *call) {
    shape a = shape_of(call);
    const T *weight = call->parameters, *r = weight + a.r;
    int64_t v_stride = a.has_r ? a.kept : a.d;
    for (int64_t first = 0; first < call->n_rows; first += a.at_once) {
        int64_t n_rows = nnc_least(a.at_once, call->n_rows - first) * a.k;
        const T *d_y = (const T *)call->d_y + first * a.k * a.n;
        T *d_x = call->d_x == NULL ? NULL : (T *)call->d_x + first * a.k * a.d;
        T *v = a.has_r ? (T *)call->cache + first * a.k * a.kept + a.v : d_x;
        if (a.has_s) F(scale)(d_y, weight + a.s, call->site->work, n_rows, a.k, a.n, 0, a.n);
        F(gemm)(n_rows, a.d, a.n, a.has_s ? call->site->work : d_y, a.n, 1, weight, 1, a.n, NULL, 0, v, v_stride);
        if (!a.has_r || d_x == NULL) continue;
        for (int64_t row = 0; row < n_rows; row++, d_x += a.d, v += a.kept) {
            const T *factor = r + row % a.k * a.d;
            for (int64_t i = 0; i < a.d; i++) d_x[i] = v[i] * factor[i];
        }
    }
    return 0;
}

/* Rows i .. i_end - 1 and columns o .. o_end - 1 of d_W, to a matrix with rows of n. It sums all rows of the batch in their order,
 * member by member. */
static void F(weight_gradient)(const nnc_layer_call *call, const shape *a, int64_t i, int64_t i_end, int64_t o, int64_t o_end, T *to) {
    if (i >= i_end || o >= o_end) return;
    const T *parameters = call->parameters;
    T *inputs = call->site->work, *d_z = inputs + a->at_once * a->k * a->d;
    int64_t m = i_end - i, n = o_end - o;
    for (int64_t first = 0; first < call->n_rows; first += a->at_once) {
        int64_t n_rows = nnc_least(a->at_once, call->n_rows - first) * a->k;
        const T *x = (const T *)call->x + first * a->k * a->d, *d_y = (const T *)call->d_y + first * a->k * a->n;
        if (a->has_r) F(scale)(x, parameters + a->r, inputs, n_rows, a->k, a->d, i, i_end);
        if (a->has_s) F(scale)(d_y, parameters + a->s, d_z, n_rows, a->k, a->n, o, o_end);
        F(gemm)(m, n, n_rows, a->has_r ? inputs : x + i, 1, a->has_r ? m : a->d, a->has_s ? d_z : d_y + o, a->has_s ? n : a->n, 1,
                first > 0 ? to : NULL, a->n, to, a->n);
    }
}

/* to = the sums over rows of numbers begin .. end - 1 of `one` (n_rows, k, width). If `place` is not negative, they are multiplied by
 * the numbers from there on of each row and member in the cache. */
static void F(sum_rows)(const nnc_layer_call *call, const shape *a, const T *one, int64_t n_rows, int64_t k, int64_t width, int64_t place,
                        int64_t begin, int64_t end, T *to) {
    for (int64_t e = begin, until; e < end; to += until - e, e = until) {
        int64_t j = e / width;
        until = nnc_least(end, (j + 1) * width);
        const T *kept = place < 0 ? NULL : (const T *)call->cache + j * a->kept + place + (e - j * width);
        F(sum_of_rows)(one + e, k * width, kept, k * a->kept, n_rows, until - e, to);
    }
}

static int32_t F(members_gradient)(const nnc_layer_call *call) {
    shape a = shape_of(call);
    T *to = call->d_parameters; /* of begin_parameter */
    int64_t begin = call->begin_parameter, end = call->end_parameter;
    if (begin < a.r) { /* whole rows of W, and parts of the first and the last */
        int64_t until = nnc_least(end, a.r), first = (begin + a.n - 1) / a.n, last = until / a.n;
        T *of_first = to + (first * a.n - begin); /* the place of row `first` */
        if (first > last) {
            F(weight_gradient)(call, &a, last, first, begin % a.n, until % a.n, to);
        } else {
            if (begin % a.n != 0) F(weight_gradient)(call, &a, first - 1, first, begin % a.n, a.n, to);
            F(weight_gradient)(call, &a, first, last, 0, a.n, of_first);
            F(weight_gradient)(call, &a, last, last + 1, 0, until % a.n, of_first + (last - first) * a.n);
        }
    }
    int64_t is_shared = a.b_rows == 1; /* then the rows of all members are summed */
    struct {
        int64_t begin, end, n_rows, k, width, place;
        const T *one;
    } sums[] = {
        {a.r, a.s, call->n_rows, a.k, a.d, a.v, call->x},
        {a.s, a.b, call->n_rows, a.k, a.n, 0, call->d_y},
        {a.b, a.size, is_shared ? call->n_rows * a.k : call->n_rows, a.b_rows, a.n, -1, call->d_y},
    };
    for (int32_t i = 0; i < 3; i++) {
        int64_t from = larger(begin, sums[i].begin), until = nnc_least(end, sums[i].end);
        if (from < until)
            F(sum_rows)(call, &a, sums[i].one, sums[i].n_rows, sums[i].k, sums[i].width, sums[i].place, from - sums[i].begin,
                        until - sums[i].begin, to + (from - begin));
    }
    return 0;
}

#endif
