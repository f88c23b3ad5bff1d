/* Calls the optimizers of parameter groups, and the wrappers around them. Included by runner.c as a template. */

/* Updates the mean of parameters begin .. end - 1 over the steps since averaging began. All steps weigh the same, until that weight falls
 * below 1 - decay, which is then the weight of the newest step. So the mean needs no initial value. With constraints, it is the mean of the
 * parameters after them.
 *
 * The change in one step may be smaller than the last digit of the mean. So the rounding error is kept (Knuth's two-sum), and added in
 * the next step. */
static void F(average)(const member *m, int64_t begin, int64_t end, int is_after_constraints) {
    const nnc_program *program = m->program;
    if (program->shadow == NULL || (program->constraints.n_pieces > 0) != is_after_constraints) return;
    double of_newest = 1 / (double)(m->step - program->average_begin);
    T weight = (T)(of_newest > 1 - program->average_decay ? of_newest : 1 - program->average_decay);
    const T *w = program->parameters; /* (n_parameters,) */
    T *mean = program->shadow;        /* (n_parameters,) */
    T *rest = program->average_rest;  /* (n_parameters,) */
    for (int64_t j = begin; j < end; j++) {
        T before = mean[j], change = rest[j] + weight * ((w[j] - before) - rest[j]), after = before + change, added = after - before;
        rest[j] = (before - (after - added)) + (change - added);
        mean[j] = after;
    }
}

static nnc_site *F(optimizer_site)(const member *m, int64_t group) {
    nnc_site *site = site_of(m, NNC_IS_OPTIMIZER);
    site->hyper = m->program->optimizer_hyper + group * m->program->n_hyper;
    return site;
}

static int64_t F(optimizer_verdict)(const member *m, int32_t status, int64_t group) {
    return kernel_verdict(m, status, m->program->n_ops + group);
}

/* Calls a group's wrappers before or after its step on n parameters from `begin` on. Their state is in the group's vectors from `state`
 * on, or in a tensor's arrays. */
static int64_t F(step_around)(const member *m, int64_t number, int64_t begin, int64_t n, T *state, void *const *arrays, int is_after) {
    const nnc_program *program = m->program;
    const nnc_group *group = &program->groups[number];
    int64_t verdict = NNC_OK;
    for (int64_t i = 0; i < group->n_around && verdict == NNC_OK; i++) {
        const nnc_around *around = &program->around[group->first_around + (is_after ? group->n_around - 1 - i : i)];
        nnc_optimizer_function function = is_after ? around->table.F(after_step) : around->table.F(before_step);
        if (function == NULL) continue;
        nnc_site *site = F(optimizer_site)(m, number);
        site->hyper += around->first_number;
        const nnc_optimizer_call call = {
            .struct_size = sizeof call,
            .site = site,
            .w = (T *)program->parameters + begin,
            .state = around->array < 0 ? NULL
                     : arrays != NULL  ? arrays[around->array]
                                       : state + around->first_slot * group->state_stride,
            .n = n,
            .stride = arrays != NULL ? n : group->state_stride,
            .t = m->step,
        };
        verdict = F(optimizer_verdict)(m, function(&call), number);
    }
    return verdict;
}

/* Lets a group's optimizer step on n parameters from `begin` on. Their gradients are at g, their state in vectors from `state` on. */
static int64_t F(step_alike)(const member *m, int64_t number, int64_t begin, int64_t n, const T *g, T *state) {
    const nnc_group *group = &m->program->groups[number];
    const nnc_optimizer_call call = {
        .struct_size = sizeof call,
        .site = F(optimizer_site)(m, number),
        .w = (T *)m->program->parameters + begin,
        .g = g,
        .state = state != NULL ? state + group->own_slots * group->state_stride : NULL, /* (n_slots, n), behind the wrappers' slots */
        .n = n,
        .stride = group->state_stride,
        .t = m->step,
    };
    return F(optimizer_verdict)(m, group->optimizer.F(step)(&call), number);
}

/* The same with the group's wrappers, block by block, so that each block stays in the cache. */
static int64_t F(step_wrapped)(const member *m, int64_t number, int64_t begin, int64_t n, const T *g, T *state) {
    int64_t verdict = NNC_OK;
    for (int64_t i = 0; i < n && verdict == NNC_OK; i += NNC_BLOCK) {
        int64_t length = nnc_least(n - i, NNC_BLOCK);
        T *from = state != NULL ? state + i : NULL;
        verdict = F(step_around)(m, number, begin + i, length, from, NULL, 0);
        if (verdict == NNC_OK) verdict = F(step_alike)(m, number, begin + i, length, g + i, from);
        if (verdict == NNC_OK) verdict = F(step_around)(m, number, begin + i, length, from, NULL, 1);
    }
    return verdict;
}

static int64_t F(step_lazily)(const member *m, const nnc_stretch *stretch, int64_t from, int64_t to, const T *g); /* touched.h */

/* Lets optimizers step on parameters begin .. end - 1, whose gradients are at g. Skips groups whose optimizer is not called on ranges. */
static int64_t F(step_on)(const member *m, int64_t begin, int64_t end, const T *g) {
    const nnc_program *program = m->program;
    for (int64_t i = 0; i < program->n_stretches; i++) {
        const nnc_stretch *stretch = &program->stretches[i];
        int64_t from = stretch->begin > begin ? stretch->begin : begin, to = nnc_least(stretch->end, end);
        if (from >= to) continue;
        if (stretch->group != NNC_FROZEN) {
            const nnc_group *group = &program->groups[stretch->group];
            if (group->how != NNC_ON_RANGES) continue; /* see update_range */
            T *state = stretch->state != NULL ? (T *)stretch->state + (from - stretch->begin) : NULL;
            int64_t verdict = group->is_lazy         ? F(step_lazily)(m, stretch, from, to, g + (from - begin))
                              : group->n_around == 0 ? F(step_alike)(m, stretch->group, from, to - from, g + (from - begin), state)
                                                     : F(step_wrapped)(m, stretch->group, from, to - from, g + (from - begin), state);
            if (verdict != NNC_OK) return verdict;
        }
        F(average)(m, from, to, 0);
    }
    return NNC_OK;
}

/* Calls a group's wrappers before or after its step on some of its tensors. */
static int64_t F(step_around_tensors)(const member *m, int64_t number, int64_t first, int64_t end, int is_after) {
    const nnc_group *group = &m->program->groups[number];
    int64_t verdict = NNC_OK;
    for (int64_t i = first; i < end && verdict == NNC_OK && group->n_around > 0; i++) {
        const nnc_tensor *tensor = &m->program->tensors[group->first_tensor + i];
        void *const *arrays = tensor->state - group->own_arrays; /* tensor->state is the inner optimizer's, which comes behind them */
        verdict = F(step_around)(m, number, tensor->offset, tensor->rows * tensor->columns, NULL, arrays, is_after);
    }
    return verdict;
}

/* Lets the optimizer of a group step on the member's share of its tensors: those whose middle lies in its share of the parameters. */
static int64_t F(step_on_tensors)(const member *m, int64_t number) {
    const nnc_group *group = &m->program->groups[number];
    const nnc_tensor *tensors = m->program->tensors + group->first_tensor;
    int64_t first = group->n_tensors, end = 0, before = 0;
    for (int64_t i = 0; i < group->n_tensors; i++) {
        int64_t size = tensors[i].rows * tensors[i].columns;
        if ((before + size / 2) * m->n_parts / group->n_parameters == m->part) {
            first = nnc_least(first, i);
            end = i + 1;
        }
        before += size;
    }
    if (first >= end) return NNC_OK;
    int64_t verdict = F(step_around_tensors)(m, number, first, end, 0);
    if (verdict != NNC_OK) return verdict;
    const nnc_optimizer_call call = {
        .struct_size = sizeof call,
        .site = F(optimizer_site)(m, number),
        .tensors = tensors,
        .n_tensors = group->n_tensors,
        .begin_tensor = first,
        .end_tensor = end,
        .t = m->step,
    };
    verdict = F(optimizer_verdict)(m, group->optimizer.F(step)(&call), number);
    if (verdict == NNC_OK) verdict = F(step_around_tensors)(m, number, first, end, 1);
    for (int64_t i = first; i < end && verdict == NNC_OK; i++)
        F(average)(m, tensors[i].offset, tensors[i].offset + tensors[i].rows * tensors[i].columns, 0);
    return verdict;
}

/* Lets a group's optimizer in Python step on its tensors. Part 0 calls it for all members. */
static int64_t F(step_in_python)(const member *m, int64_t number) {
    const nnc_program *program = m->program;
    const nnc_tensor *tensors = program->tensors + program->groups[number].first_tensor;
    if (m->part != 0) return NNC_OK;
    int64_t verdict = call_python(m, NNC_UPDATE, number, 0);
    for (int64_t i = 0; i < program->groups[number].n_tensors && verdict == NNC_OK; i++)
        F(average)(m, tensors[i].offset, tensors[i].offset + tensors[i].rows * tensors[i].columns, 0);
    return verdict;
}

/* Moves n parameters of a group, from `begin` on, for the second gradient: by `perturb` of the optimizer, or of a wrapper that has it. */
static int64_t F(perturb_alike)(const member *m, int64_t number, int64_t begin, int64_t n, double norm) {
    const nnc_program *program = m->program;
    const nnc_group *group = &program->groups[number];
    nnc_site *site = F(optimizer_site)(m, number);
    nnc_optimizer_function function = group->optimizer.F(perturb);
    for (int64_t i = 0; i < group->n_around; i++) {
        const nnc_around *around = &program->around[group->first_around + i];
        if (around->table.F(perturb) == NULL) continue;
        function = around->table.F(perturb);
        site->hyper += around->first_number;
    }
    const nnc_optimizer_call call = {
        .struct_size = sizeof call,
        .site = site,
        .w = (T *)program->parameters + begin,
        .g = (const T *)program->gradients + begin,
        .n = n,
        .t = m->step,
        .norm = norm,
    };
    return F(optimizer_verdict)(m, function(&call), number);
}
