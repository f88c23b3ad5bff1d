/* The second phase of a step: gradients of a range of the parameters, and their update. Included by runner.c as a template. */

static nnc_layer_function F(gradient_of)(const nnc_op *op) { return op->gradient_unit > 0 ? op->layer->F(gradient) : NULL; }

/* Gradients begin .. end - 1 of the flat vector, which belong to this op, to `where`. */
static int64_t F(call_gradient)(const member *m, int64_t number, int64_t begin, int64_t end, T *where) {
    const nnc_op *op = &m->program->ops[number];
    nnc_layer_call call = op->call;
    call.x = F(input_of)(m, op, 0);
    call.d_parameters = where;
    call.scratch = NULL; /* all members are here at once, on rooms of any size */
    call.n_rows = m->n_rows;
    call.begin_parameter = begin - op->first_parameter;
    call.end_parameter = end - op->first_parameter;
    call.seed = m->program->seed;
    call.step = m->step;
    call.training = 1;
    return kernel_verdict(F(gradient_of)(op)(&call), number);
}

/* ---- the penalty 1/2 lambda sum W^2 ---------------------------------------------------------------------------------------- */

/* Adds lambda W to the member's gradients, and squares the weights of its share of blocks: blocks do not depend on how many share them. */
static void F(add_penalty)(const member *m) {
    const nnc_program *program = m->program;
    T lambda = (T)program->weight_decay;
    int64_t n_blocks = (program->n_parameters + NNC_PENALTY_BLOCK - 1) / NNC_PENALTY_BLOCK;
    int64_t first_block = share(n_blocks, 1, m->part, m->n_parts), end_block = share(n_blocks, 1, m->part + 1, m->n_parts);
    for (int64_t block = first_block; block < end_block; block++) program->penalties[block] = 0;
    for (int64_t i = 0; i < program->n_tensors; i++) {
        const nnc_tensor *tensor = &program->tensors[i];
        if (tensor->role != NNC_ROLE_WEIGHT) continue;
        const T *w = program->parameters; /* (n_parameters,) */
        T *g = program->gradients;        /* (n_parameters,) */
        int64_t begin = tensor->offset, end = begin + tensor->rows * tensor->columns;
        for (int64_t j = begin > m->begin_parameter ? begin : m->begin_parameter; j < nnc_least(end, m->end_parameter); j++)
            g[j] += lambda * w[j];
        for (int64_t block = first_block; block < end_block; block++) {
            int64_t from = block * NNC_PENALTY_BLOCK, to = nnc_least(end, from + NNC_PENALTY_BLOCK);
            if (from < begin) from = begin;
            if (from < to) program->penalties[block] += F(weighted_sum)(w + from, w + from, to - from);
        }
    }
}

static double F(penalty)(const member *m) {
    const nnc_program *program = m->program;
    if (program->weight_decay == 0) return 0;
    double sum = 0;
    for (int64_t block = 0; block * NNC_PENALTY_BLOCK < program->n_parameters; block++) sum += program->penalties[block];
    return 0.5 * program->weight_decay * sum;
}

/* ---- gradients, then the update --------------------------------------------------------------------------------------------- */

/* The member's range of the gradients. Those of ops without a gradient function have been written on the way back. */
static int64_t F(write_gradients)(const member *m) {
    const nnc_program *program = m->program;
    int64_t verdict = NNC_OK;
    for (int64_t i = program->first_trained_op; i < program->n_ops && verdict == NNC_OK; i++) {
        const nnc_op *op = &program->ops[i];
        int64_t end, begin = own_range(m, op, &end);
        if (begin < end && F(gradient_of)(op) != NULL) verdict = F(call_gradient)(m, i, begin, end, (T *)program->gradients + begin);
    }
    if (program->weight_decay != 0) F(add_penalty)(m);
    return verdict;
}

static int64_t F(check_gradients)(const member *m) {
    const T *gradients = m->program->gradients; /* (n_parameters,) */
    int is_finite = F(all_finite)(gradients + m->begin_parameter, m->end_parameter - m->begin_parameter, 0);
    return verdict_of(is_finite ? NNC_OK : NNC_GRADIENT_NOT_FINITE, NNC_IS_OPTIMIZER);
}

/* Lets the optimizer step on parameters begin .. end - 1, whose gradients are at g. */
static int64_t F(step_on)(const member *m, int64_t begin, int64_t end, const T *g) {
    const nnc_program *program = m->program;
    T *state = program->state != NULL ? (T *)program->state + begin : NULL; /* (n_slots, n), from `begin` on */
    int32_t status = program->optimizer->F(step)((T *)program->parameters + begin, g, state, end - begin, m->step,
                                                 program->optimizer_hyper, program->state_stride);
    return kernel_verdict(status, NNC_IS_OPTIMIZER);
}

/* The member's range, once all gradients are known to be finite. An optimizer that wants structure, or Python, gets all from part 0. */
static int64_t F(update_range)(const member *m) {
    const nnc_program *program = m->program;
    const nnc_optimizer *optimizer = program->optimizer;
    if (optimizer != NULL && optimizer->F(step) != NULL) {
        if (m->begin_parameter == m->end_parameter) return NNC_OK;
        return F(step_on)(m, m->begin_parameter, m->end_parameter, (const T *)program->gradients + m->begin_parameter);
    }
    if (m->part != 0) return NNC_OK;
    if (optimizer == NULL) return call_python(m, NNC_UPDATE, NNC_IS_OPTIMIZER, 0);
    int32_t status = optimizer->F(step_tensors)(program->parameters, program->gradients, program->state, program->n_parameters, m->step,
                                                program->optimizer_hyper, program->tensors, program->n_tensors);
    return kernel_verdict(status, NNC_IS_OPTIMIZER);
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
 * products of an element of d_y with one of x or with 1. */
static int F(are_bounded)(const member *m) {
    const nnc_program *program = m->program;
    for (int64_t i = program->first_trained_op; i < program->n_ops; i++) {
        const nnc_op *op = &program->ops[i];
        const nnc_layer_call *call = &op->call;
        if (op->n_parameters == 0) continue;
        if (F(gradient_of)(op) == NULL) {
            if (!F(all_finite)((const T *)program->gradients + op->first_parameter, op->n_parameters, 0)) return 0;
            continue;
        }
        double x_bound = (double)F(largest)(F(input_of)(m, op, 0), m->n_rows * call->n_inputs);
        double d_y_bound = (double)F(largest)(call->d_y, m->n_rows * call->n_outputs);
        if (!((x_bound < 1 ? 1 : x_bound) * d_y_bound * (double)m->n_rows < (double)LARGEST / 2)) return 0;
    }
    return 1;
}

/* Gradients of the member's range into its tile, each used while it is still in the cache and then forgotten: what is saved is writing
 * and reading the whole vector, where that does not fit the cache. */
static int64_t F(update_by_tiles)(const member *m) {
    const nnc_program *program = m->program;
    T *tile = (T *)program->tiles + m->part * program->tile_size; /* (tile_size,) */
    int64_t verdict = NNC_OK;
    for (int64_t i = program->first_trained_op; i < program->n_ops && verdict == NNC_OK; i++) {
        const nnc_op *op = &program->ops[i];
        int64_t end, begin = own_range(m, op, &end);
        if (begin >= end) continue;
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

/* The batch is worth looking at, if it is a small part of what the gradients are. */
static int F(is_worth_bounding)(const member *m) {
    const nnc_program *program = m->program;
    int64_t columns = 0;
    for (int64_t i = program->first_trained_op; i < program->n_ops; i++)
        if (program->ops[i].n_parameters > 0) columns += program->ops[i].call.n_inputs + program->ops[i].call.n_outputs;
    return m->n_rows * columns < program->n_parameters / 4;
}

/* Up to the update: all members agree that every gradient is finite, or that it cannot but be. */
static int64_t F(prepare_update)(member *m) {
    m->uses_tiles = m->program->tiles != NULL && F(is_worth_bounding)(m) && F(are_bounded)(m);
    if (m->uses_tiles) return NNC_OK;
    int64_t verdict = F(write_gradients)(m);
    if (verdict == NNC_OK) verdict = F(check_gradients)(m);
    verdict = nnc_meet(m->team, verdict);
    if (verdict == NNC_OK) m->value += F(penalty)(m);
    return verdict;
}
