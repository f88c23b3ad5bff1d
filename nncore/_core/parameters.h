/* The second phase of a step: from gradients of a range of the parameters to their update. Included by runner.c as a template. */

/* Updates the member's range of the parameters, once all gradients are known to be finite, and its share of the groups that are not
 * updated by ranges. */
static int64_t F(update_range)(const member *m) {
    const nnc_program *program = m->program;
    int64_t verdict = F(step_on)(m, m->begin_parameter, m->end_parameter, (const T *)program->gradients + m->begin_parameter);
    if (!m->run->updates_tensors) return verdict;
    for (int64_t i = 0; i < program->n_groups && verdict == NNC_OK; i++) {
        if (program->groups[i].how == NNC_ON_TENSORS) verdict = F(step_on_tensors)(m, i);
        if (program->groups[i].how == NNC_IN_PYTHON) verdict = F(step_in_python)(m, i);
    }
    return verdict;
}

/* ---- gradients used up tile by tile ------------------------------------------------------------------------------------------ */

/* Whether all gradients must be finite, and so small that the step cannot overflow. It finds out from the batch, which is smaller than
 * the gradients. Each gradient is a sum over the rows of products: an element of d_y times a number no larger than the largest of x, or
 * than the layer's bound. */
static int F(are_bounded)(const member *m) {
    const nnc_program *program = m->program;
    double limit = m->is_gated && program->safe_gradient < (double)LARGEST / 2 ? program->safe_gradient : (double)LARGEST / 2;
    const double rounding = m->run->rounds ? NNC_BF16_ENLARGES : 1;
    for (int64_t i = 0; i < program->n_ops; i++) {
        const nnc_op *op = &program->ops[i];
        const nnc_layer_call *call = &op->call;
        if (!op->is_trained) continue;
        int64_t n_rows = rows_of(op, m->n_rows);
        if (F(gradient_of)(op) == NULL) {
            if (!((double)F(largest)((const T *)program->gradients + op->first_parameter, op->n_parameters) < limit)) return 0;
            continue;
        }
        double x_bound = reads_sparse(program, op) ? (double)F(largest)(m->rows.sorted_values, m->rows.n_sorted)
                                                   : (double)F(largest)(F(input_of)(m, op, 0), n_rows * call->n_inputs);
        double d_y_bound = (double)F(largest)(call->d_y, n_rows * call->n_outputs);
        if (x_bound < op->gradient_bound) x_bound = op->gradient_bound;
        x_bound *= rounding;
        d_y_bound *= rounding;
        if (!(x_bound <= (double)LARGEST && d_y_bound <= (double)LARGEST)) return 0; /* or rounding may make one infinite */
        if (!(x_bound * d_y_bound * (double)n_rows * op->gradient_terms < limit)) return 0;
    }
    return 1;
}

/* Computes the gradients of parameters begin .. end - 1 of an op in the member's tile, and steps on them. */
static int64_t F(update_tiles)(const member *m, int64_t number, int64_t begin, int64_t end) {
    const nnc_program *program = m->program;
    const nnc_op *op = &program->ops[number];
    T *tile = (T *)program->tiles + m->part * program->tile_size; /* (tile_size,) */
    int64_t verdict = NNC_OK;
    for (int64_t to; begin < end && verdict == NNC_OK; begin = to) {
        to = begin + program->tile_size < end ? cut(op, begin + program->tile_size) : end;
        verdict = F(call_gradient_elsewhere)(m, number, begin, to, tile);
        if (verdict == NNC_OK) verdict = F(step_on)(m, begin, to, tile);
    }
    return verdict;
}

/* Updates the member's range tile by tile: the gradients of a tile are used while they are in the cache, and then dropped. That saves
 * writing and reading the whole vector, where it does not fit the cache. */
static int64_t F(update_by_tiles)(const member *m) {
    const nnc_program *program = m->program;
    int64_t verdict = NNC_OK;
    for (int64_t i = 0; i < program->n_ops && verdict == NNC_OK; i++) {
        const nnc_op *op = &program->ops[i];
        int64_t end, begin = own_range(m, op, &end);
        if (begin >= end || !op->is_trained) continue;
        if (F(gradient_of)(op) == NULL) {
            verdict = F(step_on)(m, begin, end, (const T *)program->gradients + begin);
            continue;
        }
        for (int64_t k = 0; k < op->n_sparse && begin < end && verdict == NNC_OK; k++) {
            const nnc_sparse *sparse = &op->sparse[k];
            int64_t from = sparse->offset > begin ? sparse->offset : begin,
                    to = nnc_least(sparse->offset + sparse->rows * sparse->columns, end);
            if (from >= to || !F(is_sparse)(m, op, sparse)) continue;
            verdict = F(update_tiles)(m, i, begin, from);
            int is_done = 0;
            if (verdict == NNC_OK) verdict = F(update_touched)(m, i, sparse, from, to, &is_done);
            begin = is_done ? to : from;
        }
        if (verdict == NNC_OK) verdict = F(update_tiles)(m, i, begin, end);
    }
    return verdict;
}

/* Updates the parameters, and then applies the constraints. */
static int64_t F(update)(const member *m) {
    int64_t verdict = m->uses_tiles ? F(update_by_tiles)(m) : F(update_range)(m);
    if (m->program->constraints.n_pieces == 0) return verdict;
    verdict = F(obey)(m, &m->program->constraints, verdict);
    if (verdict == NNC_OK) F(average)(m, m->begin_parameter, m->end_parameter, 1);
    return verdict;
}

/* Whether are_bounded is worth its time: the batch has fewer numbers than a quarter of the gradients. */
static int F(is_worth_bounding)(const member *m) {
    const nnc_program *program = m->program;
    int64_t n_numbers = 0;
    for (int64_t i = 0; i < program->n_ops; i++) {
        const nnc_op *op = &program->ops[i];
        if (!op->is_trained) continue;
        int64_t n_rows = rows_of(op, m->n_rows);
        n_numbers += n_rows * op->call.n_outputs;
        n_numbers += reads_sparse(program, op) ? m->rows.n_sorted : n_rows * op->call.n_inputs;
    }
    return n_numbers < program->n_parameters / 4;
}

/* Computes the gradients, and lets all members agree that they are finite, or must be. `goes_on`: the batch is not the first of its
 * step. `is_last`: it is the last of its step; only then are the gradients those for the optimizer. */
static int64_t F(prepare_update)(member *m, int goes_on, int is_last) {
    m->uses_tiles = m->program->tiles != NULL && !exchanges_sums(m) && F(is_worth_bounding)(m) && F(are_bounded)(m);
    m->may_overflow = 0;
    if (m->uses_tiles) return NNC_OK;
    int64_t verdict = F(write_gradients)(m);
    if (goes_on || !is_last) F(accumulate)(m, goes_on, is_last);
    if (verdict == NNC_OK) verdict = F(check_gradients)(m);
    verdict = F(agree)(m, verdict);
    if (verdict != NNC_OK) return verdict;
    verdict = F(add_penalties)(m, &m->value);
    if (m->program->anchor != NULL && verdict == NNC_OK) verdict = F(second_pass)(m);
    if (is_last && verdict == NNC_OK) F(clip)(m);
    return verdict;
}
