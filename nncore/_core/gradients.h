/* The second phase of a step up to the update: gradients of a range of the parameters. Included by runner.c as a template. */

static nnc_layer_function F(gradient_of)(const nnc_op *op) { return op->gradient_unit > 0 ? op->layer->F(gradient) : NULL; }

/* Adds part (n,) to sum (n,), and the rounding errors to lost (n,): Knuth's two-sum. */
static void F(add_part)(T *restrict sum, const T *restrict part, T *restrict lost, int64_t n) {
    for (int64_t j = 0; j < n; j++) {
        T before = sum[j], after = before + part[j], added = after - before;
        lost[j] += (before - (after - added)) + (part[j] - added);
        sum[j] = after;
    }
}

/* The gradients at `call` are those of its rows. Adds those of the rows that follow, up to `end`, block by block. In one long sum each
 * addition would round a number far larger than what it adds. Blocks begin at the same rows however parameters are split over members. */
static __attribute__((noinline)) int64_t F(add_blocks)(const member *m, int64_t number, nnc_layer_call *call, int64_t end) {
    const nnc_op *op = &m->program->ops[number];
    int64_t n = call->end_parameter - call->begin_parameter, verdict = NNC_OK;
    T *sum = call->d_parameters, *part = (T *)op->sums + call->begin_parameter; /* (n,), (n,) */
    T *lost = part + op->n_parameters + op->n_tied;                             /* (n,) */
    memset(lost, 0, (size_t)n * sizeof(T));
    nnc_sparse_rows rows;
    call->d_parameters = part;
    for (int64_t done = call->first_row + call->n_rows; done < end && verdict == NNC_OK; done += call->n_rows) {
        call->first_row = done;
        F(read_rows)(m, op, done, &rows, call);
        call->d_y = (const T *)op->call.d_y + done * call->n_outputs;
        if (call->cache != NULL) call->cache = (T *)op->call.cache + done * op->cache_per_row;
        call->n_rows = nnc_least(end - done, op->block_rows);
        verdict = kernel_verdict(m, call_layer(m, F(gradient_of)(op), call), number);
        F(add_part)(sum, part, lost, n);
    }
    for (int64_t j = 0; j < n; j++) sum[j] += lost[j];
    return verdict;
}

/* Computes the gradients at `call`, of n_rows rows of the op from `first` on. */
NNC_INLINE int64_t F(gradient_of_rows)(const member *m, int64_t number, nnc_layer_call *call, int64_t first, int64_t n_rows) {
    const nnc_op *op = &m->program->ops[number];
    int in_blocks = op->sums != NULL && n_rows > op->block_rows;
    nnc_sparse_rows rows;
    call->n_rows = in_blocks ? op->block_rows : n_rows;
    F(read_rows)(m, op, first, &rows, call);
    if (first > 0) {
        call->first_row = first;
        call->d_y = (const T *)op->call.d_y + first * call->n_outputs;
        if (call->cache != NULL) call->cache = (T *)op->call.cache + first * op->cache_per_row;
    }
    int64_t verdict = kernel_verdict(m, call_layer(m, F(gradient_of)(op), call), number);
    return in_blocks && verdict == NNC_OK ? F(add_blocks)(m, number, call, first + n_rows) : verdict;
}

NNC_RARE int64_t F(gradient_of_leaf)(const tree *tree, int64_t first_row, int64_t n_rows, void *to) {
    const layer_tree *own = (const layer_tree *)tree;
    nnc_layer_call call = *own->call;
    const nnc_op *op = &tree->m->program->ops[own->number];
    call.d_parameters = to;
    return F(gradient_of_rows)(tree->m, own->number, &call, rows_of(op, first_row), rows_of(op, n_rows));
}

static int64_t F(add_gradient)(const tree *tree, void *to, int64_t n_rows, const void *other, int64_t other_rows) {
    (void)n_rows, (void)other_rows;
    T *restrict sum = to;
    const T *restrict more = other;
    for (int64_t j = 0; j < tree->n_bytes / (int64_t)sizeof(T); j++) sum[j] += more[j];
    return NNC_OK;
}

/* Fills in the call that asks a layer for gradients begin .. end - 1 of the flat vector, to `where`. */
NNC_INLINE void F(ask_for_gradient)(nnc_layer_call *call, const member *m, int64_t number, int64_t begin, int64_t end, T *where) {
    const nnc_op *op = &m->program->ops[number];
    *call = op->call;
    nnc_site *site = site_of(m, number);
    if (op->work_per_row != 0) site->work = op->work != 0 ? (T *)op->rooms + m->part * op->work : NULL; /* all members call it at once */
    call->site = site;
    call->d_parameters = where;
    call->d_tensors = NULL;
    call->batch_rows = rows_of(op, m->n_rows);
    call->begin_parameter = begin - op->first_parameter;
    call->end_parameter = end - op->first_parameter;
}

/* The same as call_gradient, with sums along the tree of shards (shards.h). It takes few parameters at a time, so that all pending sums
 * stay in the cache. */
NNC_RARE int64_t F(gradient_by_shards)(const member *m, int64_t number, int64_t begin, int64_t end, T *to) {
    const nnc_program *program = m->program;
    nnc_layer_call call;
    F(ask_for_gradient)(&call, m, number, begin, end, to);
    int64_t unit = program->ops[number].gradient_unit, last = call.end_parameter, verdict = NNC_OK;
    T *waiting = (T *)program->waiting + m->part * program->waiting_size;
    layer_tree own = {.tree = {.m = m, .sum = F(gradient_of_leaf), .join = F(add_gradient)}, .number = number, .call = &call};
    for (int64_t n; call.begin_parameter < last && verdict == NNC_OK; call.begin_parameter += n, to += n) {
        n = nnc_least(last - call.begin_parameter, program->piece_size / unit * unit);
        call.end_parameter = call.begin_parameter + n;
        own.tree.n_bytes = n * (int64_t)sizeof(T);
        verdict = climb_own(&own.tree, to, (char *)waiting);
    }
    return verdict;
}

/* Writes n gradients of the whole batch to `to`, from the sums of branches. These begin at `dealt`, `stride` bytes apart. */
NNC_RARE void F(join_dealt)(const member *m, T *to, int64_t n, const char *dealt, int64_t stride) {
    const nnc_program *program = m->program;
    char *waiting = (char *)((T *)program->waiting + m->part * program->waiting_size);
    tree whole = {.m = m, .join = F(add_gradient), .stride = stride};
    for (int64_t done = 0; done < n; done += program->piece_size) {
        whole.known = dealt + done * (int64_t)sizeof(T);
        whole.n_bytes = nnc_least(n - done, program->piece_size) * (int64_t)sizeof(T);
        climb(&whole, 0, program->n_shards, to + done, waiting);
    }
}

/* Writes gradients begin .. end - 1 of the flat vector, which belong to this op, to `where`. */
NNC_INLINE int64_t F(call_gradient)(const member *m, int64_t number, int64_t begin, int64_t end, T *where) {
    if (m->program->n_shards > 1) return F(gradient_by_shards)(m, number, begin, end, where);
    nnc_layer_call call;
    F(ask_for_gradient)(&call, m, number, begin, end, where);
    return F(gradient_of_rows)(m, number, &call, 0, rows_of(&m->program->ops[number], m->n_rows));
}

/* ---- sums of squares, in blocks that do not depend on how many threads share them ------------------------------------------- */

/* The sum of squares of scale * x. If scale is 1, it has the reduction order of weighted_sum. */
static double F(sum_of_squares)(const T *x, double scale, int64_t n) {
    if (scale == 1) return F(weighted_sum)(x, x, n);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (scale * (double)x[i]) * (scale * (double)x[i]);
    return sum;
}

/* Adds factor times the squares of scale * x[begin .. end - 1] to the sums of their blocks, for blocks first_block .. end_block - 1. */
static void F(add_squares)(const nnc_program *program, int64_t first_block, int64_t end_block, const T *x, double scale, int64_t begin,
                           int64_t end, double factor) {
    int64_t last_block = (end + NNC_BLOCK - 1) / NNC_BLOCK;
    if (first_block < begin / NNC_BLOCK) first_block = begin / NNC_BLOCK;
    for (int64_t block = first_block; block < nnc_least(end_block, last_block); block++) {
        int64_t from = block * NNC_BLOCK, to = nnc_least(end, from + NNC_BLOCK);
        if (from < begin) from = begin;
        program->block_sums[block] += factor * F(sum_of_squares)(x + from, scale, to - from);
    }
}

/* Sets the member's share of the blocks to zero. Returns its first block; *end is behind its last. */
static int64_t F(own_blocks)(const member *m, int64_t *end) {
    int64_t n_blocks = (m->program->n_parameters + NNC_BLOCK - 1) / NNC_BLOCK, first = share(n_blocks, 1, m->part, m->n_parts);
    *end = share(n_blocks, 1, m->part + 1, m->n_parts);
    for (int64_t block = first; block < *end; block++) m->program->block_sums[block] = 0;
    return first;
}

static double F(sum_of_blocks)(const nnc_program *program) { /* every member does the same */
    double sum = 0;
    for (int64_t block = 0; block * NNC_BLOCK < program->n_parameters; block++) sum += program->block_sums[block];
    return sum;
}

/* ---- the penalty 1/2 lambda sum W^2 ---------------------------------------------------------------------------------------- */

/* Adds lambda W to the member's gradients, and sums the squares of the weights in its share of blocks. */
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
        F(add_squares)(program, first_block, end_block, w, 1, begin, end, 0.5 * program->decays[i]);
    }
}

/* Adds the penalty and the values of the regularizers to *value, once all members have computed theirs. */
static int64_t F(add_penalties)(const member *m, double *value) {
    if (m->program->decays != NULL) *value += F(sum_of_blocks)(m->program);
    if (!isfinite(*value)) return verdict_of(NNC_LOSS_NOT_FINITE, NNC_IS_LOSS);
    return m->program->regularizers.n_pieces > 0 ? F(add_up)(m, value) : NNC_OK;
}

/* The sum of squares of `scale` times the gradients, of all trained parameters or only of those that `perturb` moves. */
static double F(squared_norm)(const member *m, int only_perturbed, double scale) {
    const nnc_program *program = m->program;
    meet(m, NNC_OK, NNC_SHARED_GRADIENTS); /* all gradients are needed now, and nobody reads the blocks any more */
    int64_t end_block, first_block = F(own_blocks)(m, &end_block);
    for (int64_t i = 0; i < program->n_stretches; i++) {
        const nnc_stretch *stretch = &program->stretches[i];
        if (stretch->group != NNC_FROZEN && (!only_perturbed || program->groups[stretch->group].perturbs))
            F(add_squares)(program, first_block, end_block, program->gradients, scale, stretch->begin, stretch->end, 1);
    }
    nnc_meet(m->team, NNC_OK);
    return F(sum_of_blocks)(program);
}

/* The squares of large numbers, or their sum, may overflow a double, and those of small numbers underflow. A sum that is infinite, or
 * not above SMALLEST_SQUARE, is computed again from scaled gradients. */
#define SMALLEST_SQUARE 1e-280
#define NORM_SCALE 0x1p-700 /* the scale for what overflows; its inverse for what underflows */

/* The Euclidean norm of those gradients. All members have to come here. */
static double F(norm_of_gradients)(const member *m, int only_perturbed) {
    double square = F(squared_norm)(m, only_perturbed, 1), scale = 1;
    if (square > SMALLEST_SQUARE && isfinite(square)) return sqrt(square);
    if (sizeof(T) == sizeof(double)) scale = isfinite(square) ? 1 / NORM_SCALE : NORM_SCALE;
    if (scale != 1) square = F(squared_norm)(m, only_perturbed, scale);
    return sqrt(square) / scale;
}

/* ---- clipping ---------------------------------------------------------------------------------------------------------------- */

/* Clips the member's range of the gradients. All gradients are complete and finite. All members have to come here. */
static void F(clip)(const member *m) {
    const nnc_program *program = m->program;
    if (program->clip_value == 0 && program->clip_norm == 0) return;
    T *g = program->gradients; /* (n_parameters,) */
    if (program->clip_value > 0) {
        T limit = (T)program->clip_value;
        for (int64_t j = m->begin_parameter; j < m->end_parameter; j++) {
            T low = g[j] < -limit ? -limit : g[j];
            g[j] = low > limit ? limit : low;
        }
    }
    if (program->clip_norm > 0) {
        double norm = F(norm_of_gradients)(m, 0);
        if (norm > program->clip_norm) {
            double factor = program->clip_norm / norm; /* may not fit a float */
            for (int64_t j = m->begin_parameter; j < m->end_parameter; j++) g[j] = (T)(factor * (double)g[j]);
        }
    }
    meet(m, NNC_OK, of_gradients(m)); /* one member may be about to use all of them */
}

/* ---- gradients of several batches ------------------------------------------------------------------------------------------ */

/* Updates the mean of the gradients over the batches of a step, in the member's range. Each batch counts by its share of the sample
 * weights so far, so no intermediate sum is larger than a gradient. */
static void F(accumulate)(const member *m, int goes_on, int is_last) {
    T *g = m->program->gradients, *mean = m->program->accumulated; /* (n_parameters,) */
    double all = m->step_weight;
    T now = (T)(all > 0 ? m->weight_sum / all : 0), before = (T)(all > 0 ? (all - m->weight_sum) / all : 0);
    for (int64_t j = m->begin_parameter; j < m->end_parameter; j++) {
        mean[j] = goes_on ? before * mean[j] + now * g[j] : now * g[j];
        if (is_last) g[j] = mean[j];
    }
}

/* ---- all gradients of the member's range ------------------------------------------------------------------------------------ */

static __attribute__((noinline)) int64_t F(call_gradient_elsewhere)(const member *m, int64_t number, int64_t begin, int64_t end, T *where) {
    return F(call_gradient)(m, number, begin, end, where);
}

/* Computes the member's range of the gradients, and its share of those of ops with tied tensors. Ops without a gradient function have
 * written theirs in backward. */
static int64_t F(write_range)(const member *m) {
    const nnc_program *program = m->program;
    int64_t verdict = NNC_OK;
    for (int64_t i = 0; i < program->n_ops && verdict == NNC_OK; i++) {
        const nnc_op *op = &program->ops[i];
        int64_t end, begin = own_range(m, op, &end);
        if (begin < end && op->is_trained && F(gradient_of)(op) != NULL)
            verdict = F(call_gradient)(m, i, begin, end, (T *)program->gradients + begin);
    }
    return program->n_ties > 0 ? F(write_tied)(m, verdict) : verdict;
}

/* Each process computes all gradients of its own rows, sends the others those of their ranges, and adds up what it gets for its own
 * range. */
NNC_RARE int64_t F(exchange_gradients)(const member *m) {
    nnc_program *program = m->program;
    nnc_ranks *ranks = m->ranks;
    member whole = *m;
    whole.ranks = NULL; /* so that it has a share of all parameters */
    whole.begin_parameter = begin_parameter(program, 0, program->n_parameters, m->part, m->n_parts);
    whole.end_parameter = begin_parameter(program, 0, program->n_parameters, m->part + 1, m->n_parts);
    int64_t verdict = nnc_meet(m->team, F(write_range)(&whole)), broken = NNC_OK;
    if (m->part == 0) {
        set_float_mode(m->run->caller_float_mode); /* Python is about to run */
        broken = nnc_deal(ranks, program);
        set_float_mode(m->run->caller_float_mode | FLUSH);
    }
    if (broken > verdict) verdict = broken;
    verdict = nnc_meet(m->team, verdict);
    const nnc_strip *strip = ranks->strips;
    const int64_t *begins = ranks->begins + ranks->rank;
    for (int64_t i = 0; i < program->n_ops && verdict == NNC_OK; i++) {
        const nnc_op *op = &program->ops[i];
        int64_t end, begin = own_range(m, op, &end), stride = (begins[1] - begins[0]) * (int64_t)sizeof(T);
        if (begin < end && op->is_trained && F(gradient_of)(op) != NULL)
            F(join_dealt)(m, (T *)program->gradients + begin, end - begin, strip->dealt + (begin - begins[0]) * (int64_t)sizeof(T), stride);
    }
    for (int64_t i = 0; i < program->n_ops && verdict == NNC_OK && program->n_ties > 0; i++) {
        const nnc_op *op = &program->ops[i];
        if (!F(is_tied)(op)) continue;
        strip++;
        begins += ranks->size + 1;
        int64_t end, begin = tied_range(m, op, &end), stride = (begins[1] - begins[0]) * (int64_t)sizeof(T);
        F(join_dealt)(m, (T *)op->call.d_parameters + begin, end - begin, strip->dealt + (begin - begins[0]) * (int64_t)sizeof(T), stride);
    }
    return verdict;
}

/* Computes the member's range of the gradients of the batch, with the penalty and the regularizers. */
static int64_t F(write_gradients)(const member *m) {
    const nnc_program *program = m->program;
    int64_t verdict = exchanges_sums(m) ? F(exchange_gradients)(m) : F(write_range)(m);
    if (program->n_ties > 0) verdict = F(add_tied)(m, verdict);
    if (program->decays != NULL) F(add_penalty)(m);
    return program->regularizers.n_pieces > 0 ? F(obey)(m, &program->regularizers, verdict) : verdict;
}

/* The largest |x|, or NaN if one is NaN. Bits are compared as integers: those of positive numbers have the order of the numbers, and
 * those of NaN are larger. */
static T F(largest)(const T *x, int64_t n) {
    F(bits) largest = 0;
#pragma GCC unroll 4
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

/* Whether the gradients of the member's range are finite, and small enough that the step cannot overflow. */
static int64_t F(check_gradients)(const member *m) {
    const T *gradients = m->program->gradients; /* (n_parameters,) */
    double largest = (double)F(largest)(gradients + m->begin_parameter, m->end_parameter - m->begin_parameter);
    if (!(largest <= (double)LARGEST)) return verdict_of(NNC_GRADIENT_NOT_FINITE, NNC_IS_OPTIMIZER);
    return m->is_gated && largest > m->program->safe_gradient ? verdict_of(NNC_MAY_OVERFLOW, NNC_IS_OPTIMIZER) : NNC_OK;
}

/* Agrees with all members on the verdict. If only the step may overflow, that is noted in may_overflow, and is no failure. */
static int64_t F(agree)(member *m, int64_t verdict) {
    verdict = meet(m, verdict, of_gradients(m));
    m->may_overflow = verdict >> 32 == NNC_MAY_OVERFLOW;
    return m->may_overflow ? NNC_OK : verdict;
}

static int64_t F(agree_on_gradients)(member *m) { return F(agree)(m, F(check_gradients)(m)); }
