/* The second phase of a step: gradients of a range of the parameters, and their update. Included by runner.c as a template. */

static nnc_layer_function F(gradient_of)(const nnc_op *op) { return op->gradient_unit > 0 ? op->layer->F(gradient) : NULL; }

/* Gradients begin .. end - 1 of the flat vector, which belong to this op, to `where`. */
static int64_t F(call_gradient)(const member *m, int64_t number, int64_t begin, int64_t end, T *where) {
    const nnc_op *op = &m->program->ops[number];
    nnc_layer_call call = op->call;
    nnc_site *site = site_of(m, number);
    if (op->work_per_row != 0) site->work = op->work != 0 ? (T *)op->rooms + m->part * op->work : NULL; /* all members are here at once */
    call.site = site;
    call.x = F(input_of)(m, op, 0);
    call.d_parameters = where;
    call.d_tensors = NULL;
    call.n_rows = call.batch_rows = m->n_rows;
    call.begin_parameter = begin - op->first_parameter;
    call.end_parameter = end - op->first_parameter;
    return kernel_verdict(m, F(gradient_of)(op)(&call), number);
}

/* ---- sums of squares, in blocks that do not depend on how many threads share them ------------------------------------------- */

/* To the sums of blocks first_block .. end_block - 1: factor times the squares of x[begin .. end - 1] that lie in them. */
static void F(add_squares)(const nnc_program *program, int64_t first_block, int64_t end_block, const T *x, int64_t begin, int64_t end,
                           double factor) {
    int64_t last_block = (end + NNC_BLOCK - 1) / NNC_BLOCK;
    if (first_block < begin / NNC_BLOCK) first_block = begin / NNC_BLOCK;
    for (int64_t block = first_block; block < nnc_least(end_block, last_block); block++) {
        int64_t from = block * NNC_BLOCK, to = nnc_least(end, from + NNC_BLOCK);
        if (from < begin) from = begin;
        program->block_sums[block] += factor * F(weighted_sum)(x + from, x + from, to - from);
    }
}

/* A member's share of the blocks, set to zero. */
static int64_t F(own_blocks)(const member *m, int64_t *end) {
    int64_t n_blocks = (m->program->n_parameters + NNC_BLOCK - 1) / NNC_BLOCK, first = share(n_blocks, 1, m->part, m->n_parts);
    *end = share(n_blocks, 1, m->part + 1, m->n_parts);
    for (int64_t block = first; block < *end; block++) m->program->block_sums[block] = 0;
    return first;
}

static double F(sum_of_blocks)(const nnc_program *program) {
    double sum = 0;
    for (int64_t block = 0; block * NNC_BLOCK < program->n_parameters; block++) sum += program->block_sums[block];
    return sum;
}

/* ---- the penalty 1/2 lambda sum W^2 ---------------------------------------------------------------------------------------- */

/* Adds lambda W to the member's gradients, and squares the weights of its share of blocks. */
static void F(add_penalty)(const member *m) {
    const nnc_program *program = m->program;
    const T *w = program->parameters; /* (n_parameters,) */
    T *g = program->gradients;        /* (n_parameters,) */
    int64_t end_block, first_block = F(own_blocks)(m, &end_block);
    for (int64_t i = 0; i < program->n_tensors; i++) {
        T lambda = (T)program->decays[i];
        if (lambda == 0) continue;
        const nnc_tensor *tensor = &program->tensors[i];
        int64_t begin = tensor->offset, end = begin + tensor->rows * tensor->columns;
        for (int64_t j = begin > m->begin_parameter ? begin : m->begin_parameter; j < nnc_least(end, m->end_parameter); j++)
            g[j] += lambda * w[j];
        F(add_squares)(program, first_block, end_block, w, begin, end, 0.5 * program->decays[i]);
    }
}

/* What the penalty and the regularizers add to the loss, to *value, once all have added theirs. */
static int64_t F(add_penalties)(const member *m, double *value) {
    if (m->program->decays != NULL) *value += F(sum_of_blocks)(m->program);
    return m->program->regularizers.n_pieces > 0 ? F(add_up)(m, value) : NNC_OK;
}

/* ---- gradients cut down to size ---------------------------------------------------------------------------------------------- */

/* All gradients are there and finite; leaves the member's range clipped. All members have to come here. */
static void F(clip)(const member *m) {
    const nnc_program *program = m->program;
    T *g = program->gradients; /* (n_parameters,) */
    if (program->clip_value > 0) {
        T limit = (T)program->clip_value;
        for (int64_t j = m->begin_parameter; j < m->end_parameter; j++) {
            T low = g[j] < -limit ? -limit : g[j];
            g[j] = low > limit ? limit : low;
        }
    }
    if (program->clip_norm > 0) {
        nnc_meet(m->team, NNC_OK); /* the others' gradients are asked for, and nobody reads a penalty from the blocks any more */
        int64_t end_block, first_block = F(own_blocks)(m, &end_block);
        for (int64_t i = 0; i < program->n_stretches; i++) {
            const nnc_stretch *stretch = &program->stretches[i];
            if (stretch->group != NNC_FROZEN) F(add_squares)(program, first_block, end_block, g, stretch->begin, stretch->end, 1);
        }
        nnc_meet(m->team, NNC_OK);
        double norm = sqrt(F(sum_of_blocks)(program));
        if (norm > program->clip_norm) {
            T factor = (T)(program->clip_norm / norm);
            for (int64_t j = m->begin_parameter; j < m->end_parameter; j++) g[j] *= factor;
        }
    }
    if (program->clip_value > 0 || program->clip_norm > 0) nnc_meet(m->team, NNC_OK); /* one member may be about to use all of them */
}

/* ---- gradients of several batches ------------------------------------------------------------------------------------------ */

/* The member's range: after the last batch of a step, the gradients become the mean of all its samples'. */
static void F(accumulate)(const member *m, int goes_on, int is_last) {
    T *g = m->program->gradients, *sum = m->program->accumulated; /* (n_parameters,) */
    T weight = (T)m->weight_sum, scale = m->step_weight > 0 ? (T)(1 / m->step_weight) : 0;
    for (int64_t j = m->begin_parameter; j < m->end_parameter; j++) {
        sum[j] = goes_on ? sum[j] + weight * g[j] : weight * g[j];
        if (is_last) g[j] = scale * sum[j];
    }
}

/* ---- gradients, then the update --------------------------------------------------------------------------------------------- */

/* The member's range of the gradients. Those of ops without a gradient function have been written on the way back. */
static int64_t F(write_gradients)(const member *m) {
    const nnc_program *program = m->program;
    int64_t verdict = NNC_OK;
    for (int64_t i = 0; i < program->n_ops && verdict == NNC_OK; i++) {
        const nnc_op *op = &program->ops[i];
        int64_t end, begin = own_range(m, op, &end);
        if (begin < end && op->is_trained && F(gradient_of)(op) != NULL)
            verdict = F(call_gradient)(m, i, begin, end, (T *)program->gradients + begin);
    }
    if (program->n_ties > 0) verdict = F(add_tied)(m, verdict);
    if (program->decays != NULL) F(add_penalty)(m);
    return program->regularizers.n_pieces > 0 ? F(obey)(m, &program->regularizers, verdict) : verdict;
}

static int64_t F(check_gradients)(const member *m) {
    const T *gradients = m->program->gradients; /* (n_parameters,) */
    int is_finite = F(all_finite)(gradients + m->begin_parameter, m->end_parameter - m->begin_parameter, 0);
    return verdict_of(is_finite ? NNC_OK : NNC_GRADIENT_NOT_FINITE, NNC_IS_OPTIMIZER);
}

/* The mean of parameters begin .. end - 1 over the steps since it began; all weigh alike until that is less than the decay leaves to the
 * newest, so that it needs no first value. Where there are constraints, it is that of parameters that keep them. */
static void F(average)(const member *m, int64_t begin, int64_t end, int is_after_constraints) {
    const nnc_program *program = m->program;
    if (program->shadow == NULL || (program->constraints.n_pieces > 0) != is_after_constraints) return;
    double of_newest = 1 / (double)(m->step - program->average_begin);
    T weight = (T)(of_newest > 1 - program->average_decay ? of_newest : 1 - program->average_decay);
    const T *w = program->parameters; /* (n_parameters,) */
    T *mean = program->shadow;        /* (n_parameters,) */
    for (int64_t j = begin; j < end; j++) mean[j] += weight * (w[j] - mean[j]);
}

static nnc_site *F(optimizer_site)(const member *m, int64_t group) {
    nnc_site *site = site_of(m, NNC_IS_OPTIMIZER);
    site->hyper = m->program->optimizer_hyper + group * m->program->n_hyper;
    return site;
}

static int64_t F(optimizer_verdict)(const member *m, int32_t status, int64_t group) {
    return kernel_verdict(m, status, m->program->n_ops + group);
}

/* What a group's wrappers do before or after its step on n parameters from `begin` on. Their state is in the group's vectors from `state`
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

/* Lets a group's optimizer step on n parameters from `begin` on, whose gradients are at g and whose state is in vectors from `state` on. */
static int64_t F(step_alike)(const member *m, int64_t number, int64_t begin, int64_t n, const T *g, T *state) {
    const nnc_group *group = &m->program->groups[number];
    const nnc_optimizer_call call = {
        .struct_size = sizeof call,
        .site = F(optimizer_site)(m, number),
        .w = (T *)m->program->parameters + begin,
        .g = g,
        .state = state != NULL ? state + group->own_slots * group->state_stride : NULL, /* (n_slots, n), from there on */
        .n = n,
        .stride = group->state_stride,
        .t = m->step,
    };
    return F(optimizer_verdict)(m, group->optimizer.F(step)(&call), number);
}

/* The same with what its wrappers do, a block that stays in the cache at a time. */
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

/* Lets optimizers step on parameters begin .. end - 1, whose gradients are at g, but for those that take whole tensors. */
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
            int64_t verdict = group->n_around == 0 ? F(step_alike)(m, stretch->group, from, to - from, g + (from - begin), state)
                                                   : F(step_wrapped)(m, stretch->group, from, to - from, g + (from - begin), state);
            if (verdict != NNC_OK) return verdict;
        }
        F(average)(m, from, to, 0);
    }
    return NNC_OK;
}

/* What a group's wrappers do before or after its step on some of its tensors. */
static int64_t F(step_around_tensors)(const member *m, int64_t number, int64_t first, int64_t end, int is_after) {
    const nnc_group *group = &m->program->groups[number];
    int64_t verdict = NNC_OK;
    for (int64_t i = first; i < end && verdict == NNC_OK && group->n_around > 0; i++) {
        const nnc_tensor *tensor = &m->program->tensors[group->first_tensor + i];
        void *const *arrays = tensor->state - group->own_arrays; /* a tensor shows the optimizer inside what comes behind them */
        verdict = F(step_around)(m, number, tensor->offset, tensor->rows * tensor->columns, NULL, arrays, is_after);
    }
    return verdict;
}

/* Lets the optimizer of a group step on the member's share of its tensors: those whose middle lies in it. */
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

/* Lets a group's optimizer in Python, which part 0 calls for all, step on its tensors. */
static int64_t F(step_in_python)(const member *m, int64_t number) {
    const nnc_program *program = m->program;
    const nnc_tensor *tensors = program->tensors + program->groups[number].first_tensor;
    if (m->part != 0) return NNC_OK;
    int64_t verdict = call_python(m, NNC_UPDATE, number, 0);
    for (int64_t i = 0; i < program->groups[number].n_tensors && verdict == NNC_OK; i++)
        F(average)(m, tensors[i].offset, tensors[i].offset + tensors[i].rows * tensors[i].columns, 0);
    return verdict;
}

/* Copies the member's share of what a step changes to where it can be had again, or back from there. */
static void F(move_undo)(const member *m, int back) {
    for (int64_t i = 0; i < m->program->n_undo; i++) {
        const nnc_undo *undo = &m->program->undo[i];
        int64_t begin = share(undo->n_bytes, 1, m->part, m->n_parts), end = share(undo->n_bytes, 1, m->part + 1, m->n_parts);
        char *from = back ? undo->kept : undo->live, *to = back ? undo->live : undo->kept;
        if (begin < end) memcpy(to + begin, from + begin, (size_t)(end - begin));
    }
}

/* After all have updated: what some of them changed is put back if the step of one, or a constraint, has failed. */
static int64_t F(finish_update)(const member *m, int64_t verdict) {
    if (verdict >> 32 > NNC_TIME_IS_UP) F(move_undo)(m, 1);
    return verdict;
}

/* The member's range, once all gradients are known to be finite, and its share of what is not updated by ranges. */
static int64_t F(update_range)(const member *m) {
    const nnc_program *program = m->program;
    if (program->n_undo > 0) {
        F(move_undo)(m, 0);
        nnc_meet(m->team, NNC_OK); /* nobody may step on what another one is about to copy */
    }
    int64_t verdict = F(step_on)(m, m->begin_parameter, m->end_parameter, (const T *)program->gradients + m->begin_parameter);
    if (!m->run->updates_tensors) return verdict;
    for (int64_t i = 0; i < program->n_groups && verdict == NNC_OK; i++) {
        if (program->groups[i].how == NNC_ON_TENSORS) verdict = F(step_on_tensors)(m, i);
        if (program->groups[i].how == NNC_IN_PYTHON) verdict = F(step_in_python)(m, i);
    }
    return verdict;
}

/* ---- gradients used up tile by tile ------------------------------------------------------------------------------------------ */

/* The largest |x|, or more than any number if one is NaN. The bits of positive numbers are in the order of the numbers, those of NaN above. */
static T F(largest)(const T *x, int64_t n) {
    F(bits) largest = 0;
    for (int64_t i = 0; i < n; i++) {
        F(bits) bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= F(magnitude);
        largest = bits > largest ? bits : largest;
    }
    T result;
    memcpy(&result, &largest, sizeof result);
    return result;
}

/* Whether all gradients must be finite, from looking at the batch alone, which is smaller than they are: each is a sum over the rows of
 * products of an element of d_y with a number no larger than the largest of x, or than the layer's bound. */
static int F(are_bounded)(const member *m) {
    const nnc_program *program = m->program;
    for (int64_t i = 0; i < program->n_ops; i++) {
        const nnc_op *op = &program->ops[i];
        const nnc_layer_call *call = &op->call;
        if (!op->is_trained) continue;
        if (F(gradient_of)(op) == NULL) {
            if (!F(all_finite)((const T *)program->gradients + op->first_parameter, op->n_parameters, 0)) return 0;
            continue;
        }
        double x_bound = (double)F(largest)(F(input_of)(m, op, 0), m->n_rows * call->n_inputs);
        double d_y_bound = (double)F(largest)(call->d_y, m->n_rows * call->n_outputs);
        if (x_bound < op->gradient_bound) x_bound = op->gradient_bound;
        if (!(x_bound * d_y_bound * (double)m->n_rows * op->gradient_terms < (double)LARGEST / 2)) return 0;
    }
    return 1;
}

/* Gradients of the member's range into its tile, each used while it is still in the cache and then forgotten: what is saved is writing
 * and reading the whole vector, where that does not fit the cache. */
static int64_t F(update_by_tiles)(const member *m) {
    const nnc_program *program = m->program;
    T *tile = (T *)program->tiles + m->part * program->tile_size; /* (tile_size,) */
    int64_t verdict = NNC_OK;
    for (int64_t i = 0; i < program->n_ops && verdict == NNC_OK; i++) {
        const nnc_op *op = &program->ops[i];
        int64_t end, begin = own_range(m, op, &end);
        if (begin >= end || !op->is_trained) continue;
        if (F(gradient_of)(op) == NULL) {
            verdict = F(step_on)(m, begin, end, (const T *)program->gradients + begin);
            continue;
        }
        int64_t stretch = program->tile_size / op->gradient_unit * op->gradient_unit;
        for (int64_t to; begin < end && verdict == NNC_OK; begin = to) {
            to = nnc_least(end, begin + stretch);
            verdict = F(call_gradient)(m, i, begin, to, tile);
            if (verdict == NNC_OK) verdict = F(step_on)(m, begin, to, tile);
        }
    }
    return verdict;
}

/* The update, then what it may not leave as it is. */
static int64_t F(update)(const member *m) {
    int64_t verdict = m->uses_tiles ? F(update_by_tiles)(m) : F(update_range)(m);
    if (m->program->constraints.n_pieces == 0) return verdict;
    verdict = F(obey)(m, &m->program->constraints, verdict);
    if (verdict == NNC_OK) F(average)(m, m->begin_parameter, m->end_parameter, 1);
    return verdict;
}

/* The batch is worth looking at, if it is a small part of what the gradients are. */
static int F(is_worth_bounding)(const member *m) {
    const nnc_program *program = m->program;
    int64_t columns = 0;
    for (int64_t i = 0; i < program->n_ops; i++)
        if (program->ops[i].is_trained) columns += program->ops[i].call.n_inputs + program->ops[i].call.n_outputs;
    return m->n_rows * columns < program->n_parameters / 4;
}

/* ---- a second gradient ------------------------------------------------------------------------------------------------------- */

/* The norm of the gradients of all parameters that are about to be moved. All members have to come here. */
static double F(norm_to_move_by)(const member *m) {
    const nnc_program *program = m->program;
    const T *g = program->gradients; /* (n_parameters,) */
    nnc_meet(m->team, NNC_OK);       /* nobody reads a penalty from the blocks any more */
    int64_t end_block, first_block = F(own_blocks)(m, &end_block);
    for (int64_t i = 0; i < program->n_stretches; i++) {
        const nnc_stretch *stretch = &program->stretches[i];
        if (stretch->group != NNC_FROZEN && program->groups[stretch->group].perturbs)
            F(add_squares)(program, first_block, end_block, g, stretch->begin, stretch->end, 1);
    }
    nnc_meet(m->team, NNC_OK);
    return sqrt(F(sum_of_blocks)(program));
}

/* Lets the optimizer of a group, or the one of its wrappers that does it, move n of its parameters, from `begin` on. */
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

/* Moves the member's range of the parameters to where the second gradient is taken; part 0 does it for optimizers in Python. */
static int64_t F(perturb)(const member *m, double norm) {
    nnc_program *program = m->program;
    int64_t verdict = NNC_OK;
    for (int64_t i = 0; i < program->n_stretches && verdict == NNC_OK; i++) {
        const nnc_stretch *stretch = &program->stretches[i];
        int64_t from = stretch->begin > m->begin_parameter ? stretch->begin : m->begin_parameter;
        int64_t to = nnc_least(stretch->end, m->end_parameter);
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

/* Copies the member's range of the parameters to where they are kept during a second pass, or back; part 0 does so with the buffers. */
static void F(move_anchor)(const member *m, int back) {
    const nnc_program *program = m->program;
    int64_t begin = m->begin_parameter, n = m->end_parameter - begin;
    T *w = (T *)program->parameters + begin, *anchor = (T *)program->anchor + begin;
    if (n > 0) memcpy(back ? w : anchor, back ? anchor : w, (size_t)n * sizeof(T));
    if (m->part != 0 || program->n_buffers == 0) return;
    void *buffers = program->buffers, *kept = program->kept_buffers;
    memcpy(back ? buffers : kept, back ? kept : buffers, (size_t)program->n_buffers * sizeof(T));
}

/* The gradients of the batch at other parameters, in place of those there are. Random numbers are those of the first pass; its loss and
 * running statistics stay. However it ends, the parameters are those from before. */
static int64_t F(second_pass)(member *m) {
    double value = m->value, norm = F(norm_to_move_by)(m);
    int64_t first = 0; /* the rows are gathered and transformed already */
    while (m->program->tasks[first].what == NNC_GATHER || m->program->tasks[first].what == NNC_TRANSFORM) first++;
    F(move_anchor)(m, 0);
    nnc_meet(m->team, NNC_OK); /* Python moves all parameters, also those that others keep a copy of */
    int64_t verdict = nnc_meet(m->team, F(perturb)(m, norm));
    if (verdict == NNC_OK) verdict = F(run_batch)(m, first);
    if (verdict == NNC_OK) verdict = F(write_gradients)(m);
    if (verdict == NNC_OK) verdict = F(check_gradients)(m);
    verdict = nnc_meet(m->team, verdict); /* a gradient may read parameters */
    F(move_anchor)(m, 1);
    nnc_meet(m->team, NNC_OK); /* one member may be about to step on all */
    m->value = value;
    return verdict;
}

/* Up to the update: all members agree that every gradient is finite, or that it cannot but be. `goes_on` and `is_last` say where the batch
 * stands among those that make the step; only after the last one are the gradients what the optimizer is to get. */
static int64_t F(prepare_update)(member *m, int goes_on, int is_last) {
    m->uses_tiles = m->program->tiles != NULL && F(is_worth_bounding)(m) && F(are_bounded)(m);
    if (m->uses_tiles) return NNC_OK;
    int64_t verdict = F(write_gradients)(m);
    if (goes_on || !is_last) F(accumulate)(m, goes_on, is_last);
    if (verdict == NNC_OK) verdict = F(check_gradients)(m);
    verdict = nnc_meet(m->team, verdict);
    if (verdict != NNC_OK) return verdict;
    verdict = F(add_penalties)(m, &m->value);
    if (m->program->anchor != NULL && verdict == NNC_OK) verdict = F(second_pass)(m);
    if (is_last && verdict == NNC_OK) F(clip)(m);
    return verdict;
}
