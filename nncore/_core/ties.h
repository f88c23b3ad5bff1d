/* Tied tensors, which several ops use. The flat vectors hold each once. An op that uses tensors of others has memory of its own, in
 * which its tensors are contiguous, as kernels need them. It holds gradients, and a copy of the parameters unless these are contiguous
 * already. Included by runner.c as a template. */

/* Rows of a matrix that are transposed together: one cache line of the other matrix. */
#define TRANSPOSED_ROWS 16

/* Copies parameters to the ops that read copies, once nobody writes them. All members come here, and go on together. */
static void F(copy_tied)(const member *m) {
    const nnc_program *program = m->program;
    for (int64_t i = 0; i < program->n_ties; i++) {
        const nnc_tie *tie = &program->ties[i];
        if (!tie->is_copied) continue;
        T *to = (T *)program->ops[tie->op].call.parameters + tie->place; /* (rows, columns) */
        const T *from = (const T *)program->parameters + tie->offset;    /* the same, or (columns, rows) */
        int64_t rows = tie->rows, columns = tie->columns;
        if (!tie->transposed) {
            int64_t begin = share(rows * columns, 1, m->part, m->n_parts), end = share(rows * columns, 1, m->part + 1, m->n_parts);
            memcpy(to + begin, from + begin, (size_t)(end - begin) * sizeof(T));
            continue;
        }
        int64_t last = share(rows, 1, m->part + 1, m->n_parts);
        for (int64_t begin = share(rows, 1, m->part, m->n_parts), end; begin < last; begin = end) {
            end = nnc_least(begin + TRANSPOSED_ROWS, last);
            for (int64_t c = 0; c < columns; c++)
                for (int64_t r = begin; r < end; r++) to[r * columns + c] = from[c * rows + r];
        }
    }
    nnc_meet(m->team, NNC_OK);
}

/* Adds a transposed gradient to rows first .. last - 1 and columns begin .. end - 1 of g (., width). */
static void F(add_transposed)(T *g, const T *transpose, int64_t width, int64_t height, int64_t first, int64_t last, int64_t begin,
                              int64_t end) {
    for (int64_t to; first < last; first = to) {
        to = nnc_least(first + TRANSPOSED_ROWS, last);
        for (int64_t c = begin; c < end; c++)
            for (int64_t r = first; r < to; r++) g[r * width + c] += transpose[c * height + r];
    }
}

/* Adds the gradient of a tensor from the op's own memory to the flat vector, or copies it, in the member's range. */
static void F(bring_gradient)(const member *m, const nnc_tie *tie) {
    const T *from = (const T *)m->program->ops[tie->op].call.d_parameters + tie->place;
    T *g = (T *)m->program->gradients + tie->offset;
    int64_t n = tie->rows * tie->columns, begin = m->begin_parameter - tie->offset, end = nnc_least(m->end_parameter - tie->offset, n);
    if (begin < 0) begin = 0;
    if (begin >= end) return;
    if (!tie->adds) {
        memcpy(g + begin, from + begin, (size_t)(end - begin) * sizeof(T));
    } else if (!tie->transposed) {
        for (int64_t j = begin; j < end; j++) g[j] += from[j];
    } else { /* whole rows of the gradient, and parts of the first and the last */
        int64_t width = tie->rows, height = tie->columns, first = (begin + width - 1) / width, last = end / width;
        if (first > last) {
            F(add_transposed)(g, from, width, height, last, first, begin % width, end % width);
            return;
        }
        if (begin % width != 0) F(add_transposed)(g, from, width, height, first - 1, first, begin % width, width);
        F(add_transposed)(g, from, width, height, first, last, 0, width);
        F(add_transposed)(g, from, width, height, last, last + 1, 0, end % width);
    }
}

static nnc_layer_function F(gradient_of)(const nnc_op *op);                                                       /* gradients.h */
static int64_t F(call_gradient_elsewhere)(const member *m, int64_t number, int64_t begin, int64_t end, T *where); /* gradients.h */

/* Whether an op writes its gradients to memory of its own. */
static int F(is_tied)(const nnc_op *op) { return op->n_tied > 0 && op->is_trained && F(gradient_of)(op) != NULL; }

/* Computes the member's share of the gradients of each such op. */
static int64_t F(write_tied)(const member *m, int64_t verdict) {
    const nnc_program *program = m->program;
    for (int64_t i = 0; i < program->n_ops && verdict == NNC_OK; i++) {
        const nnc_op *op = &program->ops[i];
        if (!F(is_tied)(op)) continue;
        int64_t end, begin = tied_range(m, op, &end);
        if (begin < end) verdict = F(call_gradient_elsewhere)(m, i, begin, end, (T *)op->call.d_parameters + begin);
    }
    return verdict;
}

/* Adds up the gradients of tied tensors, op after op, once all members have written theirs. All members come here; each completes its
 * range. */
static int64_t F(add_tied)(const member *m, int64_t verdict) {
    const nnc_program *program = m->program;
    verdict = meet(m, verdict, NNC_SHARED_TIED);
    for (int64_t i = 0; i < program->n_ties && verdict == NNC_OK; i++)
        if (program->ties[i].is_trained) F(bring_gradient)(m, &program->ties[i]);
    return verdict;
}
