/* Batch normalisation in two modes (hyper[0]): 0 as Ioffe & Szegedy 2015, 1 with the cumulative statistics of the notes.
 * hyper[1] momentum of the running statistics (mode 0), hyper[2] epsilon.
 *
 *                 parameters                     buffers                                  cache
 *   mode 0        gamma (n,), beta (n,)          mean (n,), variance (n,)                 mean (n,), 1 / std (n,)
 *   mode 1        gamma (1,), beta (1,)          mean (n,), std (n,), count (2,)          mean (n,), 1 / std (n,)
 *
 * count has two digits to the base COUNT_BASE, the lower one first, because float32 cannot count beyond 2^24 samples. */
#ifndef T
#include <string.h>
#include <tgmath.h> /* sqrt of T in T */

#include "../_core/kernels/level.h"

/* Columns that are taken together through all rows, so that the second pass finds them in the cache. */
#define STRIP 128
/* Rows of a partial sum in T; partial sums are added in double. One long sum would round each addition to a number far larger than what
 * it adds. */
#define SUM_ROWS 128
/* Columns that prediction takes together. */
#define PART 256

#define COUNT_BASE 8388608.0 /* 2^23: either digit is exact in float */

#include "nncore/float32.h"
#include "batch_norm.c"
#include "nncore/float64.h"
#include "batch_norm.c"

/* Sums of a batch, each (n,). Forward has means, and sums of squared deviations from them. Backward has the sums of d_y and of d_y (x -
 * mean). */
NNC_RARE int32_t join_sums(const nnc_layer_call *call) {
    int64_t other_rows = call->sums->other_rows;
    double *one = call->sums->own, *one_squared = one + call->n_inputs;
    const double *two = call->sums->other, *two_squared = two + call->n_inputs;
    double of_two = (double)other_rows / (double)(call->n_rows + other_rows), both = (double)call->n_rows * of_two;
    for (int64_t j = call->begin_column; j < call->end_column; j++) {
        if (call->d_y == NULL) { /* Chan, Golub & LeVeque 1983 */
            double apart = two[j] - one[j];
            one[j] += apart * of_two;
            one_squared[j] += two_squared[j] + apart * apart * both;
        } else {
            one[j] += two[j];
            one_squared[j] += two_squared[j];
        }
    }
    return 0;
}

const nnc_layer NNC_TABLE(layer, batch_norm) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = batch_norm_forward_f32,
    .forward_f64 = batch_norm_forward_f64,
    .backward_f32 = batch_norm_backward_f32,
    .backward_f64 = batch_norm_backward_f64,
    .forward_sums_f32 = forward_sums_f32,
    .forward_sums_f64 = forward_sums_f64,
    .backward_sums_f32 = backward_sums_f32,
    .backward_sums_f64 = backward_sums_f64,
    .join_sums_f32 = join_sums,
    .join_sums_f64 = join_sums,
};

#else

/* Moments of m <= STRIP columns: first, rounded means, and the sums of the deviations from these and of their squares. */
typedef struct F(moments) {
    T first_mean[STRIP];
    double total[STRIP], square_total[STRIP];
} F(moments);

/* The exact mean: the first one, corrected by the sum of deviations. squares_of corrects the sum of squares in the same way. */
static inline double F(mean_of)(const F(moments) *found, int64_t j, int64_t n_rows) {
    return (double)found->first_mean[j] + found->total[j] / (double)n_rows;
}

static inline double F(squares_of)(const F(moments) *found, int64_t j, int64_t n_rows) {
    double left = found->square_total[j] - found->total[j] / (double)n_rows * found->total[j];
    return left < 0 ? 0 : left; /* NaN passes */
}

/* Computes the moments of m columns of x (n_rows, n). */
static __attribute__((noinline)) void F(column_moments)(const T *x, int64_t n_rows, int64_t n, int64_t m, F(moments) *restrict found) {
    T *first_mean = found->first_mean, sum[STRIP], square_sum[STRIP];
    double *total = found->total, *square_total = found->square_total;
    for (int64_t j = 0; j < m; j++) total[j] = square_total[j] = 0;
    for (int64_t begin = 0, end; begin < n_rows; begin = end) {
        end = nnc_least(begin + SUM_ROWS, n_rows);
        int64_t by_fours = end - (end - begin) % 4;
        for (int64_t j = 0; j < m; j++) sum[j] = 0;
        for (int64_t i = begin; i < by_fours; i += 4) {
            const T *a = x + i * n, *b = a + n, *c = b + n, *d = c + n;
            for (int64_t j = 0; j < m; j++) sum[j] += (a[j] + b[j]) + (c[j] + d[j]);
        }
        for (int64_t i = by_fours; i < end; i++)
            for (int64_t j = 0; j < m; j++) sum[j] += x[i * n + j];
        for (int64_t j = 0; j < m; j++) total[j] += (double)sum[j];
    }
    for (int64_t j = 0; j < m; j++) {
        first_mean[j] = (T)(total[j] / (double)n_rows);
        total[j] = 0;
    }
    for (int64_t begin = 0, end; begin < n_rows; begin = end) {
        end = nnc_least(begin + SUM_ROWS, n_rows);
        int64_t by_fours = end - (end - begin) % 4;
        for (int64_t j = 0; j < m; j++) sum[j] = square_sum[j] = 0;
        for (int64_t i = begin; i < by_fours; i += 4) {
            const T *rows = x + i * n;
            for (int64_t j = 0; j < m; j++) {
                T a = rows[j] - first_mean[j], b = rows[n + j] - first_mean[j];
                T c = rows[2 * n + j] - first_mean[j], d = rows[3 * n + j] - first_mean[j];
                sum[j] += (a + b) + (c + d);
                square_sum[j] += F(nnc_fma)(a, a, b * b) + F(nnc_fma)(c, c, d * d);
            }
        }
        for (int64_t i = by_fours; i < end; i++)
            for (int64_t j = 0; j < m; j++) {
                T deviation = x[i * n + j] - first_mean[j];
                sum[j] += deviation;
                square_sum[j] = F(nnc_fma)(deviation, deviation, square_sum[j]);
            }
        for (int64_t j = 0; j < m; j++) {
            total[j] += (double)sum[j];
            square_total[j] += (double)square_sum[j];
        }
    }
}

NNC_RARE void F(rounded)(const double *x, int64_t n, T *y) {
    for (int64_t j = 0; j < n; j++) y[j] = (T)x[j];
}

NNC_RARE int32_t F(forward_sums)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n = call->n_inputs;
    F(moments) found;
    for (int64_t begin = call->begin_column, m; begin < call->end_column; begin += m) {
        m = nnc_least(call->end_column - begin, STRIP);
        F(column_moments)((const T *)call->x + begin, n_rows, n, m, &found);
        for (int64_t j = 0; j < m; j++) {
            call->sums->own[begin + j] = F(mean_of)(&found, j, n_rows);
            call->sums->own[n + begin + j] = F(squares_of)(&found, j, n_rows);
        }
    }
    return 0;
}

/* Adds the sums of one batch to the running statistics: var = squares / (count - 1), pooled as in the code of the notes. */
static void F(pool)(const T *batch_mean, const T *squares, int64_t n_rows, int64_t m, T *mean, T *std, double before) {
    double after = before + (double)n_rows;
    for (int64_t j = 0; j < m; j++) {
        mean[j] = (T)((mean[j] * before + batch_mean[j] * (double)n_rows) / after);
        double pooled = (before > 0 ? (double)std[j] * std[j] * (before - 1) : 0) + squares[j];
        std[j] = after > 1 ? (T)sqrt(pooled / (after - 1)) : 0;
    }
}

static void F(train_forward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n_summed = call->sums != NULL ? call->batch_rows : n_rows, n = call->n_inputs;
    int cumulative = call->site->hyper[0] != 0;
    T momentum = (T)call->site->hyper[1], epsilon = (T)call->site->hyper[2];
    const T *gamma = call->parameters, *beta = gamma + (cumulative ? 1 : n);
    T *running_mean = call->buffers;                   /* (n,) */
    T *running_spread = running_mean + n;              /* (n,) variance, or standard deviation if cumulative */
    T *mean = call->cache, *inverse_std = mean + n;    /* (n,), (n,) */
    T *count = cumulative ? running_spread + n : NULL; /* (2,) */
    double before = cumulative ? count[0] + COUNT_BASE * count[1] : 0;
    T factor[STRIP], shift[STRIP], squares[STRIP];
    F(moments) found;

    for (int64_t begin = call->begin_column, m; begin < call->end_column; begin += m) {
        m = nnc_least(call->end_column - begin, STRIP);
        const T *x = (const T *)call->x + begin; /* (n_rows, n) from here on */
        T *y = (T *)call->y + begin;
        T *own_mean = mean + begin, *own_inverse = inverse_std + begin; /* (m,) */
        T *run_mean = running_mean + begin, *run_spread = running_spread + begin;
        if (call->sums == NULL) {
            F(column_moments)(x, n_rows, n, m, &found);
            for (int64_t j = 0; j < m; j++) {
                own_mean[j] = (T)F(mean_of)(&found, j, n_rows);
                squares[j] = (T)F(squares_of)(&found, j, n_rows);
            }
        } else {
            F(rounded)(call->sums->own + begin, m, own_mean);
            F(rounded)(call->sums->own + n + begin, m, squares);
        }
        if (cumulative) {
            F(pool)(own_mean, squares, n_summed, m, run_mean, run_spread, before);
            for (int64_t j = 0; j < m; j++) {
                own_mean[j] = run_mean[j];
                own_inverse[j] = 1 / (run_spread[j] + epsilon);
            }
        } else {
            for (int64_t j = 0; j < m; j++) {
                own_inverse[j] = 1 / sqrt(squares[j] / (T)n_summed + epsilon);
                run_mean[j] += momentum * (own_mean[j] - run_mean[j]);
            }
            if (n_summed > 1) /* one row has no variance */
                for (int64_t j = 0; j < m; j++) run_spread[j] += momentum * (squares[j] / (T)(n_summed - 1) - run_spread[j]);
        }
        for (int64_t j = 0; j < m; j++) {
            factor[j] = own_inverse[j] * gamma[cumulative ? 0 : begin + j];
            shift[j] = beta[cumulative ? 0 : begin + j];
        }
        for (int64_t i = 0; i < n_rows; i++)
            for (int64_t j = 0; j < m; j++) y[i * n + j] = F(nnc_fma)(x[i * n + j] - own_mean[j], factor[j], shift[j]);
    }
    if (cumulative) {
        double after = before + (double)n_summed, upper = floor(after / COUNT_BASE);
        count[0] = (T)(after - COUNT_BASE * upper);
        count[1] = (T)upper;
    }
}

/* y = (x - mean) scale + shift with the running statistics. The mean is subtracted first, as it may be large next to x - mean. */
static void F(predict)(const nnc_layer_call *call) {
    int64_t n = call->n_inputs;
    int cumulative = call->site->hyper[0] != 0;
    T epsilon = (T)call->site->hyper[2];
    const T *gamma = call->parameters, *beta = gamma + (cumulative ? 1 : n);
    const T *running_mean = call->buffers, *spread = running_mean + n; /* (n,), (n,) */
    int64_t width = call->end_column - call->begin_column;
    /* If all columns are computed, rows follow each other without a gap: one vector loop takes several rows. */
    int64_t height = width == n && n <= STRIP && n > 0 ? STRIP / n : 1;
    T mean[PART], scale[PART], shift[PART];
    T *kept = call->cache; /* mean (n,), 1 / std (n,), for backward; or NULL */

    if (height > call->n_rows) height = call->n_rows;
    for (int64_t begin = call->begin_column, m; begin < call->end_column; begin += m) {
        m = nnc_least(call->end_column - begin, PART);
        for (int64_t j = 0; j < m; j++) {
            T deviation = cumulative ? spread[begin + j] + epsilon : sqrt(spread[begin + j] + epsilon);
            scale[j] = gamma[cumulative ? 0 : begin + j] / deviation;
            shift[j] = beta[cumulative ? 0 : begin + j];
            mean[j] = running_mean[begin + j];
            if (kept != NULL) {
                kept[begin + j] = mean[j];
                kept[n + begin + j] = 1 / deviation;
            }
        }
        for (int64_t j = m; j < height * m; j++) {
            mean[j] = mean[j - m];
            scale[j] = scale[j - m];
            shift[j] = shift[j - m];
        }
        for (int64_t i = 0; i < call->n_rows; i += height) {
            const T *x = (const T *)call->x + i * n + begin;
            T *y = (T *)call->y + i * n + begin;
            int64_t length = nnc_least(call->n_rows - i, height) * m;
            for (int64_t j = 0; j < length; j++) y[j] = F(nnc_fma)(x[j] - mean[j], scale[j], shift[j]);
        }
    }
}

static int32_t F(batch_norm_forward)(const nnc_layer_call *call) {
    call->site->training ? F(train_forward)(call) : F(predict)(call);
    return 0;
}

/* Sums over the rows of d_y (m,) and of d_y (x - mean) (m,) for m <= STRIP columns of matrices (n_rows, n). */
static __attribute__((noinline)) void F(column_sums)(const T *x, const T *d_y, const T *mean, int64_t n_rows, int64_t n, int64_t m,
                                                     double *restrict total, double *restrict product_total) {
    T sum[STRIP], product_sum[STRIP];
    for (int64_t j = 0; j < m; j++) total[j] = product_total[j] = 0;
    for (int64_t begin = 0, end; begin < n_rows; begin = end) {
        end = nnc_least(begin + SUM_ROWS, n_rows);
        int64_t by_fours = end - (end - begin) % 4;
        for (int64_t j = 0; j < m; j++) sum[j] = product_sum[j] = 0;
        for (int64_t i = begin; i < by_fours; i += 4) {
            const T *rows = x + i * n, *d_rows = d_y + i * n;
            for (int64_t j = 0; j < m; j++) {
                T a = d_rows[j], b = d_rows[n + j], c = d_rows[2 * n + j], d = d_rows[3 * n + j];
                sum[j] += (a + b) + (c + d);
                product_sum[j] += F(nnc_fma)(a, rows[j] - mean[j], b * (rows[n + j] - mean[j])) +
                                  F(nnc_fma)(c, rows[2 * n + j] - mean[j], d * (rows[3 * n + j] - mean[j]));
            }
        }
        for (int64_t i = by_fours; i < end; i++)
            for (int64_t j = 0; j < m; j++) {
                sum[j] += d_y[i * n + j];
                product_sum[j] = F(nnc_fma)(d_y[i * n + j], x[i * n + j] - mean[j], product_sum[j]);
            }
        for (int64_t j = 0; j < m; j++) {
            total[j] += (double)sum[j];
            product_total[j] += (double)product_sum[j];
        }
    }
}

NNC_RARE int32_t F(backward_sums)(const nnc_layer_call *call) {
    int64_t n = call->n_inputs;
    for (int64_t begin = call->begin_column, m; begin < call->end_column; begin += m) {
        m = nnc_least(call->end_column - begin, STRIP);
        F(column_sums)((const T *)call->x + begin, (const T *)call->d_y + begin, (const T *)call->cache + begin, call->n_rows, n, m,
                       call->sums->own + begin, call->sums->own + n + begin);
    }
    return 0;
}

/* Backward of a prediction, whose statistics are constants: d_x = gamma/std d_y. */
static void F(predict_backward)(const nnc_layer_call *call) {
    int64_t n = call->n_inputs;
    const T *gamma = call->parameters, *inverse_std = (const T *)call->cache + n; /* (n,) */
    int cumulative = call->site->hyper[0] != 0;
    for (int64_t i = 0; i < call->n_rows; i++) {
        const T *d_y = (const T *)call->d_y + i * n; /* (n,) */
        T *d_x = (T *)call->d_x + i * n;             /* (n,) */
        for (int64_t j = call->begin_column; j < call->end_column; j++) d_x[j] = inverse_std[j] * gamma[cumulative ? 0 : j] * d_y[j];
    }
}

static int32_t F(batch_norm_backward)(const nnc_layer_call *call) {
    if (!call->site->training) {
        if (call->d_x != NULL) F(predict_backward)(call);
        return 0;
    }
    int64_t n_rows = call->n_rows, n = call->n_inputs;
    int cumulative = call->site->hyper[0] != 0;
    const T *gamma = call->parameters;
    const T *mean = call->cache, *inverse_std = mean + n; /* (n,), (n,) */
    T *d_parameters = call->d_parameters, per_row = 1 / (T)(call->sums != NULL ? call->batch_rows : n_rows);
    T scale[STRIP], slope[STRIP], offset[STRIP];
    double d_beta[STRIP], d_gamma[STRIP], all_beta = 0, all_gamma = 0;

    for (int64_t begin = call->begin_column, m; begin < call->end_column; begin += m) {
        m = nnc_least(call->end_column - begin, STRIP);
        const T *x = (const T *)call->x + begin, *d_y = (const T *)call->d_y + begin; /* (n_rows, n) from here on */
        const T *own_mean = mean + begin;                                             /* (m,) */
        if (call->sums != NULL) {
            memcpy(d_beta, call->sums->own + begin, (size_t)m * sizeof *d_beta);
            memcpy(d_gamma, call->sums->own + n + begin, (size_t)m * sizeof *d_gamma);
        } else {
            F(column_sums)(x, d_y, own_mean, n_rows, n, m, d_beta, d_gamma);
        }
        for (int64_t j = 0; j < m; j++) {
            T inverse = inverse_std[begin + j];
            d_gamma[j] *= (double)inverse;
            scale[j] = inverse * gamma[cumulative ? 0 : begin + j];
            slope[j] = cumulative ? 0 : inverse * (T)d_gamma[j] * per_row;
            offset[j] = cumulative ? 0 : (T)d_beta[j] * per_row;
        }
        if (cumulative) { /* the statistics are constants, gamma and beta scalars */
            for (int64_t j = 0; j < m; j++) {
                all_gamma += d_gamma[j];
                all_beta += d_beta[j];
            }
        } else {
            for (int64_t j = 0; j < m; j++) {
                d_parameters[begin + j] = (T)d_gamma[j];
                d_parameters[n + begin + j] = (T)d_beta[j];
            }
        }
        if (call->d_x == NULL) continue;
        /* through the mean and the variance of the batch: d_x = gamma/std (d_y - mean(d_y) - x_hat mean(d_y x_hat)) */
        T *d_x = (T *)call->d_x + begin;
        for (int64_t i = 0; i < n_rows; i++)
            for (int64_t j = 0; j < m; j++)
                d_x[i * n + j] = scale[j] * F(nnc_fma)(-slope[j], x[i * n + j] - own_mean[j], d_y[i * n + j] - offset[j]);
    }
    if (cumulative) {
        d_parameters[0] = (T)all_gamma;
        d_parameters[1] = (T)all_beta;
    }
    return 0;
}

#endif
