/* Steps only on the rows of large tensors that a batch touches. The gradients of other rows are zero. Either a step on them changes
 * nothing (`skips_zero`), or the user wants rows without gradients left as they are (`is_lazy`). Included by runner.c as a template. */

/* Steps on rows of a tensor whose gradients are not all zero, among n parameters from `begin` on. */
static int64_t F(step_on_rows)(const member *m, int64_t number, int64_t begin, int64_t n, int64_t columns, const T *g, T *state) {
    int64_t verdict = NNC_OK;
    for (int64_t from = 0, to; from < n && verdict == NNC_OK;
         from = to) { /* to: behind the rows that have gradients, and one that has none */
        int64_t end = from;
        for (to = from; to < n && end == to; to += columns) {
            int any = 0;
            for (int64_t j = 0; j < columns; j++) any |= g[to + j] != 0;
            if (any) end = to + columns;
        }
        if (end > from) verdict = F(step_alike)(m, number, begin + from, end - from, g + from, state != NULL ? state + from : NULL);
    }
    return verdict;
}

/* The same for parameters from .. to - 1 of a stretch, which begin and end with rows of its group's tensors. */
static int64_t F(step_lazily)(const member *m, const nnc_stretch *stretch, int64_t from, int64_t to, const T *g) {
    const nnc_program *program = m->program;
    const nnc_group *group = &program->groups[stretch->group];
    int64_t verdict = NNC_OK;
    for (int64_t i = 0; i < group->n_tensors && verdict == NNC_OK; i++) {
        const nnc_tensor *tensor = &program->tensors[group->first_tensor + i];
        int64_t begin = tensor->offset > from ? tensor->offset : from, end = nnc_least(tensor->offset + tensor->rows * tensor->columns, to);
        T *state = stretch->state != NULL ? (T *)stretch->state + (begin - stretch->begin) : NULL;
        if (begin < end) verdict = F(step_on_rows)(m, stretch->group, begin, end - begin, tensor->columns, g + (begin - from), state);
    }
    return verdict;
}

/* The first word from `word` on that is not 0, among those that hold a row before `end`; the one behind these if there is none. */
static int64_t F(next_filled)(const nnc_touched *touched, int64_t word, int64_t end) {
    int64_t last = (end + 63) / 64;
    while (word < last) {
        uint64_t filled = touched->filled[word / 64] >> word % 64;
        if (filled != 0) return nnc_least(word + __builtin_ctzll(filled), last);
        word = (word / 64 + 1) * 64;
    }
    return last;
}

/* Whether to compute the gradients of a tensor only for the rows that this batch touches. */
static int F(is_sparse)(const member *m, const nnc_op *op, const nnc_sparse *sparse) {
    const nnc_program *program = m->program;
    if (program->touched == NULL || sparse->rows < NNC_TOUCHED_ROWS || sparse->group == NNC_FROZEN) return 0;
    const nnc_group *group = &program->groups[sparse->group];
    return (group->is_lazy || group->skips_zero) && !(op->sums != NULL && rows_of(op, m->n_rows) > op->block_rows);
}

/* Steps on the rows of a tensor whose bits are set; bit 0 is row `row`. Their gradients begin at *g. Consecutive rows take one call. */
static int64_t F(step_on_word)(const member *m, const nnc_sparse *sparse, int64_t row, uint64_t bits, const T **g) {
    int is_lazy = m->program->groups[sparse->group].is_lazy;
    int64_t columns = sparse->columns, verdict = NNC_OK;
    for (int64_t n_rows; bits != 0 && verdict == NNC_OK; row += n_rows) {
        int64_t skipped = __builtin_ctzll(bits);
        bits >>= skipped;
        row += skipped;
        n_rows = ~bits != 0 ? __builtin_ctzll(~bits) : 64;
        bits = n_rows < 64 ? bits >> n_rows : 0;
        T *state = sparse->state != NULL ? (T *)sparse->state + row * columns : NULL;
        int64_t place = sparse->offset + row * columns, size = n_rows * columns;
        verdict = is_lazy ? F(step_on_rows)(m, sparse->group, place, size, columns, *g, state)
                          : F(step_alike)(m, sparse->group, place, size, *g, state);
        *g += size;
    }
    return verdict;
}

/* Touched rows are stepped on alone only if at most one row in this many is touched. Otherwise tiles are faster. */
#define FEW_TOUCHED 4

/* Computes the gradients of parameters from .. to - 1 of a sparse tensor, and steps on them, if the batch touches few of these rows.
 * Sets *is_done to whether it does. The gradients are in the member's tile, as many rows at a time as fit. */
static __attribute__((noinline)) int64_t F(update_touched)(const member *m, int64_t number, const nnc_sparse *sparse, int64_t from,
                                                           int64_t to, int *is_done) {
    const nnc_program *program = m->program;
    const nnc_op *op = &program->ops[number];
    int64_t columns = sparse->columns, first = (from - sparse->offset) / columns, last = (to - sparse->offset) / columns, n_touched = 0;
    uint64_t *words = program->touched + m->part * program->touched_size;
    T *tile = (T *)program->tiles + m->part * program->tile_size; /* (touched rows, columns) */
    nnc_touched touched = {sparse->tensor, words, words + 2 * program->touched_words, (int64_t *)words + program->touched_words};
    nnc_layer_call call;
    F(ask_for_gradient)(&call, m, number, from, to, tile);
    nnc_sparse_rows rows;
    call.n_rows = rows_of(op, m->n_rows);
    F(read_rows)(m, op, 0, &rows, &call);
    call.touched = &touched;
    int64_t verdict = kernel_verdict(m, op->layer->F(touch)(&call), number), end = (last + 63) / 64;
    for (int64_t w = F(next_filled)(&touched, first / 64, last); w < end; w = F(next_filled)(&touched, w + 1, last))
        n_touched += __builtin_popcountll(words[w]);
    *is_done = n_touched * FEW_TOUCHED <= last - first;
    for (int64_t w = F(next_filled)(&touched, first / 64, last), behind; w < end; w = behind) {
        int64_t begin = w, n = 0;
        for (behind = w; behind < end && (n + 64) * columns <= program->tile_size; behind = F(next_filled)(&touched, behind + 1, last)) {
            touched.before[behind] = n;
            n += __builtin_popcountll(words[behind]);
        }
        if (*is_done && verdict == NNC_OK) {
            int64_t before = sparse->offset - op->first_parameter; /* of the tensor, among those of the op */
            call.begin_parameter = before + (begin * 64 > first ? begin * 64 : first) * columns;
            call.end_parameter = before + nnc_least(behind * 64, last) * columns;
            memset(tile, 0, (size_t)(n * columns) * sizeof(T));
            verdict = kernel_verdict(m, op->layer->F(touched_gradient)(&call), number);
        }
        const T *g = tile;
        for (; w < behind; w = F(next_filled)(&touched, w + 1, last)) {
            if (*is_done && verdict == NNC_OK) verdict = F(step_on_word)(m, sparse, w * 64, words[w], &g);
            words[w] = 0; /* clean again for the next step */
            touched.filled[w / 64] &= ~(UINT64_C(1) << w % 64);
        }
    }
    return verdict;
}
