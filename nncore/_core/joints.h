/* Joints: where branches of a network fork, or are summed or concatenated. Included by runner.c as a template. */

/* to[i][j] = the sum of the branches' d_y[i][j], for rows that begin at `first`. */
static void F(add_gradients)(const nnc_op *op, int64_t first, int64_t n_rows) {
    int64_t n = op->call.n_outputs * n_rows, before = op->call.n_outputs * first;
    T *to = (T *)op->call.d_x + before;
    const T *one = (const T *)op->branches[0].d_y + before, *two = (const T *)op->branches[1].d_y + before;
    for (int64_t i = 0; i < n; i++) to[i] = one[i] + two[i];
    for (int64_t k = 2; k < op->n_branches; k++) {
        const T *more = (const T *)op->branches[k].d_y + before;
        for (int64_t i = 0; i < n; i++) to[i] += more[i];
    }
}

/* y[i][j] = the sum of the branches' y[i][j]. */
static void F(add_values)(const member *m, const nnc_op *op, int64_t first, int64_t n_rows) {
    int64_t n = op->call.n_outputs * n_rows;
    T *to = (T *)op->call.y + op->call.n_outputs * first;
    memcpy(to, F(value_of)(m, op->branches[0].y, op->call.n_outputs, first), (size_t)n * sizeof(T));
    for (int64_t k = 1; k < op->n_branches; k++) {
        const T *more = F(value_of)(m, op->branches[k].y, op->call.n_outputs, first);
        for (int64_t i = 0; i < n; i++) to[i] += more[i];
    }
}

/* Concatenates the branches' y. */
static void F(join_columns)(const member *m, const nnc_op *op, int64_t first, int64_t n_rows) {
    T *to = (T *)op->call.y + op->call.n_outputs * first; /* (n_rows, n_outputs) from the branch's first column on */
    for (int64_t k = 0; k < op->n_branches; k++) {
        int64_t n = op->branches[k].n_columns;
        const T *from = F(value_of)(m, op->branches[k].y, n, first);
        for (int64_t i = 0; i < n_rows; i++) F(copy)(to + i * op->call.n_outputs, from + i * n, n);
        to += n;
    }
}

/* Copies its columns of d_y to each branch. */
static void F(part_columns)(const nnc_op *op, int64_t first, int64_t n_rows) {
    const T *from = (const T *)op->call.d_y + op->call.n_outputs * first; /* (n_rows, n_outputs) from the branch's first column on */
    for (int64_t k = 0; k < op->n_branches; k++) {
        int64_t n = op->branches[k].n_columns;
        T *to = op->branches[k].d_y;
        for (int64_t i = 0; to != NULL && i < n_rows; i++) F(copy)(to + (first + i) * n, from + i * op->call.n_outputs, n);
        from += n;
    }
}

static void F(run_joint)(const member *m, int32_t what, const nnc_op *op, int64_t first, int64_t n_rows) {
    if (what == NNC_BACKWARD && op->kind == NNC_OP_FORK) F(add_gradients)(op, first, n_rows);
    if (what == NNC_BACKWARD && op->kind == NNC_OP_CONCAT) F(part_columns)(op, first, n_rows);
    if (what == NNC_FORWARD && op->kind == NNC_OP_SUM) F(add_values)(m, op, first, n_rows);
    if (what == NNC_FORWARD && op->kind == NNC_OP_CONCAT) F(join_columns)(m, op, first, n_rows);
}
