/* Regularizers and constraints. Regularizers add to the gradients before the update; constraints project the parameters after it. Included
 * by runner.c as a template.
 *
 * A rule is a regularizer or a constraint of one tensor. The tensor is cut into pieces that depend only on its shape. Members share the
 * pieces, so the bits do not depend on the number of members. A rule without a table runs in Python: part 0 calls it, for the whole
 * tensor. */

/* Whether all numbers of a piece are finite. */
static int F(is_finite)(const nnc_piece *piece, const T *w) {
    for (int64_t i = 0; i < piece->n_rows; i++)
        if (!F(all_finite)(w + i * piece->stride, piece->n_columns, 0)) return 0;
    return 1;
}

/* Computes the value of a piece, and then adds its gradient. */
static int64_t F(regularize)(const member *m, const nnc_rule *rule, const nnc_piece *piece, int64_t op) {
    const nnc_program *program = m->program;
    nnc_regularizer_call call = {
        .struct_size = sizeof call,
        .site = site_of(m, program->n_ops + program->n_transforms + piece->rule),
        .w = (const T *)program->parameters + piece->place,
        .value = &program->values[piece - program->regularizers.pieces],
        .n_rows = piece->n_rows,
        .n_columns = piece->n_columns,
        .stride = piece->stride,
        .first_row = piece->first_row,
        .first_column = piece->first_column,
        .tensor_rows = rule->rows,
        .tensor_columns = rule->columns,
    };
    int32_t status = rule->regularizer->F(value)(&call);
    if (status == 0) {
        call.value = NULL;
        call.g = (T *)program->gradients + piece->place;
        status = rule->regularizer->F(add_gradient)(&call);
    }
    return kernel_verdict(m, status, op);
}

static int64_t F(project)(const member *m, const nnc_rule *rule, const nnc_piece *piece, int64_t op) {
    const nnc_program *program = m->program;
    const nnc_constraint_call call = {
        .struct_size = sizeof call,
        .site = site_of(m, program->n_ops + program->n_transforms + piece->rule),
        .w = (T *)program->parameters + piece->place,
        .n_rows = piece->n_rows,
        .n_columns = piece->n_columns,
        .stride = piece->stride,
        .first_row = piece->first_row,
        .first_column = piece->first_column,
        .tensor_rows = rule->rows,
        .tensor_columns = rule->columns,
        .rate = rule->group == NNC_FROZEN ? 0 : program->optimizer_hyper[rule->group * program->n_hyper],
    };
    return kernel_verdict(m, rule->constraint->F(project)(&call), op);
}

/* Runs the rules, round after round. All members come here, and leave together. */
static int64_t F(obey)(const member *m, const nnc_rounds *rounds, int64_t verdict) {
    const nnc_program *program = m->program;
    int64_t begin = 0;
    verdict = meet(m, verdict, rounds == &program->constraints ? NNC_SHARED_PARAMETERS : NNC_SHARED_GRADIENTS); /* all are complete */
    for (int64_t round = 0; round < rounds->n_rounds && verdict == NNC_OK; round++) {
        int64_t n = rounds->ends[round] - begin;
        int64_t own_begin = begin + share(n, 1, m->part, m->n_parts), own_end = begin + share(n, 1, m->part + 1, m->n_parts);
        for (int64_t i = begin; i < rounds->ends[round] && verdict == NNC_OK; i++) {
            const nnc_piece *piece = &rounds->pieces[i];
            const nnc_rule *rule = &program->rules[piece->rule];
            int64_t op = rule_op(program, piece->rule);
            int in_python = rule->regularizer == NULL && rule->constraint == NULL;
            if (in_python ? m->part != 0 : i < own_begin || i >= own_end) continue;
            verdict = in_python                   ? call_python(m, NNC_RULE, op, 0)
                      : rule->regularizer != NULL ? F(regularize)(m, rule, piece, op)
                                                  : F(project)(m, rule, piece, op);
            if (verdict == NNC_OK && rounds == &program->constraints && m->is_careful)
                verdict = verdict_of(F(is_finite)(piece, (T *)program->parameters + piece->place) ? NNC_OK : NNC_RULE_NOT_FINITE, op);
        }
        begin = rounds->ends[round];
        verdict = meet(m, verdict, 0);
    }
    return verdict;
}

/* Adds the values of the regularizers to *value, once all are computed. Every member does the same, which saves a barrier. */
static int64_t F(add_up)(const member *m, double *value) {
    const nnc_program *program = m->program;
    for (int64_t i = 0; i < program->regularizers.n_pieces; i++) {
        if (!isfinite(program->values[i])) return verdict_of(NNC_RULE_NOT_FINITE, rule_op(program, program->regularizers.pieces[i].rule));
        *value += program->values[i];
    }
    return NNC_OK;
}
