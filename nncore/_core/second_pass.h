/* The second gradient of a step, at parameters that an optimizer has moved. Included by runner.c as a template. */

/* The member's share of all parameters, whichever process updates them; it ends before *end. */
static int64_t F(share_of_parameters)(const member *m, int64_t *end) {
    const nnc_program *program = m->program;
    *end = share(program->n_parameters, 1, m->part + 1, m->n_parts);
    return share(program->n_parameters, 1, m->part, m->n_parts);
}

/* Moves the member's share of the parameters to the point of the second gradient. Part 0 does it for optimizers in Python. */
static int64_t F(perturb)(const member *m, double norm) {
    nnc_program *program = m->program;
    int64_t verdict = NNC_OK, end, begin = F(share_of_parameters)(m, &end);
    for (int64_t i = 0; i < program->n_stretches && verdict == NNC_OK; i++) {
        const nnc_stretch *stretch = &program->stretches[i];
        int64_t from = stretch->begin > begin ? stretch->begin : begin, to = nnc_least(stretch->end, end);
        if (from >= to || stretch->group == NNC_FROZEN) continue;
        const nnc_group *group = &program->groups[stretch->group];
        if (group->perturbs && group->how != NNC_IN_PYTHON) verdict = F(perturb_alike)(m, stretch->group, from, to - from, norm);
    }
    for (int64_t i = 0; i < program->n_groups && verdict == NNC_OK && m->part == 0; i++) {
        if (!program->groups[i].perturbs || program->groups[i].how != NNC_IN_PYTHON) continue;
        program->gradient_norm = norm;
        verdict = call_python(m, NNC_PERTURB, i, 0);
    }
    return verdict;
}

/* Saves the member's share of the parameters during a second pass, or restores it. Part 0 does so with the buffers. */
static void F(move_anchor)(const member *m, int back) {
    const nnc_program *program = m->program;
    int64_t end, begin = F(share_of_parameters)(m, &end), n = end - begin;
    T *w = (T *)program->parameters + begin, *anchor = (T *)program->anchor + begin;
    if (n > 0) memcpy(back ? w : anchor, back ? anchor : w, (size_t)n * sizeof(T));
    if (m->part != 0 || program->n_buffers == 0) return;
    void *buffers = program->buffers, *kept = program->kept_buffers;
    memcpy(back ? buffers : kept, back ? kept : buffers, (size_t)program->n_buffers * sizeof(T));
}

/* Replaces the gradients of the batch by those at the moved parameters. Random numbers are those of the first pass; its loss and running
 * statistics stay. However it ends, the parameters are restored. */
static int64_t F(second_pass)(member *m) {
    double value = m->value, norm = F(norm_of_gradients)(m, 1);
    int64_t first = 0; /* the rows are gathered and transformed already */
    while (m->program->tasks[first].what == NNC_GATHER || m->program->tasks[first].what == NNC_TRANSFORM) first++;
    F(move_anchor)(m, 0);
    nnc_meet(m->team, NNC_OK); /* Python moves all parameters, also those that others keep a copy of */
    int64_t verdict = meet(m, F(perturb)(m, norm), 0);
    if (verdict == NNC_OK) verdict = F(run_batch)(m, first);
    if (verdict == NNC_OK) verdict = F(write_gradients)(m);
    if (verdict == NNC_OK) verdict = F(check_gradients)(m);
    verdict = meet(m, verdict, of_gradients(m)); /* a gradient may read parameters */
    F(move_anchor)(m, 1);
    nnc_meet(m->team, NNC_OK); /* one member may be about to step on all */
    m->value = value;
    return verdict;
}
