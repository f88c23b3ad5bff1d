/* The first phase of a step, and all of a prediction: takes rows of a batch through the tasks of the program. Included by runner.c as a
 * template. */

/* Copies n numbers. Most rows are too short for a call of memcpy to pay; four numbers are one move. */
static inline void F(copy)(T *to, const T *from, int64_t n) {
    int64_t j = 0;
    if (n > 32) {
        memcpy(to, from, (size_t)n * sizeof(T));
        return;
    }
    for (; j + 4 <= n; j += 4) memcpy(to + j, from + j, 4 * sizeof(T));
    for (; j < n; j++) to[j] = from[j];
}

static void F(one_hot)(T *target, int64_t label, int64_t n) {
    for (int64_t j = 0; j < n; j++) target[j] = (T)(j == label);
}

/* Copies rows of `from` (., n) to `to` (n_rows, n): those that the first n_rows of `order` name, or without an order those from `begin`
 * on. Rows in random order are far apart. So each is prefetched while earlier ones are copied, and so are those of the next batches;
 * `n_known` is how many rows `order` names. */
static void F(gather_rows)(T *to, const T *from, int64_t n, const int64_t *order, int64_t begin, int64_t n_rows, int64_t n_known) {
    if (order == NULL) {
        memcpy(to, from + begin * n, (size_t)(n_rows * n) * sizeof(T));
        return;
    }
    int64_t i = 0;
    for (int64_t end = nnc_least(n_rows, n_known - FETCH_AHEAD); i < end; i++) {
        const T *later = from + order[i + FETCH_AHEAD] * n;
        __builtin_prefetch(later);
        __builtin_prefetch(later + n - 1);
        F(copy)(to + i * n, from + order[i] * n, n);
    }
    for (; i < n_rows; i++) F(copy)(to + i * n, from + order[i] * n, n);
}

/* label (n_rows,) = the labels of the rows that the first n_rows of `order` name, prefetched in the same way. */
static void F(gather_labels)(int64_t *label, const int64_t *labels, const int64_t *order, int64_t n_rows, int64_t n_known) {
    int64_t i = 0;
    for (int64_t end = nnc_least(n_rows, n_known - FETCH_AHEAD); i < end; i++) {
        __builtin_prefetch(labels + order[i + FETCH_AHEAD]);
        label[i] = labels[order[i]];
    }
    for (; i < n_rows; i++) label[i] = labels[order[i]];
}

/* Gathers rows first .. first + n_rows - 1 of the batch in the program's buffers, one buffer after the other. */
static void F(gather)(const member *m, int64_t first, int64_t n_rows) {
    const nnc_program *program = m->program;
    const nnc_samples *samples = m->run->samples;
    int64_t n_inputs = program->n_inputs, n_targets = program->n_targets, begin = m->first_sample + first;
    if (samples == NULL) { /* the inputs alone, for a Python op that reads them from the program's own array */
        memcpy((T *)program->input + first * n_inputs, (const T *)m->run->x + (first + m->x_shift) * n_inputs,
               (size_t)(n_rows * n_inputs) * sizeof(T));
        return;
    }
    const int64_t *order = samples->order == NULL ? NULL : samples->order + begin;
    int64_t n_known = m->n_parts == 1 ? samples->n_samples - begin : n_rows; /* what follows is another member's */
    if (program->is_sparse && order != NULL) {                               /* only the places of their numbers are copied */
        const nnc_sparse_rows *all = samples->inputs;
        F(gather_labels)(program->begins + first, all->begins, order, n_rows, n_known);
        F(gather_labels)(program->ends + first, all->ends, order, n_rows, n_known);
    }
    if (!program->is_sparse && m->x == program->input)
        F(gather_rows)((T *)m->run->to_input + first * n_inputs, samples->inputs, n_inputs, order, begin, n_rows, n_known);
    const int64_t *labels = samples->labels;
    T *target = (T *)m->run->to_target + first * n_targets;
    if (program->use_labels) {
        if (order != NULL) F(gather_labels)(program->labels + first, labels, order, n_rows, n_known);
        else memcpy(program->labels + first, labels + begin, (size_t)n_rows * sizeof *labels);
    } else if (labels != NULL) {
        for (int64_t i = 0; i < n_rows; i++) F(one_hot)(target + i * n_targets, labels[order != NULL ? order[i] : begin + i], n_targets);
    } else {
        F(gather_rows)(target, samples->targets, n_targets, order, begin, n_rows, n_known);
    }
    const double *weights = samples->weights; /* scaled to sum to 1 over the batch */
    double scale = m->weight_sum > 0 ? 1 / m->weight_sum : 0;
    T *weight = (T *)m->run->to_weight + first, share_of_each = (T)scale;
    for (int64_t i = 0; weights == NULL && i < n_rows; i++) weight[i] = share_of_each;
    for (int64_t i = 0; weights != NULL && i < n_rows; i++) weight[i] = (T)(weights[order != NULL ? order[i] : begin + i] * scale);
}

/* Applies a transform to some rows of the batch. Its buffers begin as copies of what it reads, and columns that it must not change are
 * restored afterwards. */
static int64_t F(transform)(const member *m, int64_t number, int64_t first, int64_t n_rows) {
    const nnc_program *program = m->program;
    const nnc_transformer *transformer = &program->transforms[number];
    nnc_transform_call call = transformer->call;
    int64_t n_inputs = call.n_inputs, n_targets = call.n_targets, verdict;
    const T *source = (const T *)call.source + first * n_inputs;
    T *x = (T *)call.x + first * n_inputs;
    memcpy(x, source, (size_t)(n_rows * n_inputs) * sizeof(T));
    if (program->mixes_targets) {
        T *target = (T *)call.target + first * n_targets, *weight = (T *)call.weight + first;
        memcpy(target, (const T *)call.source_target + first * n_targets, (size_t)(n_rows * n_targets) * sizeof(T));
        memcpy(weight, (const T *)call.source_weight + first, (size_t)n_rows * sizeof(T));
        call.target = target;
        call.weight = weight;
    }
    if (!transformer->mixes_targets) call.source_target = call.source_weight = call.target = call.weight = NULL;
    call.x = x;
    call.n_rows = n_rows;
    call.first_row = first;
    call.batch_rows = m->n_rows;
    if (transformer->table == NULL) {
        verdict = call_python(m, NNC_TRANSFORM, number, n_rows);
    } else {
        call.site = site_of(m, program->n_ops + number);
        verdict = kernel_verdict(m, transformer->table->F(apply)(&call), program->n_ops + program->n_groups + number);
    }
    for (int64_t i = 0; i < n_rows && transformer->n_kept > 0; i++)
        for (int64_t k = 0; k < transformer->n_kept; k++)
            x[i * n_inputs + transformer->kept[k]] = source[i * n_inputs + transformer->kept[k]];
    return verdict;
}

/* The loss of a sample is the mean of the losses of its members. The loss function is called for one member after the other, and knows
 * nothing of members. Outputs and gradients are copied, since those of one member are not contiguous. */
static int64_t F(loss_of_members)(const member *m, nnc_loss_call call, int64_t first) {
    const nnc_program *program = m->program;
    int64_t n = call.n_outputs, n_rows = call.n_rows, k = program->n_members;
    const T *outputs = (const T *)program->output + first * k * n;
    T *output = (T *)program->member_output + first * n, *one_loss = (T *)program->member_losses + first, *losses = call.loss;
    T *d_outputs = call.d_output == NULL ? NULL : (T *)program->d_output + first * k * n;
    T *d_output = call.d_output == NULL ? NULL : (T *)program->member_d_output + first * n;
    call.output = output;
    call.d_output = d_output;
    call.loss = one_loss;
    for (int64_t i = 0; i < n_rows; i++) losses[i] = 0;
    for (int64_t j = 0; j < k; j++) {
        for (int64_t i = 0; i < n_rows; i++)
            for (int64_t c = 0; c < n; c++) output[i * n + c] = outputs[(i * k + j) * n + c];
        int64_t verdict = kernel_verdict(m, (program->use_labels ? program->loss->F(labels) : program->loss->F(real))(&call), NNC_IS_LOSS);
        if (verdict != NNC_OK) return verdict;
        for (int64_t i = 0; i < n_rows; i++) losses[i] += one_loss[i];
        for (int64_t i = 0; d_outputs != NULL && i < n_rows; i++)
            for (int64_t c = 0; c < n; c++) d_outputs[(i * k + j) * n + c] = d_output[i * n + c] / (T)k;
    }
    for (int64_t i = 0; i < n_rows; i++) losses[i] /= (T)k;
    return NNC_OK;
}

static int64_t F(loss)(const member *m, int32_t what, int64_t first, int64_t n_rows) {
    const nnc_program *program = m->program;
    if (program->loss == NULL) return call_python(m, what, NNC_IS_LOSS, n_rows);
    int use_labels = program->use_labels;
    nnc_loss_call call = program->loss_call;
    call.site = site_of(m, NNC_IS_LOSS);
    if (use_labels) call.target = NULL;
    else call.labels = NULL;
    if (what != NNC_LOSS_GRADIENT) call.d_output = NULL;
    call.n_rows = n_rows;
    call.batch_rows = m->n_rows;
    if (first > 0) {
        call.first_row = first;
        call.output = (const T *)call.output + first * call.n_outputs;
        if (!use_labels) call.target = (const T *)call.target + first * call.n_targets;
        if (use_labels) call.labels += first;
        call.weight = (const T *)call.weight + first;
        call.loss = (T *)call.loss + first;
        if (call.d_output != NULL) call.d_output = (T *)call.d_output + first * call.n_outputs;
    }
    if (program->n_members > 0) return F(loss_of_members)(m, call, first);
    return kernel_verdict(m, (use_labels ? program->loss->F(labels) : program->loss->F(real))(&call), NNC_IS_LOSS);
}

/* The rows of the batch from `first` on of a value (., n_columns); NULL stands for the program's input. */
static const T *F(value_of)(const member *m, const void *value, int64_t n_columns, int64_t first) {
    return value != NULL ? (const T *)value + first * n_columns : (const T *)m->x + first * n_columns + m->x_shift * m->program->n_inputs;
}

/* The rows of the batch from `first` on that an op reads, (., n_inputs). */
static const T *F(input_of)(const member *m, const nnc_op *op, int64_t first) {
    return F(value_of)(m, op->call.x, op->call.n_inputs, first);
}

/* Lets a layer's call read the rows of the batch from `first` on; if they are sparse, `room` holds them during the call. */
NNC_INLINE void F(read_rows)(const member *m, const nnc_op *op, int64_t first, nnc_sparse_rows *room, nnc_layer_call *call) {
    if (reads_sparse(m->program, op)) call->sparse = sparse_from(m, first, room);
    else call->x = F(input_of)(m, op, first);
}

#include "joints.h"

/* Computes what some rows contribute to the sums that forward or backward of a layer needs. */
NNC_RARE int64_t F(sums_of_rows)(const tree *tree, int64_t first_row, int64_t n_rows, void *to) {
    const layer_tree *own = (const layer_tree *)tree;
    nnc_layer_call call = *own->call;
    nnc_batch_sums sums = {.own = to};
    const nnc_op *op = &tree->m->program->ops[own->number];
    first_row = rows_of(op, first_row);
    call.x = (const T *)call.x + first_row * call.n_inputs;
    if (call.d_y != NULL) call.d_y = (const T *)call.d_y + first_row * call.n_outputs;
    if (call.cache != NULL) call.cache = (T *)call.cache + first_row * op->cache_per_row;
    call.first_row = first_row;
    call.n_rows = rows_of(op, n_rows);
    call.sums = &sums;
    return kernel_verdict(tree->m, own->take(&call), own->number);
}

NNC_RARE int64_t F(join_sums)(const tree *tree, void *to, int64_t n_rows, const void *other, int64_t other_rows) {
    const layer_tree *own = (const layer_tree *)tree;
    nnc_layer_call call = *own->call;
    const nnc_op *op = &tree->m->program->ops[own->number];
    nnc_batch_sums sums = {.own = to, .other = other, .other_rows = rows_of(op, other_rows)};
    call.n_rows = rows_of(op, n_rows);
    call.sums = &sums;
    return kernel_verdict(tree->m, op->layer->F(join_sums)(&call), own->number);
}

/* The tree for the sums over the batch that forward or backward of a layer needs, in the columns of a call for all rows. */
NNC_RARE layer_tree F(tree_of_sums)(const member *m, int32_t what, int64_t number, const nnc_layer_call *call) {
    const nnc_op *op = &m->program->ops[number];
    return (layer_tree){.tree = {.m = m,
                                 .n_bytes = op->n_batch_sums * call->n_inputs * (int64_t)sizeof(double),
                                 .sum = F(sums_of_rows),
                                 .join = F(join_sums)},
                        .number = number,
                        .call = call,
                        .take = what == NNC_FORWARD ? op->layer->F(forward_sums) : op->layer->F(backward_sums)};
}

/* Calls forward or backward of a layer that needs sums over the batch. Computes them first, unless bring_sums has done so for several
 * processes. */
NNC_RARE int64_t F(call_with_sums)(const member *m, int32_t what, int64_t number, nnc_layer_call *call) {
    const nnc_op *op = &m->program->ops[number];
    if (m->ranks == NULL) {
        layer_tree whole = F(tree_of_sums)(m, what, number, call);
        int64_t verdict = climb_own(&whole.tree, op->batch_sums.own, (char *)op->batch_sums.own + whole.tree.n_bytes);
        if (verdict != NNC_OK) return verdict;
    }
    call->sums = &op->batch_sums;
    return kernel_verdict(m, call_layer(m, what == NNC_FORWARD ? op->layer->F(forward) : op->layer->F(backward), call), number);
}

/* Computes the sums that a layer needs, with several processes. Each process sums its own rows, this member in columns begin .. end - 1,
 * and then joins the sums of all. The meeting also agrees on a verdict that other processes do not know yet. */
NNC_RARE int64_t F(bring_sums)(const member *m, nnc_task task, int64_t begin, int64_t end, int64_t verdict) {
    const nnc_op *op = &m->program->ops[task.op];
    nnc_layer_call call = op->call;
    call.site = site_of(m, task.op);
    call.x = F(input_of)(m, op, 0);
    if (task.what == NNC_FORWARD) call.d_y = NULL;
    call.batch_rows = rows_of(op, m->n_rows);
    call.begin_column = begin;
    call.end_column = end;
    layer_tree own = F(tree_of_sums)(m, task.what, task.op, &call);
    int64_t n_bytes = own.tree.n_bytes;
    char *sums = (char *)op->batch_sums.own;
    if (verdict == NNC_OK && begin < end) verdict = climb_own(&own.tree, m->ranks->sums + m->ranks->rank * n_bytes, sums + n_bytes);
    verdict = meet_ranks(m, nnc_meet(m->team, verdict), &(nnc_meeting){.sum_bytes = n_bytes});
    if (verdict == NNC_OK && m->part == 0) {
        call.begin_column = 0;
        call.end_column = call.n_inputs;
        own.tree.known = m->ranks->sums;
        own.tree.stride = n_bytes;
        verdict = climb(&own.tree, 0, m->program->n_shards, sums, sums + n_bytes);
    }
    return nnc_meet(m->team, verdict);
}

/* Calls forward or backward of an op for some rows of the batch, or for all rows and some columns of what it writes. It is inlined into
 * the loop over tasks: small networks would otherwise spend a tenth of their time on passing arguments. */
NNC_INLINE int64_t F(call_op)(const member *m, int32_t what, int64_t number, int64_t first, int64_t n_rows, int64_t begin, int64_t end) {
    const nnc_program *program = m->program;
    const nnc_op *op = &program->ops[number];
    if (op->kind > NNC_OP_ACTIVATION) {
        if (op->kind == NNC_OP_PYTHON) return call_python(m, what, number, n_rows);
        F(run_joint)(m, what, op, first, n_rows);
        return NNC_OK;
    }
    first = rows_of(op, first);
    n_rows = rows_of(op, n_rows);
    const nnc_layer_call *batch = &op->call;
    int64_t n_inputs = batch->n_inputs, n_outputs = batch->n_outputs;
    T *y = (T *)batch->y + first * n_outputs, *d_x = NULL;
    const T *d_y = NULL;
    if (what == NNC_BACKWARD) {
        d_y = (const T *)batch->d_y + first * n_outputs;
        if (batch->d_x != NULL) d_x = (T *)batch->d_x + first * n_inputs;
    }
    int32_t status;
    nnc_site *site = site_of(m, number);
    if (op->kind == NNC_OP_ACTIVATION) {
        const T *x = F(input_of)(m, op, first);
        int64_t of_each = op->rows_per_sample;
        nnc_activation_call call = {sizeof call, site, x, y, d_y, d_x, n_rows * of_each, n_outputs / of_each};
        if (!op->leaves_slope) {
            status = (what == NNC_FORWARD ? op->activation->F(forward) : op->activation->F(backward))(&call);
        } else if (what == NNC_FORWARD) {
            call.d_z = (T *)batch->x + first * n_inputs;
            status = op->activation->F(forward_with_slope)(&call);
        } else {
            for (int64_t i = 0; i < n_rows * n_outputs; i++) d_x[i] = d_y[i] * x[i];
            return NNC_OK;
        }
    } else {
        nnc_layer_call call = *batch;
        nnc_sparse_rows rows;
        call.site = site;
        F(read_rows)(m, op, first, &rows, &call);
        call.y = y;
        call.d_y = d_y;
        call.d_x = d_x;
        if (call.cache != NULL) call.cache = (T *)call.cache + first * op->cache_per_row;
        /* The working memory of the parts lies one after the other. Memory by rows is contiguous, since a part begins where the previous
         * one ends. */
        if (op->work_per_row != 0) site->work = (T *)op->rooms + m->part * op->work + first * op->work_per_row;
        call.n_rows = n_rows;
        call.first_row = first;
        call.batch_rows = rows_of(op, m->n_rows);
        call.begin_column = begin;
        call.end_column = end;
        if (op->batch_sums.own != NULL) return F(call_with_sums)(m, what, number, &call);
        status = call_layer(m, what == NNC_FORWARD ? op->layer->F(forward) : op->layer->F(backward), &call);
    }
    return kernel_verdict(m, status, number);
}

static __attribute__((noinline)) int64_t F(call_op_on_columns)(const member *m, nnc_task task, int64_t first, int64_t n_rows, int64_t begin,
                                                               int64_t end) {
    return F(call_op)(m, task.what, task.op, first, n_rows, begin, end);
}

/* Runs a task other than forward or backward of an op, on some rows. Inlined, it would take registers from the loop over tasks. */
static __attribute__((noinline)) int64_t F(run_beside_ops)(const member *m, nnc_task task, int64_t first, int64_t n_rows) {
    const nnc_program *program = m->program;
    switch (task.what) {
    case NNC_GATHER: F(gather)(m, first, n_rows); return NNC_OK;
    case NNC_TRANSFORM: return F(transform)(m, task.op, first, n_rows);
    case NNC_STORE:
        memcpy((T *)m->run->outputs + (first + m->first_sample) * program->n_outputs,
               (const T *)program->output + first * program->n_outputs, (size_t)(n_rows * program->n_outputs) * sizeof(T));
        return NNC_OK;
    default: return F(loss)(m, task.what, first, n_rows);
    }
}

/* Runs tasks begin .. end - 1 on some rows. */
static int64_t F(run_on_rows)(const member *m, int64_t begin, int64_t end, int64_t first, int64_t n_rows) {
    int64_t verdict = NNC_OK;
    for (int64_t i = begin; i < end && verdict == NNC_OK; i++) {
        nnc_task task = m->program->tasks[i];
        int is_of_op = task.what == NNC_FORWARD || task.what == NNC_BACKWARD;
        verdict =
            is_of_op ? F(call_op)(m, task.what, task.op, first, n_rows, 0, task.n_columns) : F(run_beside_ops)(m, task, first, n_rows);
    }
    return verdict;
}

/* The sum of weight times losses. It has eight partial sums, so that it vectorises; their number affects the bits of the result. */
static double F(weighted_sum)(const T *weight, const T *losses, int64_t n) {
    double sums[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int64_t lane = 0; lane < 8; lane++) sums[lane] += (double)weight[i + lane] * (double)losses[i + lane];
    for (; i < n; i++) sums[0] += (double)weight[i] * (double)losses[i];
    for (int64_t lane = 1; lane < 8; lane++) sums[0] += sums[lane];
    return sums[0];
}

/* Computes what some rows contribute to the loss of a batch. */
NNC_RARE int64_t F(loss_of_rows)(const tree *tree, int64_t first_row, int64_t n_rows, void *to) {
    const nnc_program *program = tree->m->program;
    *(double *)to = F(weighted_sum)((const T *)program->weight + first_row, (const T *)program->losses + first_row, n_rows);
    return NNC_OK;
}

NNC_RARE int64_t F(add_losses)(const tree *tree, void *to, int64_t n_rows, const void *other, int64_t other_rows) {
    (void)tree, (void)n_rows, (void)other_rows;
    *(double *)to += *(const double *)other;
    return NNC_OK;
}

NNC_RARE double F(loss_by_shards)(const member *m) {
    tree of_loss = {.m = m, .n_bytes = sizeof(double), .sum = F(loss_of_rows), .join = F(add_losses)};
    double loss, waiting[NNC_HIGHEST_TREE];
    if (exchanges_sums(m) && !loss_is_whole(m->program)) {
        of_loss.known = m->ranks->sums;
        of_loss.stride = sizeof(double);
    }
    climb(&of_loss, 0, m->program->n_shards, &loss, (char *)waiting);
    return loss;
}

static __attribute__((noinline)) double F(loss_of_batch)(const member *m) {
    if (m->program->n_shards > 1) return F(loss_by_shards)(m);
    return F(weighted_sum)(m->program->weight, m->program->losses, m->n_rows);
}

/* Computes what the rows of the process contribute to the loss, for the others. */
NNC_RARE void F(put_own_loss)(const member *m) {
    const tree of_loss = {.m = m, .n_bytes = sizeof(double), .sum = F(loss_of_rows), .join = F(add_losses)};
    double waiting[NNC_HIGHEST_TREE];
    climb_own(&of_loss, m->ranks->sums + m->ranks->rank * (int64_t)sizeof(double), (char *)waiting);
}

/* The member's columns of what an op writes. If they cannot be split, one member has all. */
static int64_t F(own_columns)(const member *m, nnc_task task, int64_t *end) {
    int64_t n = task.n_columns, unit = COLUMN_UNIT / (int64_t)sizeof(T);
    if (!m->program->ops[task.op].split_columns) unit = n;
    *end = share(n, unit, m->part + 1, m->n_parts);
    return share(n, unit, m->part, m->n_parts);
}

/* Runs forward or backward of an op whose rows depend on each other only through sums, for the rows of the process. */
NNC_RARE int64_t F(run_by_sums)(const member *m, nnc_task task, int64_t verdict) {
    int64_t end, begin = F(own_columns)(m, task, &end);
    verdict = F(bring_sums)(m, task, begin, end, verdict);
    if (verdict != NNC_OK || begin >= end) return verdict;
    int64_t first = begin_row(m->program, m->n_rows, m->ranks->rank, m->ranks->size);
    int64_t last = begin_row(m->program, m->n_rows, m->ranks->rank + 1, m->ranks->size);
    return F(call_op_on_columns)(m, task, first, last - first, begin, end);
}

/* Meets the other processes after tasks begin .. next - 1, all of one kind, and shares the results that they read. If they read none,
 * and another meeting follows among the tasks up to `end`, the verdict waits for that meeting; *is_owed says so. */
static __attribute__((noinline)) int64_t F(meet_after)(const member *m, int64_t verdict, int split, int64_t begin, int64_t next,
                                                       int64_t end, int *is_owed) {
    const nnc_program *program = m->program;
    nnc_meeting meeting = {split == WHOLE ? 0 : NNC_SHARED_ROWS, begin, next, m->n_rows, m->run->outputs, 0};
    *is_owed = 0;
    if (meeting.outputs != NULL) meeting.outputs = (T *)meeting.outputs + m->first_sample * program->n_outputs;
    if (program->n_shards > 1) {
        int is_shared = split == WHOLE;
        for (int64_t i = begin; i < next; i++) is_shared |= program->tasks[i].shared;
        int follows = next < end ? how_to_split(m, program->tasks[next]) : WHOLE;
        *is_owed = !is_shared && (follows == BY_ROWS || follows == BY_SUMS);
        if (*is_owed) return verdict;
        if (split == BY_ROWS && program->tasks[next - 1].what == NNC_LOSS_GRADIENT) {
            meeting.sum_bytes = sizeof(double);
            if (m->part == 0) F(put_own_loss)(m);
        }
    }
    return meet_ranks(m, verdict, &meeting);
}

/* Runs tasks begin .. end - 1 on the batch. Consecutive tasks that are split by rows run without a barrier between them; there is one
 * where such a stretch ends. A transform may read any row, so a barrier comes before it; what follows it reads its own rows. */
static int64_t F(run_tasks)(const member *m, int64_t begin, int64_t end) {
    const nnc_program *program = m->program;
    int64_t verdict = NNC_OK;
    int is_owed = 0; /* other processes do not know the verdict yet */
    if (m->is_alone && m->n_rows <= program->slice_rows) return F(run_on_rows)(m, begin, end, 0, m->n_rows);
    for (int64_t next; begin < end && (verdict == NNC_OK || is_owed); begin = next) {
        nnc_task task = program->tasks[begin];
        int split = how_to_split(m, task), is_by_rows = split == BY_ROWS || split == BY_ROWS_ALIKE;
        for (next = begin + 1;
             is_by_rows && next < end && program->tasks[next].what != NNC_TRANSFORM && how_to_split(m, program->tasks[next]) == split;)
            next++;
        if (is_by_rows) {
            int64_t n_rows = m->n_rows, first = own_rows(m, split == BY_ROWS_ALIKE, &n_rows);
            int64_t n_slices = (n_rows + program->slice_rows - 1) / program->slice_rows;
            for (int64_t slice = 0; slice < n_slices && verdict == NNC_OK; slice++) {
                int64_t unit = program->n_together;
                int64_t from = n_rows * slice / n_slices / unit * unit, to = n_rows * (slice + 1) / n_slices / unit * unit;
                verdict = F(run_on_rows)(m, begin, next, first + from, to - from);
            }
        } else if (split == BY_COLUMNS) {
            int64_t to, from = F(own_columns)(m, task, &to);
            if (from < to) verdict = F(call_op_on_columns)(m, task, 0, m->n_rows, from, to);
        } else if (split == BY_SUMS) {
            verdict = F(run_by_sums)(m, task, verdict);
        } else if (m->part == 0) {
            verdict = F(run_on_rows)(m, begin, next, 0, m->n_rows);
        }
        verdict = nnc_meet(m->team, verdict);
        if (m->ranks != NULL && split != BY_ROWS_ALIKE && split != BY_COLUMNS) /* Python may fail in one process alone */
            verdict = F(meet_after)(m, verdict, split, begin, next, end, &is_owed);
    }
    return verdict;
}

/* Runs all tasks from `begin` on. Tasks after the loss run only if it is finite. */
NNC_INLINE int64_t F(run_batch)(member *m, int64_t begin) {
    const nnc_program *program = m->program;
    int64_t after_loss = m->run->after_loss;
    if (program->n_ties > 0) F(copy_tied)(m);
    if (after_loss > 0) {
        int64_t verdict = F(run_tasks)(m, begin, after_loss);
        if (verdict != NNC_OK) return verdict;
        /* every member computes it, which saves a barrier */
        m->value = F(loss_of_batch)(m);
        if (!isfinite(m->value)) return verdict_of(NNC_LOSS_NOT_FINITE, NNC_IS_LOSS);
    }
    if (m->run->sorts_inputs && begin == 0) { /* a second pass has the same rows */
        int64_t verdict = F(sort_by_column)(m);
        if (verdict != NNC_OK) return verdict;
    }
    return F(run_tasks)(m, after_loss, m->run->n_tasks);
}
