#include "ranks.h"

#include <stdlib.h>
#include <string.h>

#include "parts.h"

/* Whether an op depends on all rows at once, and not only through sums to which each process adds those of its own rows. */
static int is_whole(const nnc_program *program, const nnc_op *op) {
    if (op->kind == NNC_OP_PYTHON) return 1;
    return op->kind == NNC_OP_LAYER && program->d_output != NULL && !op->split_rows && op->batch_sums.own == NULL;
}

static int64_t number_bytes(const nnc_program *program) { return program->is_f64 ? (int64_t)sizeof(double) : (int64_t)sizeof(float); }

static int has_gradient(const nnc_op *op) { return op->is_trained && op->gradient_unit > 0; }

/* Whether a process reads rows of a value, or of its gradient, that other processes write. */
static int is_read_whole(const nnc_program *program, const void *value) {
    int for_gradients = program->n_shards == 1; /* else each process sums gradients of its own rows */
    if (value == NULL) return 0;
    if (loss_is_whole(program) && value == program->output) return 1;
    for (int64_t i = 0; i < program->n_ops; i++) {
        const nnc_op *op = &program->ops[i];
        if ((is_whole(program, op) || (has_gradient(op) && for_gradients)) && (op->call.x == value || op->call.d_y == value)) return 1;
    }
    return 0;
}

/* Allocates memory for the sums that all processes bring to a meeting: of the loss, or of a layer. */
static void make_room_for_sums(const nnc_program *program) {
    nnc_ranks *ranks = program->ranks;
    int64_t most = sizeof(double);
    if (program->n_shards == 1) return;
    for (int64_t i = 0; i < program->n_ops; i++) {
        const nnc_op *op = &program->ops[i];
        int64_t n_bytes = op->batch_sums.own != NULL ? op->n_batch_sums * op->call.n_inputs * (int64_t)sizeof(double) : 0;
        if (n_bytes > most) most = n_bytes;
    }
    free(ranks->sums);
    ranks->sums = calloc((size_t)ranks->size, (size_t)most);
    if (ranks->sums == NULL) ranks->is_broken = 1;
}

void nnc_mark_shared(const nnc_program *program, int64_t n_tasks) {
    make_room_for_sums(program);
    for (int64_t i = 0; i < n_tasks; i++) {
        nnc_task *task = &program->tasks[i];
        task->shared = 0;
        if (task->what != NNC_FORWARD && task->what != NNC_BACKWARD) continue;
        const nnc_op *op = &program->ops[task->op];
        if (task->what == NNC_FORWARD) task->shared = is_read_whole(program, op->call.y);
        else task->shared = is_read_whole(program, op->call.d_x);
        int is_last = task->what == NNC_BACKWARD || !op->runs_backward;
        if (is_last && has_gradient(op) && program->n_shards == 1 && op->call.cache != NULL && op->cache_per_row > 0) task->shared |= 2;
        for (int64_t k = 0; k < op->n_branches && task->what == NNC_BACKWARD && op->kind == NNC_OP_CONCAT; k++)
            if (is_read_whole(program, op->branches[k].d_y)) task->shared |= 4;
    }
}

static int64_t *add_strip(nnc_ranks *ranks, void *place, int64_t item_bytes) {
    int64_t number = ranks->n_strips++, width = ranks->size + 1;
    if (number == ranks->most_strips) {
        int64_t most = 2 * number + 16;
        nnc_strip *strips = realloc(ranks->strips, (size_t)most * sizeof *strips);
        if (strips != NULL) ranks->strips = strips;
        int64_t *begins = realloc(ranks->begins, (size_t)(most * width) * sizeof *begins);
        if (begins != NULL) ranks->begins = begins;
        if (strips == NULL || begins == NULL) {
            ranks->n_strips--;
            return NULL;
        }
        ranks->most_strips = most;
    }
    ranks->strips[number] = (nnc_strip){place, item_bytes, NULL};
    return ranks->begins + number * width;
}

/* Adds a strip of n items of which all processes have equal shares. Returns 0 if there is no memory, as do the functions that follow. */
static int add_shares(nnc_ranks *ranks, void *place, int64_t item_bytes, int64_t n, int64_t unit) {
    int64_t *begins = add_strip(ranks, place, item_bytes);
    if (begins == NULL) return 0;
    for (int32_t r = 0; r <= ranks->size; r++) begins[r] = share(n, unit, r, ranks->size);
    return 1;
}

/* Adds a strip of the n_rows rows of a batch, n_together of which are one row of row_bytes. */
static int add_rows_at(nnc_ranks *ranks, const nnc_program *program, void *place, int64_t row_bytes, int64_t n_rows, int64_t n_together) {
    for (int64_t i = 0; i < ranks->n_strips; i++)
        if (ranks->strips[i].place == place) return 1; /* two ops write there, one after the other */
    int64_t *begins = add_strip(ranks, place, row_bytes);
    if (begins == NULL) return 0;
    for (int32_t r = 0; r <= ranks->size; r++) begins[r] = begin_row(program, n_rows, r, ranks->size) / n_together;
    return 1;
}

static int add_ranges(nnc_ranks *ranks, const nnc_program *program, void *vector, int64_t size) {
    int64_t *begins = add_strip(ranks, vector, size);
    if (begins == NULL) return 0;
    for (int32_t r = 0; r <= ranks->size; r++) begins[r] = begin_parameter(program, 0, program->n_parameters, r, ranks->size);
    return 1;
}

static int add_tied(nnc_ranks *ranks, const nnc_program *program, int64_t size) {
    int ok = 1;
    for (int64_t i = 0; ok && i < program->n_ops; i++) {
        const nnc_op *op = &program->ops[i];
        if (op->n_tied > 0 && has_gradient(op)) ok = add_shares(ranks, op->call.d_parameters, size, op->n_tied, op->gradient_unit);
    }
    return ok;
}

/* Adds strips of the rows that a task has written. */
static int add_rows(nnc_ranks *ranks, const nnc_program *program, const nnc_meeting *meeting, nnc_task task, int64_t size) {
    int64_t n = meeting->n_rows;
    if (task.what == NNC_LOSS || task.what == NNC_LOSS_GRADIENT) {
        const nnc_op *last = &program->ops[program->n_ops - 1];
        int ok = program->n_shards > 1 || add_rows_at(ranks, program, program->losses, size, n, 1);
        if (ok && task.what == NNC_LOSS_GRADIENT && is_read_whole(program, program->d_output))
            ok = add_rows_at(ranks, program, program->d_output, last->call.n_outputs * size, n, last->n_together);
        return ok;
    }
    if (task.what == NNC_STORE) return add_rows_at(ranks, program, meeting->outputs, program->n_outputs * size, n, 1);
    if (task.what != NNC_FORWARD && task.what != NNC_BACKWARD) return 1;
    const nnc_op *op = &program->ops[task.op];
    void *written = task.what == NNC_FORWARD ? op->call.y : op->call.d_x;
    int ok = 1;
    if (task.shared & 1) ok = add_rows_at(ranks, program, written, task.n_columns * size, n, op->n_together);
    if (ok && task.shared & 2) ok = add_rows_at(ranks, program, op->call.cache, op->cache_per_row * size, n, op->n_together);
    for (int64_t k = 0; ok && task.shared & 4 && k < op->n_branches; k++)
        if (is_read_whole(program, op->branches[k].d_y))
            ok = add_rows_at(ranks, program, op->branches[k].d_y, op->branches[k].n_columns * size, n, op->n_together);
    return ok;
}

static int add_all(nnc_ranks *ranks, const nnc_program *program, const nnc_meeting *meeting) {
    int64_t size = number_bytes(program);
    int ok = 1;
    ranks->n_strips = 0;
    for (int64_t i = meeting->begin; ok && meeting->what & NNC_SHARED_ROWS && i < meeting->end; i++)
        ok = add_rows(ranks, program, meeting, program->tasks[i], size);
    if (ok && meeting->what & NNC_SHARED_GRADIENTS) ok = add_ranges(ranks, program, program->gradients, size);
    if (ok && meeting->what & NNC_SHARED_PARAMETERS) ok = add_ranges(ranks, program, program->parameters, size);
    if (ok && meeting->what & NNC_SHARED_TIED) ok = add_tied(ranks, program, size);
    if (ok && meeting->sum_bytes > 0) ok = add_shares(ranks, ranks->sums, meeting->sum_bytes, ranks->size, 1);
    return ok;
}

/* Bytes of a strip that belong to this process. */
static int64_t own_bytes(const nnc_ranks *ranks, int64_t strip) {
    const int64_t *begins = ranks->begins + strip * (ranks->size + 1) + ranks->rank;
    return (begins[1] - begins[0]) * ranks->strips[strip].item_bytes;
}

/* Copies the stretches of one process to `room`, if they are its own, else from `room` to their places. */
static void copy_stretches(const nnc_ranks *ranks, int32_t rank, char *room, int is_own) {
    for (int64_t i = 0; i < ranks->n_strips; i++) {
        const nnc_strip *strip = &ranks->strips[i];
        const int64_t *begins = ranks->begins + i * (ranks->size + 1) + rank;
        char *place = strip->place + begins[0] * strip->item_bytes;
        size_t n = (size_t)((begins[1] - begins[0]) * strip->item_bytes);
        if (n > 0) memcpy(is_own ? room : place, is_own ? place : room, n);
        room += n;
    }
}

/* Computes where the part of each process ends in the room: its verdict, then its stretches. */
static int64_t lay_out(nnc_ranks *ranks) {
    int64_t end = 0;
    for (int32_t r = 0; r < ranks->size; r++) {
        end += (int64_t)sizeof(int64_t);
        for (int64_t i = 0; i < ranks->n_strips; i++) {
            const int64_t *begins = ranks->begins + i * (ranks->size + 1) + r;
            end += (begins[1] - begins[0]) * ranks->strips[i].item_bytes;
        }
        ranks->ends[r] = end;
    }
    return end;
}

static int has_room(nnc_ranks *ranks, int64_t n_bytes) {
    if (n_bytes <= ranks->room_bytes) return 1;
    free(ranks->room);
    ranks->room = malloc((size_t)n_bytes);
    ranks->room_bytes = ranks->room != NULL ? n_bytes : 0;
    return ranks->room != NULL;
}

int64_t nnc_exchange(nnc_ranks *ranks, const nnc_program *program, const nnc_meeting *meeting, int64_t verdict) {
    const int64_t broken = (int64_t)NNC_RANKS_APART << 32;
    int64_t largest = verdict;
    if (ranks->is_broken) return broken;
    if (ranks->ends == NULL) ranks->ends = malloc((size_t)(2 * ranks->size) * sizeof *ranks->ends);
    ranks->n_strips = 0;
    ranks->is_broken = ranks->ends == NULL || (program != NULL && !add_all(ranks, program, meeting)) || !has_room(ranks, lay_out(ranks));
    if (ranks->is_broken) return broken;
    char *own = ranks->room + (ranks->rank > 0 ? ranks->ends[ranks->rank - 1] : 0);
    memcpy(own, &verdict, sizeof verdict);
    copy_stretches(ranks, ranks->rank, own + sizeof verdict, 1);
    ranks->is_broken = ranks->gather(ranks->context, ranks->room, ranks->ends) != 0;
    if (ranks->is_broken) return broken;
    for (int32_t r = 0; r < ranks->size; r++) {
        char *theirs = ranks->room + (r > 0 ? ranks->ends[r - 1] : 0);
        memcpy(&verdict, theirs, sizeof verdict);
        if (verdict > largest) largest = verdict;
        if (r != ranks->rank) copy_stretches(ranks, r, theirs + sizeof verdict, 0);
    }
    return largest;
}

int64_t nnc_deal(nnc_ranks *ranks, const nnc_program *program) {
    const int64_t broken = (int64_t)NNC_RANKS_APART << 32;
    int64_t size = number_bytes(program), n_bytes = 0;
    int32_t n_leaves = leaves_of_branch(program, ranks->size), n_branches = (program->n_shards + n_leaves - 1) / n_leaves;
    if (ranks->is_broken) return broken;
    if (ranks->ends == NULL) ranks->ends = malloc((size_t)(2 * ranks->size) * sizeof *ranks->ends);
    ranks->n_strips = 0;
    ranks->is_broken = ranks->ends == NULL || !add_ranges(ranks, program, program->gradients, size) || !add_tied(ranks, program, size);
    for (int64_t i = 0; !ranks->is_broken && i < ranks->n_strips; i++) n_bytes += n_branches * own_bytes(ranks, i);
    ranks->is_broken = ranks->is_broken || !has_room(ranks, n_bytes);
    char *dealt = ranks->room;
    for (int64_t i = 0; !ranks->is_broken && i < ranks->n_strips; i++) {
        nnc_strip *strip = &ranks->strips[i];
        int64_t *from_here = ranks->ends, *to_here = ranks->ends + ranks->size;
        for (int32_t r = 0; r < ranks->size; r++) {
            from_here[r] = ranks->rank < n_branches ? ranks->begins[i * (ranks->size + 1) + r + 1] * size : 0;
            to_here[r] = (r < n_branches ? r + 1 : n_branches) * own_bytes(ranks, i);
        }
        strip->dealt = dealt;
        ranks->is_broken = ranks->deal(ranks->context, strip->place, from_here, dealt, to_here) != 0;
        dealt += n_branches * own_bytes(ranks, i);
    }
    return ranks->is_broken ? broken : NNC_OK;
}
