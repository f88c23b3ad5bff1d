/* Sorts the numbers of a sparse batch by column, so that the gradients of some rows of a weight find their terms in one place. Included
 * by runner.c as a template. */
#ifndef NNCORE_SPARSE_ROWS_H
#define NNCORE_SPARSE_ROWS_H

/* Most bits of a column that one pass of the radix sort takes. */
#define DIGIT_BITS 11

/* Makes room for n numbers of a batch, if there is less. All members take the same branch. */
static int64_t take_sorted(const member *m, int64_t n, int64_t number_bytes) {
    nnc_program *program = m->program;
    int64_t verdict = NNC_OK;
    if (n <= program->most_sorted) return NNC_OK;
    nnc_meet(m->team, NNC_OK); /* all members must have compared n with most_sorted before it changes */
    if (m->part == 0) {
        free(program->sorted);
        program->most_sorted = 0;
        program->sorted = malloc((size_t)nnc_times(nnc_times(n, 2), number_bytes));
        if (program->sorted == NULL) verdict = verdict_of(NNC_NO_MEMORY, 0);
        else program->most_sorted = n;
    }
    return nnc_meet(m->team, verdict);
}
#endif

/* Numbers of a batch, each with its column and its row. */
typedef struct F(numbers) {
    T *values;
    int32_t *columns, *rows;
} F(numbers);

/* The numbers in one of the two halves of that memory, from place `first` on. */
static F(numbers) F(sorted_numbers)(const nnc_program *program, int32_t half, int64_t first) {
    int64_t n = program->most_sorted;
    T *values = (T *)((char *)program->sorted + half * n * (int64_t)(sizeof(T) + 2 * sizeof(int32_t)));
    int32_t *columns = (int32_t *)(values + n);
    return (F(numbers)){values + first, columns + first, columns + n + first};
}

/* One pass of a stable radix sort: n numbers of columns from `first` on, by `bits` bits of the column above the lowest `shift`. */
static void F(sort_by_digit)(F(numbers) from, F(numbers) to, int64_t n, int64_t first, int shift, int bits) {
    int64_t places[1 << DIGIT_BITS], begin = 0, mask = ((int64_t)1 << bits) - 1;
    memset(places, 0, (size_t)(mask + 1) * sizeof *places);
    for (int64_t k = 0; k < n; k++) places[(from.columns[k] - first) >> shift & mask]++;
    for (int64_t digit = 0; digit <= mask; digit++) {
        int64_t of_digit = places[digit];
        places[digit] = begin;
        begin += of_digit;
    }
    for (int64_t k = 0; k < n; k++) {
        int64_t place = places[(from.columns[k] - first) >> shift & mask]++;
        to.values[place] = from.values[k];
        to.columns[place] = from.columns[k];
        to.rows[place] = from.rows[k];
    }
}

/* Sorts the numbers of the batch by column. Each member sorts those of its share of the columns. That is not its share of the
 * parameters, since processes, tiles and shards ask for all kinds of ranges. All members come here, once the rows are gathered, and go
 * on together. */
static int64_t F(sort_by_column)(member *m) {
    nnc_program *program = m->program;
    nnc_sparse_rows *rows = &m->rows;
    const int64_t *begins = rows->begins + m->x_shift, *ends = rows->ends + m->x_shift;
    int64_t n = 0, n_before = 0, n_own = 0; /* in all columns, in those before the member's, and in its own */
    int64_t first = share(program->n_inputs, 1, m->part, m->n_parts), last = share(program->n_inputs, 1, m->part + 1, m->n_parts);
    for (int64_t i = 0; i < m->n_rows; i++) {
        n += ends[i] - begins[i];
        if (m->part > 0) n_before += nnc_first_from(rows->columns, begins[i], ends[i], first) - begins[i];
    }
    int64_t verdict = take_sorted(m, n, sizeof(T) + 2 * sizeof(int32_t));
    if (verdict != NNC_OK) return verdict;
    int n_bits = 1;
    while ((last - first - 1) >> n_bits > 0) n_bits++;
    int n_digits = (n_bits + DIGIT_BITS - 1) / DIGIT_BITS, bits = (n_bits + n_digits - 1) / n_digits;
    F(numbers) halves[2] = {F(sorted_numbers)(program, 0, n_before), F(sorted_numbers)(program, 1, n_before)};
    F(numbers) to = halves[n_digits % 2]; /* so that the last digit ends in the first half */
    for (int64_t i = 0; i < m->n_rows; i++) {
        int64_t k = m->part > 0 ? nnc_first_from(rows->columns, begins[i], ends[i], first) : begins[i];
        for (; k < ends[i] && rows->columns[k] < last; k++, n_own++) {
            to.values[n_own] = ((const T *)rows->values)[k];
            to.columns[n_own] = rows->columns[k];
            to.rows[n_own] = (int32_t)i;
        }
    }
    for (int digit = 0; digit < n_digits; digit++) {
        int half = (n_digits - digit) % 2;
        F(sort_by_digit)(halves[half], halves[1 - half], n_own, first, digit * bits, bits);
    }
    F(numbers) sorted = F(sorted_numbers)(program, 0, 0);
    rows->sorted_values = sorted.values;
    rows->sorted_columns = sorted.columns;
    rows->sorted_rows = sorted.rows;
    rows->n_sorted = n;
    return nnc_meet(m->team, NNC_OK);
}
