/* y = the mean over k members of n numbers each. hyper[0] is the link whose predictions are averaged. hyper[1] is the number of
 * softmaxes in it, and the size of each follows; 0 means one softmax over all numbers. With a link, y is the logarithm of a mean:
 * mean_members.py. */
#ifndef T
#include "../_core/kernels/level.h"

enum { IDENTITY, SOFTMAX, SIGMOID, EXP };

#include "nncore/float32.h"
#include "mean_members.c"
#include "nncore/float64.h"
#include "mean_members.c"

const nnc_layer NNC_TABLE(layer, mean_members) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = mean_forward_f32,
    .forward_f64 = mean_forward_f64,
    .backward_f32 = mean_backward_f32,
    .backward_f64 = mean_backward_f64,
    .gradient_f32 = 0,
    .gradient_f64 = 0,
};

#else

static inline T F(larger)(T a, T b) { return a > b ? a : b; }

/* to = the log softmax of each stretch of x (k, n). */
static void F(log_softmax)(const nnc_site *site, const T *x, T *to, int64_t k, int64_t n) {
    int64_t n_groups = (int64_t)site->hyper[1];
    for (int64_t j = 0; j < k; j++)
        for (int64_t group = 0; group < (n_groups > 0 ? n_groups : 1); group++) {
            int64_t size = n_groups > 0 ? (int64_t)site->hyper[2 + group] : n;
            T largest = x[0], sum = 0;
            for (int64_t i = 1; i < size; i++) largest = F(larger)(largest, x[i]);
            for (int64_t i = 0; i < size; i++) to[i] = x[i] - largest;
            site->host->F(exp)(to, to, size);
            for (int64_t i = 0; i < size; i++) sum += to[i];
            site->host->F(log)(&sum, &sum, 1);
            for (int64_t i = 0; i < size; i++) to[i] = x[i] - largest - sum;
            x += size;
            to += size;
        }
}

/* to = log sigmoid(sign * x), n numbers. */
static void F(log_sigmoid)(const nnc_site *site, const T *x, T sign, T *to, int64_t n) {
    for (int64_t i = 0; i < n; i++) to[i] = x[i] < 0 ? x[i] : -x[i];
    site->host->F(exp)(to, to, n);
    for (int64_t i = 0; i < n; i++) to[i] = 1 + to[i];
    site->host->F(log)(to, to, n);
    for (int64_t i = 0; i < n; i++) to[i] = (sign * x[i] < 0 ? sign * x[i] : 0) - to[i];
}

/* e (k, n) = exp(l - the largest of its column); largest (n,) and sums (n,) over members. `e` may be `l`. */
static void F(powers)(const nnc_site *site, const T *l, T *e, T *largest, T *sums, int64_t k, int64_t n) {
    for (int64_t i = 0; i < n; i++) largest[i] = l[i];
    for (int64_t j = 1; j < k; j++)
        for (int64_t i = 0; i < n; i++) largest[i] = F(larger)(largest[i], l[j * n + i]);
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < n; i++) e[j * n + i] = l[j * n + i] - largest[i];
    site->host->F(exp)(e, e, k * n);
    for (int64_t i = 0; i < n; i++) sums[i] = 0;
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < n; i++) sums[i] += e[j * n + i];
}

/* y = log mean exp(l) over members, or if it `goes_off`, y minus that. `l` is overwritten; room (2, n) is working memory. */
static void F(log_mean)(const nnc_site *site, T *l, T *y, int64_t k, int64_t n, int goes_off, T *room) {
    T *largest = room, *sums = room + n;
    F(powers)(site, l, l, largest, sums, k, n);
    for (int64_t i = 0; i < n; i++) sums[i] /= (T)k;
    site->host->F(log)(sums, sums, n);
    for (int64_t i = 0; i < n; i++) y[i] = goes_off ? y[i] - (largest[i] + sums[i]) : largest[i] + sums[i];
}

static int32_t F(mean_forward)(const nnc_layer_call *call) {
    const nnc_site *site = call->site;
    int64_t k = site->input_shape[0], n = call->n_outputs;
    int link = (int)site->hyper[0];
    const T *x = call->x;
    T *y = call->y, *l = site->work, *room = l + 2 * k * n;
    for (int64_t row = 0; row < call->n_rows; row++, x += k * n, y += n) {
        if (link == IDENTITY) {
            for (int64_t i = 0; i < n; i++) y[i] = x[i];
            for (int64_t j = 1; j < k; j++)
                for (int64_t i = 0; i < n; i++) y[i] += x[j * n + i];
            for (int64_t i = 0; i < n; i++) y[i] /= (T)k;
            continue;
        }
        if (link == SOFTMAX) F(log_softmax)(site, x, l, k, n);
        if (link == SIGMOID) F(log_sigmoid)(site, x, 1, l, k * n);
        for (int64_t i = 0; link == EXP && i < k * n; i++) l[i] = x[i];
        F(log_mean)(site, l, y, k, n, 0, room);
        if (link == SIGMOID) {
            F(log_sigmoid)(site, x, -1, l, k * n);
            F(log_mean)(site, l, y, k, n, 1, room);
        }
    }
    return 0;
}

/* d_x (k, n) = the share of each member in the sum of exp(l), times d_y (n,). `e` (k, n) and `room` are working memory. */
static void F(shared_out)(const nnc_site *site, const T *l, const T *d_y, T *d_x, T *e, int64_t k, int64_t n, T *room) {
    F(powers)(site, l, e, room, room + n, k, n);
    for (int64_t j = 0; j < k; j++)
        for (int64_t i = 0; i < n; i++) d_x[j * n + i] = e[j * n + i] / room[n + i] * d_y[i];
}

static int32_t F(mean_backward)(const nnc_layer_call *call) {
    const nnc_site *site = call->site;
    int64_t k = site->input_shape[0], n = call->n_outputs, n_groups = (int64_t)site->hyper[1];
    int link = (int)site->hyper[0];
    const T *x = call->x, *d_y = call->d_y;
    T *d_x = call->d_x, *l = site->work, *e = l + k * n, *room = e + k * n;
    for (int64_t row = 0; row < call->n_rows; row++, x += k * n, d_x += k * n, d_y += n) {
        if (link == IDENTITY) {
            for (int64_t j = 0; j < k; j++)
                for (int64_t i = 0; i < n; i++) d_x[j * n + i] = d_y[i] / (T)k;
        } else if (link == SIGMOID) { /* for both logarithms: each member's share, times the other probability */
            F(log_sigmoid)(site, x, 1, l, k * n);
            F(shared_out)(site, l, d_y, d_x, e, k, n, room);
            F(log_sigmoid)(site, x, -1, l, k * n);
            site->host->F(exp)(l, e, k * n);
            for (int64_t i = 0; i < k * n; i++) d_x[i] *= e[i];
            F(powers)(site, l, l, room, room + n, k, n);
            for (int64_t i = 0; i < k * n; i++) d_x[i] += l[i] / room[n + i % n] * d_y[i % n] * (1 - e[i]);
        } else if (link == EXP) {
            F(shared_out)(site, x, d_y, d_x, e, k, n, room);
        } else {
            F(log_softmax)(site, x, l, k, n);
            F(shared_out)(site, l, d_y, d_x, e, k, n, room);
            site->host->F(exp)(l, l, k * n);
            T *to = d_x, *p = l;
            for (int64_t j = 0; j < k; j++)
                for (int64_t group = 0; group < (n_groups > 0 ? n_groups : 1); group++) {
                    int64_t size = n_groups > 0 ? (int64_t)site->hyper[2 + group] : n;
                    T sum = 0;
                    for (int64_t i = 0; i < size; i++) sum += to[i];
                    for (int64_t i = 0; i < size; i++) to[i] -= p[i] * sum;
                    to += size;
                    p += size;
                }
        }
    }
    return 0;
}

#endif
