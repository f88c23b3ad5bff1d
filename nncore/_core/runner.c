/* The loops of a run: over batches, or over slices of a prediction. The first phase of a step is in rows.h. The second is in
 * gradients.h, optimizers.h, touched.h, second_pass.h and parameters.h, and for regularizers and constraints in between.h. Code that
 * touches numbers is a template over float and double. */
#ifndef T
#include "runner.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "float_mode.h"
#include "kernels/gemm.h"
#include "kernels/level.h"
#include "kernels/sorted.h"
#include "parts.h"
#include "permutation.h"
#include "ranks.h"
#include "rooms.h"
#include "sizes.h"
#include "threads.h"

/* The arguments of a run, which all members of its team share. */
typedef struct run {
    nnc_program *program;
    int64_t n_tasks;    /* of program->tasks */
    int64_t after_loss; /* the first of them that follows the loss; 0 if there is none */
    const void *x;      /* (n_rows, n_inputs), or of the samples */
    int64_t n_rows;
    const nnc_samples *samples;
    int64_t batch_size;
    int64_t accumulate; /* batches that make a step */
    int64_t step_size;  /* samples that make a step */
    int32_t drop_last;
    double seconds;
    nnc_progress *progress;
    void *outputs;                          /* (n_samples, n_outputs) */
    void *to_input, *to_target, *to_weight; /* where samples are gathered */
    int32_t copies_rows;                    /* inputs are gathered even if they are contiguous */
    int32_t with_gradient, checks_gradient;
    int32_t looks_behind;    /* a prediction checks what its first op makes of the inputs, to learn whether they are finite */
    int32_t sorts_inputs;    /* sparse inputs are sorted by column, once the loss is known */
    int32_t updates_tensors; /* an optimizer is not called on ranges */
    double *value;
    char *gemm_rooms;           /* (n_threads, NNC_GEMM_ROOM_BYTES) working memory of matrix products; NULL: there is none */
    int rounds;                 /* products of layers round their factors to bfloat16 */
    uint64_t caller_float_mode; /* float mode of the calling thread */
    int64_t verdict;            /* of the whole run */
    nnc_progress kept_progress; /* progress and step, as they were when undo.h copied the rest */
    int64_t kept_step;
} run;

/* One thread of the team, and the batch it is working on. */
typedef struct member {
    run *run;
    nnc_program *program;
    nnc_team *team;
    nnc_ranks *ranks; /* or NULL */
    nnc_site *sites;  /* (n_sites,) its own */
    int32_t part, n_parts;
    int is_alone;                           /* no other member, in this process or in others */
    int32_t begin_leaf, end_leaf;           /* leaves of the trees of shards whose rows its process sums */
    int64_t begin_parameter, end_parameter; /* its range of the flat vectors */
    const void *x;                          /* row i of the batch is row i + x_shift; NULL where inputs are sparse */
    nnc_sparse_rows rows;                   /* instead of x: begins[i + x_shift] and ends[i + x_shift] */
    int64_t x_shift;
    int64_t n_rows;       /* of the batch */
    int64_t first_sample; /* of the visit: row 0 of the batch */
    double weight_sum;    /* of the batch, before its weights are scaled to sum to 1 */
    int64_t step;         /* the number of this step, from 1 */
    int64_t draw;         /* the number of this batch, from 1 */
    double step_weight;   /* sum of weight_sum over the batches of this step so far */
    double value;         /* loss of the batch */
    int uses_tiles;       /* gradients are computed tile by tile: parameters.h */
    int is_careful;       /* every step can be undone: undo.h */
    int is_gated;         /* steps that may overflow can be undone */
    int may_overflow;     /* the current step may */
    int64_t n_kept;       /* pieces of what a step changes that are copied */
} member;

/* A verdict: a status and the op that it is about, in one number. A team agrees on the largest. */
static int64_t verdict_of(int32_t status, int64_t op) { return status == NNC_OK ? NNC_OK : ((int64_t)status << 32) | (int64_t)(op + 2); }

/* The verdict of a kernel function, which returns 0 for success. Notes a failure. */
static int64_t kernel_verdict(const member *m, int32_t status, int64_t op) {
    if (status == 0) return NNC_OK;
    m->program->notes[m->part].op = op;
    m->program->notes[m->part].status = status;
    return verdict_of(NNC_KERNEL_FAILED, op);
}

/* Calls a function of a layer with products that round their factors. Those of optimizers and of everything else never do. */
static __attribute__((noinline)) int32_t call_rounding(const member *m, nnc_layer_function function, const nnc_layer_call *call) {
    gemm_rounds = NNC_ROUNDS;
    int32_t status = function(call);
    if (gemm_rounds == NNC_HAS_ROUNDED) atomic_store_explicit(&m->program->has_rounded, 1, memory_order_relaxed);
    gemm_rounds = NNC_IS_EXACT;
    return status;
}

/* Calls a function of a layer. Its products round their factors if the run says so. */
NNC_INLINE int32_t call_layer(const member *m, nnc_layer_function function, const nnc_layer_call *call) {
    return __builtin_expect(!m->run->rounds, 1) ? function(call) : call_rounding(m, function, call);
}

/* The site at which a member calls a function of an op, of the loss or of the optimizer. */
static nnc_site *site_of(const member *m, int64_t op) {
    nnc_site *site = m->sites + NNC_SITE(op);
    site->step = m->draw;
    return site;
}

static int32_t status_of(nnc_program *program, int64_t verdict) {
    program->failed_op = (verdict & 0xffffffff) - 2;
    return (int32_t)(verdict >> 32);
}

/* The key of the random numbers of a forward pass, which may wrap. The first pass after a step has the key of the next batch of `train`.
 * All other passes have keys far from those of all steps. */
static int64_t draw_of_pass(const nnc_program *program) {
    return (int64_t)((uint64_t)program->step + 1 + (uint64_t)program->pass * UINT64_C(0x9e3779b97f4a7c15));
}

/* Calls Python. Only part 0 may do so, the thread that came from Python. */
static int64_t call_python(const member *m, int32_t what, int64_t op, int64_t n_rows) {
    nnc_program *program = m->program;
    program->draw = m->draw;
    set_float_mode(m->run->caller_float_mode); /* Python code is the user's: it keeps its subnormals */
    int32_t status = program->python(program->python_context, what, op, n_rows);
    set_float_mode(m->run->caller_float_mode | FLUSH);
    return verdict_of(status == 0 ? NNC_OK : NNC_PYTHON_RAISED, op);
}

static __attribute__((noinline)) int64_t meet_ranks(const member *m, int64_t verdict, const nnc_meeting *meeting) {
    if (m->part == 0) {
        set_float_mode(m->run->caller_float_mode); /* Python is about to run */
        verdict = nnc_exchange(m->ranks, m->program, meeting, verdict);
        set_float_mode(m->run->caller_float_mode | FLUSH);
    }
    return nnc_meet(m->team, verdict);
}

/* A barrier for all members, those of other processes included. `what` was written since the last one, and is read by other processes.
 * Where every process does the same, with the same result, nnc_meet is enough. */
NNC_INLINE int64_t meet(const member *m, int64_t verdict, int32_t what) {
    if (m->is_alone) return verdict;
    verdict = nnc_meet(m->team, verdict);
    return m->ranks == NULL ? verdict : meet_ranks(m, verdict, &(nnc_meeting){.what = what});
}

/* Whether each process sums its own rows of the batch, and processes exchange these sums. */
static int exchanges_sums(const member *m) { return m->ranks != NULL && m->program->n_shards > 1; }

/* NNC_SHARED_GRADIENTS if a member is about to use all gradients. */
static int32_t of_gradients(const member *m) { return m->run->updates_tensors ? NNC_SHARED_GRADIENTS : 0; }

/* The member's share of rows 0 .. *n - 1 of the batch: returns the first, and sets *n to their number. If `is_alike`, every process
 * takes all rows; else processes share them, too. */
static int64_t own_rows(const member *m, int is_alike, int64_t *n) {
    int64_t begin = 0, end = *n;
    if (m->ranks != NULL && !is_alike) {
        begin = begin_row(m->program, *n, m->ranks->rank, m->ranks->size);
        end = begin_row(m->program, *n, m->ranks->rank + 1, m->ranks->size);
    }
    int64_t unit = m->program->n_together, first = begin + share(end - begin, unit, m->part, m->n_parts);
    *n = begin + share(end - begin, unit, m->part + 1, m->n_parts) - first;
    return first;
}

/* The first parameter of an op in the member's range; *end is behind the last. The range is empty if it does not begin before its end. */
static int64_t own_range(const member *m, const nnc_op *op, int64_t *end) {
    *end = nnc_least(op->first_parameter + op->n_parameters, m->end_parameter);
    return op->first_parameter > m->begin_parameter ? op->first_parameter : m->begin_parameter;
}

/* The same for gradients of an op in memory of its own (ties.h). */
static int64_t tied_range(const member *m, const nnc_op *op, int64_t *end) {
    int64_t unit = op->gradient_unit, first = 0, last = op->n_tied;
    if (m->ranks != NULL) {
        first = share(op->n_tied, unit, m->ranks->rank, m->ranks->size);
        last = share(op->n_tied, unit, m->ranks->rank + 1, m->ranks->size);
    }
    *end = first + share(last - first, unit, m->part + 1, m->n_parts);
    return first + share(last - first, unit, m->part, m->n_parts);
}

static void add_task(nnc_program *program, int64_t *n_tasks, int32_t what, int64_t op) {
    int64_t n_columns = 0;
    if (what == NNC_FORWARD) n_columns = program->ops[op].call.n_outputs;
    if (what == NNC_BACKWARD) n_columns = program->ops[op].call.n_inputs;
    program->tasks[(*n_tasks)++] = (nnc_task){what, op, n_columns, 0};
}

static void add_forward(nnc_program *program, int64_t *n_tasks) {
    for (int64_t i = 0; i < program->n_ops; i++)
        if (program->ops[i].kind != NNC_OP_FORK) add_task(program, n_tasks, NNC_FORWARD, i);
}

static void add_backward(nnc_program *program, int64_t *n_tasks) {
    for (int64_t i = program->n_ops - 1; i >= 0; i--)
        if (program->ops[i].runs_backward) add_task(program, n_tasks, NNC_BACKWARD, i);
}

/* Sets scheduled numbers to their values in a step of the run, before the member does anything in that step. Shared numbers are not
 * written while a member reads them: the barrier after the previous step, and the one between the two phases, see to that. */
static void set_numbers(const member *m, const nnc_samples *samples, int64_t step) {
    for (int64_t i = 0; i < samples->n_courses; i++) {
        const nnc_course *course = &samples->courses[i];
        if (course->stride > 0 || m->part == 0) course->place[m->part * course->stride] = course->factors[step] * course->base;
    }
}

/* Whether the size of the gradients tells if a step may overflow. */
static int program_is_gated(const nnc_program *program) {
    return program->safe_gradient > 0 && program->anchor == NULL && program->constraints.n_pieces == 0;
}

/* The rows of a sparse batch from `first` on, in `room`. Not inlined, so that calls of other ops have its registers. */
static __attribute__((noinline)) const nnc_sparse_rows *sparse_from(const member *m, int64_t first, nnc_sparse_rows *room) {
    *room = m->rows;
    room->begins += first + m->x_shift;
    room->ends += first + m->x_shift;
    return room;
}

/* Whether an op reads the program's inputs, and these are sparse. */
NNC_INLINE int reads_sparse(const nnc_program *program, const nnc_op *op) {
    return __builtin_expect(program->is_sparse, 0) && op->call.x == NULL;
}

/* Whether another thread needs the network, or a crew this thread. */
static int is_to_stop(const nnc_program *program) {
    return atomic_load_explicit(program->n_waiting, memory_order_relaxed) > 0 ||
           (program->stop != NULL && atomic_load_explicit(program->stop, memory_order_relaxed) != 0);
}

/* The op number of a rule, for messages. */
static int64_t rule_op(const nnc_program *program, int64_t rule) {
    return program->n_ops + program->n_groups + program->n_transforms + rule;
}

/* With fewer rows for each member, columns are split instead: where rows are split, each member reads all weights, which takes many rows
 * to pay. */
#define FEW_ROWS 64

/* For fewer inputs, checking all of them takes no longer than checking one output of each row, each in its own cache line. */
#define WORTH_LOOKING_BEHIND 64

/* How many rows ahead of the gathered row to prefetch. In small batches that is a row of a later batch. */
#define FETCH_AHEAD 64

/* Columns are split at multiples of two vectors of AVX-512. */
#define COLUMN_UNIT 128 /* bytes */

enum { BY_ROWS, BY_COLUMNS, WHOLE, BY_ROWS_ALIKE, BY_SUMS };

static int how_to_split(const member *m, nnc_task task) {
    const nnc_program *program = m->program;
    if (task.what == NNC_TRANSFORM && program->transforms[task.op].table == NULL) return WHOLE;
    if (task.what >= NNC_GATHER) return m->ranks == NULL || task.what == NNC_STORE ? BY_ROWS : BY_ROWS_ALIKE; /* each has all data */
    if (task.what == NNC_LOSS || task.what == NNC_LOSS_GRADIENT) return loss_is_whole(program) ? WHOLE : BY_ROWS;
    const nnc_op *op = &program->ops[task.op];
    if (op->kind == NNC_OP_PYTHON) return WHOLE;
    if (op->kind != NNC_OP_LAYER || program->d_output == NULL) return BY_ROWS; /* without backward no op depends on the batch */
    if (m->ranks != NULL && op->batch_sums.own != NULL) return BY_SUMS;
    int has_few_rows = m->n_parts > 1 && m->ranks == NULL && m->n_rows < FEW_ROWS * m->n_parts;
    if (op->split_columns && (has_few_rows || !op->split_rows)) return BY_COLUMNS;
    return op->split_rows ? BY_ROWS : WHOLE;
}

typedef uint32_t bits_f32;
typedef uint64_t bits_f64;
#define magnitude_f32 UINT32_C(0x7fffffff) /* all bits but the sign */
#define magnitude_f64 UINT64_C(0x7fffffffffffffff)
#define exponent_f32 UINT32_C(0x7f800000)
#define exponent_f64 UINT64_C(0x7ff0000000000000)

static int32_t all_finite_f32(const float *values, int64_t n, int32_t allow_nan);
static int32_t all_finite_f64(const double *values, int64_t n, int32_t allow_nan);

#include "undo.h"
#include "shards.h"

#include "nncore/float32.h"
#define LARGEST FLT_MAX
#include "runner.c"
#undef LARGEST
#include "nncore/float64.h"
#define LARGEST DBL_MAX
#include "runner.c"
#undef LARGEST

/* The new address of a place in the program's room, once the room is at `to`. Other addresses stay. */
static void *moved(const nnc_program *program, const void *place, char *to) {
    uintptr_t from = (uintptr_t)program->room, offset = (uintptr_t)place - from;
    return offset < (uintptr_t)program->room_bytes ? to + offset : (void *)place;
}

/* Moves the buffers of a program, which keeps nothing between runs, to another room. */
static void move_to(run *asked, char *room) {
    nnc_program *program = asked->program;
    if (room == program->room) return;
    nnc_loss_call *loss = &program->loss_call;
    void **places[] = {&program->input,  &program->output, &program->target,  &program->weight,
                       &program->losses, &asked->to_input, &asked->to_target, &asked->to_weight};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) *places[i] = moved(program, *places[i], room);
    program->labels = moved(program, program->labels, room);
    for (int64_t i = 0; i < program->n_ops; i++) {
        nnc_op *op = &program->ops[i];
        op->call.x = moved(program, op->call.x, room);
        op->call.y = moved(program, op->call.y, room);
        for (int64_t k = 0; k < op->n_branches; k++) op->branches[k].y = moved(program, op->branches[k].y, room);
    }
    loss->output = program->output;
    loss->target = program->target;
    loss->labels = program->labels;
    loss->weight = program->weight;
    loss->loss = program->losses;
    program->room = room;
}

/* Runs the f32 or f64 form of a member's function in a team, and returns the status. */
static int32_t run_team(run *asked, int32_t n_threads, nnc_team_function f32, nnc_team_function f64) {
    nnc_program *program = asked->program;
    if (n_threads > program->max_parts) n_threads = program->max_parts;
    char *room = nnc_take_room(program->room_bytes + n_threads * (int64_t)NNC_GEMM_ROOM_BYTES);
    if (program->room_bytes > 0) {
        if (room == NULL) return status_of(program, verdict_of(NNC_NO_MEMORY, 0));
        move_to(asked, room);
    }
    asked->gemm_rooms = room != NULL ? room + program->room_bytes : NULL;
    asked->caller_float_mode = float_mode();
    for (int64_t i = 0; i < program->n_groups; i++) asked->updates_tensors |= program->groups[i].how != NNC_ON_RANGES;
    for (int32_t part = 0; part < program->max_parts; part++) {
        program->notes[part].op = NNC_IS_NOBODY;
        program->notes[part].message[0] = 0;
    }
    if (program->ranks != NULL) nnc_mark_shared(program, asked->n_tasks);
    void *caller_room = gemm_room; /* of an outer run, which has called Python, which has called this run */
    int caller_rounds = gemm_rounds;
    gemm_rounds = NNC_IS_EXACT;
    nnc_run_team(n_threads, program->is_f64 ? f64 : f32, asked);
    set_float_mode(asked->caller_float_mode);
    gemm_room = caller_room;
    gemm_rounds = caller_rounds;
    nnc_give_room(room);
    return status_of(program, asked->verdict);
}
#define RUN(asked, n_threads, function) run_team(asked, n_threads, function##_f32, function##_f64)

static int32_t forward(nnc_program *program, const void *x, int64_t n_rows, int32_t training, int32_t n_threads) {
    run asked = {.program = program, .x = x, .n_rows = n_rows};
    program->training = training;
    if (program->python_reads_input) add_task(program, &asked.n_tasks, NNC_GATHER, 0);
    add_forward(program, &asked.n_tasks);
    return RUN(&asked, n_threads, run_once);
}

static int32_t loss_value(nnc_program *program, int64_t n_rows, int32_t with_gradient, double *value, int32_t n_threads) {
    run asked = {.program = program, .n_rows = n_rows, .value = value};
    add_task(program, &asked.n_tasks, with_gradient ? NNC_LOSS_GRADIENT : NNC_LOSS, NNC_IS_LOSS);
    asked.after_loss = asked.n_tasks;
    return RUN(&asked, n_threads, run_once);
}

static int32_t backward(nnc_program *program, const void *x, int64_t n_rows, double *value, int32_t n_threads) {
    run asked = {.program = program, .x = x, .n_rows = n_rows, .sorts_inputs = program->sorts_inputs, .with_gradient = 1, .value = value};
    add_backward(program, &asked.n_tasks);
    return RUN(&asked, n_threads, run_once);
}

static int32_t value_and_gradient(nnc_program *program, const void *x, int64_t n_rows, double *value, int32_t n_threads) {
    run asked = {.program = program,
                 .x = x,
                 .n_rows = n_rows,
                 .sorts_inputs = program->sorts_inputs,
                 .with_gradient = 1,
                 .checks_gradient = 1,
                 .value = value};
    program->training = 1;
    if (program->python_reads_input) add_task(program, &asked.n_tasks, NNC_GATHER, 0);
    add_forward(program, &asked.n_tasks);
    add_task(program, &asked.n_tasks, NNC_LOSS_GRADIENT, NNC_IS_LOSS);
    asked.after_loss = asked.n_tasks;
    add_backward(program, &asked.n_tasks);
    return RUN(&asked, n_threads, run_once);
}

static int32_t update(nnc_program *program, int32_t n_threads) {
    run asked = {.program = program};
    program->training = 1;
    return RUN(&asked, n_threads, run_update);
}

static int32_t train(nnc_program *program, const nnc_samples *samples, int64_t batch_size, int64_t accumulate, int32_t drop_last,
                     double seconds, nnc_progress *progress, int32_t n_threads) {
    run asked = {.program = program,
                 .samples = samples,
                 .sorts_inputs = program->sorts_inputs,
                 .batch_size = batch_size,
                 .accumulate = accumulate,
                 .step_size = nnc_times(batch_size, accumulate),
                 .drop_last = drop_last,
                 .seconds = seconds,
                 .progress = progress,
                 .kept_progress = *progress,
                 .kept_step = program->step,
                 .to_input = program->gathered_input,
                 .to_target = program->gathered_target,
                 .to_weight = program->gathered_weight,
                 .copies_rows = program->python_reads_input || program->n_transforms > 0,
                 .rounds = program->rounds};
    program->training = 1;
    program->use_labels = samples->labels != NULL && !program->mixes_targets;
    add_task(program, &asked.n_tasks, NNC_GATHER, 0);
    for (int64_t i = 0; i < program->n_transforms; i++) add_task(program, &asked.n_tasks, NNC_TRANSFORM, i);
    add_forward(program, &asked.n_tasks);
    add_task(program, &asked.n_tasks, NNC_LOSS_GRADIENT, NNC_IS_LOSS);
    asked.after_loss = asked.n_tasks;
    add_backward(program, &asked.n_tasks);
    return RUN(&asked, n_threads, run_train);
}

static int32_t evaluate(nnc_program *program, const nnc_samples *samples, void *outputs, double seconds, nnc_progress *progress,
                        int32_t n_threads) {
    run asked = {.program = program,
                 .samples = samples,
                 .seconds = seconds,
                 .progress = progress,
                 .outputs = outputs,
                 .to_input = program->input,
                 .to_target = program->target,
                 .to_weight = program->weight,
                 .copies_rows = program->python_reads_input};
    program->training = 0;
    program->use_labels = samples->labels != NULL;
    add_task(program, &asked.n_tasks, NNC_GATHER, 0);
    add_forward(program, &asked.n_tasks);
    if (outputs != NULL) add_task(program, &asked.n_tasks, NNC_STORE, 0);
    add_task(program, &asked.n_tasks, NNC_LOSS, NNC_IS_LOSS);
    asked.after_loss = asked.n_tasks;
    return RUN(&asked, n_threads, run_evaluate);
}

static int32_t predict(nnc_program *program, const void *inputs, int64_t n_rows, void *outputs, int32_t n_threads) {
    run asked = {.program = program, .x = inputs, .n_rows = n_rows, .outputs = outputs};
    program->training = 0;
    int calls_python = 0;
    for (int64_t i = 0; i < program->n_ops; i++) calls_python |= program->ops[i].kind == NNC_OP_PYTHON;
    if (program->python_reads_input) add_task(program, &asked.n_tasks, NNC_GATHER, 0);
    add_forward(program, &asked.n_tasks);
    add_task(program, &asked.n_tasks, NNC_STORE, 0);
    const nnc_op *reader = program->n_ops > 0 ? &program->ops[program->tasks[0].op] : NULL;
    asked.looks_behind = reader != NULL && program->tasks[0].what == NNC_FORWARD && reader->spreads_nan && reader->call.x == NULL &&
                         !program->accepts_nan && program->n_inputs >= WORTH_LOOKING_BEHIND;
    return RUN(&asked, calls_python ? 1 : n_threads, run_predict);
}

static int64_t agree(nnc_ranks *ranks, int64_t verdict) { return nnc_exchange(ranks, NULL, NULL, verdict); }

const nnc_runner NNC_RUNNER(NNC_LEVEL) = {
    forward, loss_value, backward, value_and_gradient, update, train, evaluate, predict, agree, permute, all_finite_f32, all_finite_f64,
};

#else

static int32_t F(all_finite)(const T *values, int64_t n, int32_t allow_nan) {
    F(bits) looked_at = allow_nan ? F(magnitude) : F(exponent);
    F(bits) found = 0; /* infinity has all bits of the exponent set, NaN also others */
    for (int64_t i = 0; i < n; i++) {
        F(bits) bits;
        memcpy(&bits, values + i, sizeof bits);
        found |= (F(bits))((bits & looked_at) == F(exponent));
    }
    return found == 0;
}

#include "ties.h"
#include "sparse_rows.h"
#include "rows.h"
#include "between.h"
#include "gradients.h"
#include "optimizers.h"
#include "touched.h"
#include "second_pass.h"
#include "parameters.h"

static member F(enter)(run *asked, nnc_team *team, int32_t part, int32_t n_parts) {
    nnc_program *program = asked->program;
    nnc_site *sites = program->sites + part * program->n_sites;
    for (int64_t i = 0; i < program->n_sites; i++) sites[i].training = program->training;
    set_float_mode(asked->caller_float_mode | FLUSH);
    gemm_room = asked->gemm_rooms != NULL ? asked->gemm_rooms + part * (int64_t)NNC_GEMM_ROOM_BYTES : NULL;
    nnc_ranks *ranks = program->ranks;
    int64_t begin = 0, end = program->n_parameters;
    int32_t first_leaf = 0, end_leaf = program->n_shards;
    if (ranks != NULL) {
        first_leaf = begin_leaf(program, ranks->rank, ranks->size);
        end_leaf = begin_leaf(program, ranks->rank + 1, ranks->size);
        begin = begin_parameter(program, 0, program->n_parameters, ranks->rank, ranks->size);
        end = begin_parameter(program, 0, program->n_parameters, ranks->rank + 1, ranks->size);
    }
    return (member){
        .run = asked,
        .program = program,
        .team = team,
        .ranks = ranks,
        .is_alone = n_parts == 1 && ranks == NULL,
        .begin_leaf = first_leaf,
        .end_leaf = end_leaf,
        .sites = sites,
        .part = part,
        .n_parts = n_parts,
        .x = program->is_sparse ? NULL : asked->x,
        .rows = program->is_sparse && asked->x != NULL ? *(const nnc_sparse_rows *)asked->x : (nnc_sparse_rows){0},
        .n_rows = asked->n_rows,
        .begin_parameter = begin_parameter(program, begin, end, part, n_parts),
        .end_parameter = part + 1 == n_parts ? end : begin_parameter(program, begin, end, part + 1, n_parts),
        .step = program->step + 1,
        .draw = draw_of_pass(program),
    };
}

/* Runs the tasks on one batch, and computes the gradients if the run asks for them. */
static void F(run_once)(nnc_team *team, int32_t part, int32_t n_parts, void *context) {
    run *asked = context;
    member m = F(enter)(asked, team, part, n_parts);
    int64_t verdict = F(run_batch)(&m, 0);
    if (verdict == NNC_OK && asked->with_gradient) {
        verdict = nnc_meet(team, F(write_gradients)(&m));
        if (verdict == NNC_OK) verdict = F(add_penalties)(&m, &m.value);
        if (verdict == NNC_OK && asked->checks_gradient) verdict = F(agree_on_gradients)(&m);
    }
    if (part != 0) return;
    if (asked->value != NULL) *asked->value = m.value;
    asked->verdict = verdict;
}

static void F(run_update)(nnc_team *team, int32_t part, int32_t n_parts, void *context) {
    run *asked = context;
    member m = F(enter)(asked, team, part, n_parts);
    m.is_gated = program_is_gated(asked->program);
    int64_t verdict = F(agree_on_gradients)(&m);
    if (verdict == NNC_OK) F(clip)(&m);
    if (verdict == NNC_OK && (!m.is_gated || m.may_overflow)) {
        keep(&m, asked->program->n_undo);
        nnc_meet(team, NNC_OK); /* nobody may change what another one is about to copy */
    }
    if (verdict == NNC_OK) verdict = look_back(&m, nnc_meet(team, F(update)(&m)));
    if (is_trouble(verdict)) put_back(&m);
    if (part != 0) return;
    if (verdict == NNC_OK) asked->program->step = m.step;
    asked->verdict = verdict;
}

/* Begins a batch: n_rows samples of the visit from first_sample on. */
static void F(begin_batch)(member *m, int64_t first_sample, int64_t n_rows) {
    const nnc_samples *samples = m->run->samples;
    m->first_sample = first_sample;
    m->n_rows = n_rows;
    m->weight_sum = (double)n_rows;
    if (samples->weights != NULL) {
        m->weight_sum = 0;
        for (int64_t i = 0; i < n_rows; i++)
            m->weight_sum += samples->weights[samples->order != NULL ? samples->order[first_sample + i] : first_sample + i];
    }
    if (m->program->is_sparse) {
        m->rows = *(const nnc_sparse_rows *)samples->inputs;
        m->x_shift = samples->order != NULL ? 0 : first_sample;
        if (samples->order == NULL) return;
        m->rows.begins = m->program->begins;
        m->rows.ends = m->program->ends;
    } else if (samples->order != NULL || m->run->copies_rows) { /* Python ops read the program's arrays, not these pointers */
        m->x = m->program->input;
    } else {
        m->x = samples->inputs;
        m->x_shift = first_sample;
    }
}

static void F(end_batch)(const member *m) {
    nnc_progress *progress = m->run->progress;
    progress->n_done += m->n_rows;
    progress->loss_sum += m->value * m->weight_sum;
    progress->weight_sum += m->weight_sum;
}

/* Trains step after step, from where `progress` stands. */
static int64_t F(take_steps)(member *m) {
    run *asked = m->run;
    nnc_program *program = m->program;
    const nnc_samples *samples = asked->samples;
    const int64_t time_is_up = verdict_of(NNC_TIME_IS_UP, 0);
    int64_t verdict = NNC_OK, n_samples = samples->n_samples, first = asked->progress->n_done;
    if (asked->drop_last) n_samples -= n_samples % asked->batch_size;
    int64_t steps = 0, look_at_clock = 1; /* reading the clock costs as much as a small step: rarer once steps turn out short */
    const int is_first = m->part == 0 && (m->ranks == NULL || m->ranks->rank == 0); /* the one member that decides for all */
    double begin = m->part == 0 ? nnc_now() : 0;
    m->step = program->step + 1;
    nnc_meet(m->team, NNC_OK); /* nobody may move `progress` on before all have read it */

    for (int64_t of_step = 0; first < n_samples && verdict == NNC_OK; first += m->n_rows) { /* a batch, number of_step of its step */
        F(begin_batch)(m, first, nnc_least(n_samples - first, asked->batch_size));
        if (samples->n_courses > 0) set_numbers(m, samples, first / asked->step_size);
        if ((m->is_careful || m->is_gated) && of_step == 0) {
            m->n_kept = 0;
            keep(m, m->is_careful ? program->n_undo : program->n_undo_buffers);
            if (m->part == 0) asked->kept_progress = *asked->progress;
            if (m->n_kept > 0) nnc_meet(m->team, NNC_OK); /* nobody may change what another one is about to copy */
        }
        m->draw = (int64_t)((uint64_t)(m->step - 1) * (uint64_t)asked->accumulate + (uint64_t)of_step + 1); /* a key, which may wrap */
        m->step_weight = (of_step > 0 ? m->step_weight : 0) + m->weight_sum;
        verdict = F(run_batch)(m, 0);
        int is_last = of_step + 1 == asked->accumulate || first + m->n_rows >= n_samples;
        if (verdict == NNC_OK) verdict = F(prepare_update)(m, of_step > 0, is_last);
        if (verdict == NNC_OK && is_last && m->is_gated && m->n_kept > 0) verdict = look_back(m, verdict); /* of buffers, which are final */
        if (verdict != NNC_OK) break; /* all have agreed on this verdict; later ones come to the meeting below */
        of_step = is_last ? 0 : of_step + 1;
        if (is_last && m->may_overflow && m->is_gated) {
            keep(m, program->n_undo);
            nnc_meet(m->team, NNC_OK);
        }
        if (is_last) verdict = F(update)(m);
        if (is_first && verdict == NNC_OK && is_last && ++steps == look_at_clock) {
            double elapsed = nnc_now() - begin;
            if (elapsed >= asked->seconds || elapsed < 0) verdict = time_is_up;
            int64_t affordable = elapsed > 0 ? (int64_t)(0.1 * asked->seconds / (elapsed / (double)steps)) : steps;
            look_at_clock = steps + (affordable < 1 ? 1 : nnc_least(affordable, steps));
        }
        if (is_first && verdict == NNC_OK && is_last && is_to_stop(program)) verdict = time_is_up;
        verdict = meet(m, verdict, is_last ? NNC_SHARED_PARAMETERS : 0);
        if (is_last && (m->is_careful || (m->is_gated && m->may_overflow))) verdict = look_back(m, verdict);
        if (m->part == 0 && !is_trouble(verdict)) {
            if (is_last) program->step = m->step;
            F(end_batch)(m);
        }
        m->step += is_last;
    }
    if ((m->is_careful || m->is_gated) && is_trouble(verdict)) {
        put_back(m);
        if (m->part == 0) *asked->progress = asked->kept_progress;
    }
    return verdict;
}

static void F(run_train)(nnc_team *team, int32_t part, int32_t n_parts, void *context) {
    run *asked = context;
    nnc_program *program = asked->program;
    member m = F(enter)(asked, team, part, n_parts);
    m.is_careful = program->is_careful;
    m.is_gated = !m.is_careful && program_is_gated(program);
    int can_go_back = m.is_careful || m.is_gated;
    if (!can_go_back) keep(&m, program->n_undo);
    int64_t verdict = F(take_steps)(&m);
    if (!can_go_back && is_trouble(look_back(&m, verdict))) { /* run again, to stop before the step that went wrong */
        put_back(&m);
        program->notes[part].op = NNC_IS_NOBODY;
        if (part == 0) {
            *asked->progress = asked->kept_progress;
            program->step = asked->kept_step;
        }
        nnc_meet(team, NNC_OK);
        m.is_careful = 1;
        verdict = F(take_steps)(&m);
    }
    if (part != 0) return;
    if (verdict == NNC_OK) asked->progress->n_done = asked->samples->n_samples; /* samples that drop_last leaves out count as done */
    asked->verdict = is_trouble(verdict) ? verdict : NNC_OK;
}

static void F(run_evaluate)(nnc_team *team, int32_t part, int32_t n_parts, void *context) {
    run *asked = context;
    member m = F(enter)(asked, team, part, n_parts);
    const int64_t time_is_up = verdict_of(NNC_TIME_IS_UP, 0);
    int64_t verdict = NNC_OK, n_samples = asked->samples->n_samples, first = asked->progress->n_done;
    double begin = part == 0 ? nnc_now() : 0;
    nnc_meet(team, NNC_OK); /* nobody may move `progress` on before all have read it */

    for (; first < n_samples && verdict == NNC_OK; first += m.n_rows) {
        F(begin_batch)(&m, first, nnc_least(n_samples - first, m.program->max_rows));
        verdict = F(run_batch)(&m, 0);
        if (verdict >> 32 == NNC_LOSS_NOT_FINITE) verdict = NNC_OK; /* an infinite loss is a valid result */
        if (verdict != NNC_OK) break;
        if (part == 0) {
            F(end_batch)(&m);
            if (m.ranks == NULL && nnc_now() - begin >= asked->seconds) verdict = time_is_up;
        }
        verdict = nnc_meet(team, verdict);
    }
    if (part == 0) asked->verdict = verdict == time_is_up ? NNC_OK : verdict;
}

/* Whether the first number of each row (., n) is finite. */
static int F(begin_finite)(const T *rows, int64_t n_rows, int64_t n) {
    int found = 1;
    for (int64_t i = 0; i < n_rows; i++) found &= rows[i * n] - rows[i * n] == 0;
    return found;
}

/* Predicts rows from `first` of the inputs on, in the buffers from buffer_row on. If the first layer's plan has `spreads_nan`, the first
 * output of a row tells whether its inputs are finite. All inputs are checked only if one of these outputs is not finite. */
static int64_t F(predict_rows)(const member *m, int64_t first, int64_t buffer_row, int64_t n_rows) {
    const run *asked = m->run;
    const nnc_program *program = m->program;
    int64_t n_done = 0;
    if (program->is_sparse) return F(run_on_rows)(m, 0, asked->n_tasks, buffer_row, n_rows); /* checked when they were made */
    if (asked->looks_behind) {
        const nnc_layer_call *call = &program->ops[program->tasks[0].op].call;
        int64_t verdict = F(run_on_rows)(m, 0, 1, buffer_row, n_rows);
        if (verdict != NNC_OK) return verdict;
        n_done = 1;
        if (F(begin_finite)((const T *)call->y + buffer_row * call->n_outputs, n_rows, call->n_outputs))
            return F(run_on_rows)(m, n_done, asked->n_tasks, buffer_row, n_rows);
    }
    if (!F(all_finite)((const T *)asked->x + first * program->n_inputs, n_rows * program->n_inputs, program->accepts_nan))
        return verdict_of(NNC_INPUT_NOT_FINITE, 0);
    return F(run_on_rows)(m, n_done, asked->n_tasks, buffer_row, n_rows);
}

/* Every member predicts its share of the rows, in its part of the buffers. There is no barrier before the end. */
static void F(run_predict)(nnc_team *team, int32_t part, int32_t n_parts, void *context) {
    run *asked = context;
    member m = F(enter)(asked, team, part, n_parts);
    nnc_program *program = asked->program;
    int64_t room = program->max_rows / n_parts, buffer_row = part * room, verdict = NNC_OK;
    room = nnc_least(room, program->slice_rows);
    int64_t n_rows = asked->n_rows, first = own_rows(&m, 0, &n_rows);
    if (program->n_ties > 0) F(copy_tied)(&m);
    for (int64_t rows; n_rows > 0 && verdict == NNC_OK; first += rows, n_rows -= rows) {
        rows = nnc_least(n_rows, room);
        m.first_sample = m.x_shift = first - buffer_row;
        verdict = F(predict_rows)(&m, first, buffer_row, rows);
    }
    verdict = nnc_meet(team, verdict);
    if (m.ranks != NULL) {
        int64_t stored = asked->n_tasks - 1;
        verdict = meet_ranks(&m, verdict, &(nnc_meeting){NNC_SHARED_ROWS, stored, stored + 1, asked->n_rows, asked->outputs, 0});
    }
    if (part == 0) asked->verdict = verdict;
}

#endif
