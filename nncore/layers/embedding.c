/* Replaces category codes in some columns of x by rows of tables. The other columns of x come first in y. Parameters: the tables, one after
 * the other, each (n_categories + 1, width). The last row is for numbers that are not codes.
 *
 * hyper[0] is the number of tables. 0: there is one for each column of x, and all have the n_categories and width that follow. Otherwise
 * five numbers follow for each table: its column, n_categories, width, first column among those that tables write, first parameter. Then
 * come all columns again, in ascending order. */
#ifndef T
#include <string.h>

#include "../_core/kernels/level.h"

/* In a small table one category may be that of nearly every row, and long sums of float32 lose digits. So gradients of tables with up to
 * FEW categories have partial sums of SUM_ROWS rows. These take up to WORK numbers of `work`, for which embedding.py asks. */
#define FEW 63
#define SUM_ROWS 128
#define WORK 2048
_Static_assert(FEW < NNC_TOUCHED_ROWS, "gradients by touched rows are summed up in one go");

typedef struct table {
    int64_t column; /* of x */
    int64_t n_categories, width;
    int64_t first_output; /* column of y */
    int64_t first_parameter;
} table;

static int64_t count_tables(const nnc_layer_call *call) {
    return call->site->hyper[0] != 0 ? (int64_t)call->site->hyper[0] : call->n_inputs;
}

static table table_at(const nnc_layer_call *call, int64_t k) {
    const double *h = call->site->hyper + 1;
    if (call->site->hyper[0] == 0) {
        int64_t n_categories = (int64_t)h[0], width = (int64_t)h[1];
        return (table){k, n_categories, width, k * width, k * (n_categories + 1) * width};
    }
    h += 5 * k;
    int64_t n_passed = call->n_inputs - count_tables(call);
    return (table){(int64_t)h[0], (int64_t)h[1], (int64_t)h[2], n_passed + (int64_t)h[3], (int64_t)h[4]};
}

/* The stretch of columns without codes before the s-th column with codes, in ascending order. It is first .. *end - 1; *end is that s-th
 * column, or the number of columns. */
static int64_t stretch_without_codes(const nnc_layer_call *call, int64_t s, int64_t *end) {
    int64_t n_tables = count_tables(call);
    const double *columns = call->site->hyper + 1 + 5 * n_tables; /* (n_tables,) */
    *end = s < n_tables ? (int64_t)columns[s] : call->n_inputs;
    return s > 0 ? (int64_t)columns[s - 1] + 1 : 0;
}

#include "nncore/float32.h"
#include "embedding.c"
#include "nncore/float64.h"
#include "embedding.c"

const nnc_layer NNC_TABLE(layer, embedding) = {
    .head = NNC_HEAD(nnc_layer),
    .forward_f32 = embedding_forward_f32,
    .forward_f64 = embedding_forward_f64,
    .backward_f32 = embedding_backward_f32,
    .backward_f64 = embedding_backward_f64,
    .touch_f32 = embedding_touch_f32,
    .touch_f64 = embedding_touch_f64,
    .touched_gradient_f32 = embedding_touched_gradient_f32,
    .touched_gradient_f64 = embedding_touched_gradient_f64,
    .gradient_f32 = embedding_gradient_f32,
    .gradient_f64 = embedding_gradient_f64,
};

#else

/* The row for a code in a table with n + 1 rows. */
static inline int64_t F(row_of)(T code, int64_t n) {
    if (!(code >= 0 && code < (T)n)) return n; /* NaN too */
    int64_t row = (int64_t)code;
    return (T)row == code ? row : n;
}

/* Copies n numbers. Few numbers are not worth a call of memcpy; four are one move. */
static inline void F(copy)(T *to, const T *from, int64_t n) {
    int64_t j = 0;
    for (; j + 4 <= n; j += 4) memcpy(to + j, from + j, 4 * sizeof(T));
    for (; j < n; j++) to[j] = from[j];
}

static int32_t F(embedding_forward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n_inputs = call->n_inputs, n_outputs = call->n_outputs, n_tables = count_tables(call);
    const T *x = call->x; /* (n_rows, n_inputs)  */
    T *y = call->y;       /* (n_rows, n_outputs) */
    for (int64_t s = 0, to = 0, end; n_tables < n_inputs && s <= n_tables; s++) {
        int64_t first = stretch_without_codes(call, s, &end);
        for (int64_t i = 0; i < n_rows; i++) F(copy)(y + i * n_outputs + to, x + i * n_inputs + first, end - first);
        to += end - first;
    }
    for (int64_t k = 0; k < n_tables; k++) {
        table t = table_at(call, k);
        const T *vectors = (const T *)call->parameters + t.first_parameter; /* (n_categories + 1, width) */
        for (int64_t i = 0; i < n_rows; i++) {
            int64_t row = F(row_of)(x[i * n_inputs + t.column], t.n_categories);
            F(copy)(y + i * n_outputs + t.first_output, vectors + row * t.width, t.width);
        }
    }
    return 0;
}

static int32_t F(embedding_backward)(const nnc_layer_call *call) {
    int64_t n_rows = call->n_rows, n_inputs = call->n_inputs, n_outputs = call->n_outputs, n_tables = count_tables(call);
    const T *d_y = call->d_y; /* (n_rows, n_outputs) */
    T *d_x = call->d_x;       /* (n_rows, n_inputs)  */
    memset(d_x, 0, (size_t)(n_rows * n_inputs) * sizeof(T));
    for (int64_t s = 0, from = 0, end; n_tables < n_inputs && s <= n_tables; s++) {
        int64_t first = stretch_without_codes(call, s, &end);
        for (int64_t i = 0; i < n_rows; i++) F(copy)(d_x + i * n_inputs + first, d_y + i * n_outputs + from, end - first);
        from += end - first;
    }
    return 0;
}

/* Adds the gradients of a table's parameters begin .. end - 1, of `n` rows from `done` on, to d_parameters (end - begin,). */
static void F(add_rows)(const nnc_layer_call *call, const table *t, int64_t done, int64_t n, int64_t begin, int64_t end, T *d_parameters) {
    const T *code = (const T *)call->x + done * call->n_inputs + t->column;              /* (n,), n_inputs apart */
    const T *d_vector = (const T *)call->d_y + done * call->n_outputs + t->first_output; /* (n, width), n_outputs apart */
    for (int64_t i = 0; i < n; i++, code += call->n_inputs, d_vector += call->n_outputs) {
        int64_t first = t->first_parameter + F(row_of)(*code, t->n_categories) * t->width, to = nnc_least(first + t->width, end);
        for (int64_t j = first > begin ? first : begin; j < to; j++) d_parameters[j - begin] += d_vector[j - first];
    }
}

/* For every table, adds up the gradients of all rows in order. So an element's sum does not depend on how parameters are split. */
static int32_t F(embedding_gradient)(const nnc_layer_call *call) {
    int64_t begin = call->begin_parameter, end = call->end_parameter, n_rows = call->n_rows, n_tables = count_tables(call);
    T *d_parameters = call->d_parameters, *sums = call->site->work; /* (end - begin,), (WORK,) */
    memset(d_parameters, 0, (size_t)(end - begin) * sizeof(T));
    for (int64_t k = 0; k < n_tables; k++) {
        table t = table_at(call, k);
        int64_t size = (t.n_categories + 1) * t.width;
        int64_t from = t.first_parameter > begin ? t.first_parameter : begin, to = nnc_least(t.first_parameter + size, end);
        if (from >= to) continue;
        if (t.n_categories > FEW || size > WORK) {
            F(add_rows)(call, &t, 0, n_rows, from, to, d_parameters + (from - begin));
            continue;
        }
        int64_t height = SUM_ROWS > 8 * t.n_categories ? SUM_ROWS : 8 * t.n_categories; /* so that adding up sums costs little */
        for (int64_t done = 0; done < n_rows; done += height) {
            memset(sums, 0, (size_t)(to - from) * sizeof(T));
            F(add_rows)(call, &t, done, nnc_least(n_rows - done, height), from, to, sums);
            for (int64_t j = from; j < to; j++) d_parameters[j - begin] += sums[j - from];
        }
    }
    return 0;
}

/* The table that `touched` is about; its rows in begin_parameter .. end_parameter - 1 are *first .. *end - 1. */
static table F(touched_table)(const nnc_layer_call *call, int64_t *first, int64_t *end) {
    table t = table_at(call, call->touched->tensor);
    *first = (call->begin_parameter - t.first_parameter) / t.width;
    *end = (call->end_parameter - t.first_parameter) / t.width;
    return t;
}

static int32_t F(embedding_touch)(const nnc_layer_call *call) {
    int64_t first, end;
    table t = F(touched_table)(call, &first, &end);
    const T *code = (const T *)call->x + t.column; /* (n_rows,), n_inputs apart */
    for (int64_t i = 0; i < call->n_rows; i++) {
        int64_t row = F(row_of)(code[i * call->n_inputs], t.n_categories);
        if (row >= first && row < end) nnc_touch(call->touched, row);
    }
    return 0;
}

static int32_t F(embedding_touched_gradient)(const nnc_layer_call *call) {
    int64_t first, end;
    table t = F(touched_table)(call, &first, &end);
    const T *code = (const T *)call->x + t.column;             /* (n_rows,), n_inputs apart */
    const T *d_vector = (const T *)call->d_y + t.first_output; /* (n_rows, width), n_outputs apart */
    for (int64_t i = 0; i < call->n_rows; i++, code += call->n_inputs, d_vector += call->n_outputs) {
        int64_t row = F(row_of)(*code, t.n_categories);
        if (row < first || row >= end) continue;
        T *to = (T *)call->d_parameters + nnc_touched_before(call->touched, row) * t.width;
        for (int64_t j = 0; j < t.width; j++) to[j] += d_vector[j];
    }
    return 0;
}

#endif
