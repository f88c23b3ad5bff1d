/* Runs a compiled network: an array of ops over a few flat buffers, whole slices of an epoch without Python. It knows no component. It
 * calls the tables that it gets, or a callback into Python for components without a compiled form.
 *
 * A team of threads does a run. All go through the same loop. A step has two phases. In the first, every thread takes some rows of the
 * batch through gather, forward, loss and backward, in slices that fit the caches. All meet only where an op cannot be split by rows. In
 * the second, every thread computes the gradients of a range of the parameters, from the whole batch, and updates these. No sum is ever
 * split, so the bits do not depend on the number of threads.
 *
 * The runner is compiled once per CPU level, like the kernels; `nnc_runner` is its table of functions. */
#ifndef NNCORE_RUNNER_H
#define NNCORE_RUNNER_H

#include "nncore/plugin.h"

/* The status that a runner function returns: 0, or what stopped it. */
enum {
    NNC_OK = 0,
    NNC_MAY_OVERFLOW = 1, /* this and the next only inside the runner */
    NNC_TIME_IS_UP = 2,
    NNC_KERNEL_FAILED = 3,       /* a kernel function returned nonzero; failed_op says whose */
    NNC_LOSS_NOT_FINITE = 4,     /* nothing was updated */
    NNC_GRADIENT_NOT_FINITE = 5, /* nothing was updated */
    NNC_PYTHON_RAISED = 6,       /* the callback left an exception */
    NNC_INPUT_NOT_FINITE = 7,    /* at prediction, which checks inputs right before it uses them */
    NNC_RULE_NOT_FINITE = 8,     /* the value of a regularizer, or the result of a constraint */
    NNC_STEP_NOT_FINITE = 9,     /* the result of a step, which was undone */
    NNC_NO_MEMORY = 10,          /* no memory for a room; nothing was run */
    NNC_RANKS_APART = 11,        /* an exchange with other processes has failed */
};

/* Kinds of tasks, for an op or for the batch. The first six are also requests to the callback into Python. */
enum {
    NNC_FORWARD = 0,
    NNC_BACKWARD = 1,
    NNC_LOSS = 2,
    NNC_LOSS_GRADIENT = 3,
    NNC_UPDATE = 4,
    NNC_RULE = 5,      /* a regularizer or a constraint, on its tensor */
    NNC_GATHER = 6,    /* gathers the rows of the batch, their targets and weights */
    NNC_STORE = 7,     /* copies the outputs, for the caller */
    NNC_TRANSFORM = 8, /* a transform of the batch, by number; also in Python */
    NNC_PERTURB = 9,   /* moves parameters to the point of a step's second gradient; also in Python */
};

/* Kinds of ops. The first two have a table of functions in C; call_op relies on the order. The last three are joints (joints.h). */
enum { NNC_OP_LAYER = 0, NNC_OP_ACTIVATION = 1, NNC_OP_PYTHON = 2, NNC_OP_SUM = 3, NNC_OP_CONCAT = 4, NNC_OP_FORK = 5 };

/* Values of failed_op other than numbers of ops. Behind the ops, n_ops + i is the optimizer of group i, n_ops + n_groups + i is
 * transform i, and the rules follow. */
enum { NNC_IS_LOSS = -1, NNC_IS_OPTIMIZER = -2, NNC_IS_NOBODY = -3 };
/* The index of a site among those of a part. Their order: the optimizer, the loss, the ops, the transforms, whose numbers follow those
 * of the ops, and the rules: regularizers and constraints of tensors. */
#define NNC_SITE(op) ((op) + 2)

/* A value that a joint reads or writes. */
typedef struct nnc_branch {
    const void *y; /* (max_rows, n_columns); NULL: the program's input */
    void *d_y;     /* its gradient; NULL if nobody needs it */
    int64_t n_columns;
} nnc_branch;

/* A tensor of which a batch gives only few rows gradients other than zero (touched.h). */
typedef struct nnc_sparse {
    int64_t tensor; /* its number among the op's */
    int64_t offset; /* in the flat vectors */
    int64_t rows, columns;
    int64_t group; /* NNC_FROZEN: not trained */
    void *state;   /* of its first parameter, in the first vector of the group's state; NULL without one */
} nnc_sparse;

typedef struct nnc_op {
    int32_t kind;
    int32_t runs_backward; /* it has something to do in backward */
    int32_t is_trained;    /* it has parameters that are not frozen */
    int32_t split_rows;    /* this and the next as in the layer's plan */
    int32_t split_columns;
    const nnc_layer *layer;                /* NNC_OP_LAYER */
    const nnc_activation *activation;      /* NNC_OP_ACTIVATION: z is call.x, a is call.y, d_a is call.d_y, d_z is call.d_x */
    int64_t rows_per_sample;               /* rows of the activation's matrices for each sample */
    int64_t n_together;                    /* rows of the batch that are one row of the op, a sample of each member; else 1 */
    int32_t leaves_slope;                  /* its forward leaves the slope in place of z */
    int64_t first_parameter, n_parameters; /* range in the flat vectors; empty, at 0, if some tensors are tied */
    int64_t n_tied;                        /* number of all its parameters, if some of its tensors are tied; else 0 */
    int64_t gradient_unit;
    double gradient_bound, gradient_terms;
    int32_t spreads_nan;
    int64_t cache_per_row, work, work_per_row;
    int64_t block_rows; /* rows of a batch whose gradients are added up in one call */
    void *sums; /* (2, n_parameters + n_tied) sums of a block, and rounding errors, if a batch may have more rows than a block; else NULL */
    nnc_batch_sums batch_sums; /* `own` is (1 + height of a tree, n_batch_sums, n_inputs) if they are summed by shards; else NULL */
    int64_t n_batch_sums;
    void *rooms;              /* (work * max_parts + work_per_row * max_rows,) or NULL: working memory of the parts, one after the other */
    const nnc_sparse *sparse; /* (n_sparse,) in the order of the flat vectors */
    int64_t n_sparse;
    nnc_branch *branches; /* (n_branches,) of a joint: what is summed or concatenated into call.y; of a fork, into call.d_x */
    int64_t n_branches;
    nnc_layer_call call; /* of a whole batch; x is NULL in the op that reads the program's input */
} nnc_op;

/* A transform of the batch, with the call for a whole batch. It reads the buffers that the previous transform has written, or that rows
 * are gathered into, and writes others. The last one writes `input`, `target` and `weight` of the program. */
typedef struct nnc_transformer {
    const nnc_transform *table; /* NULL: in Python */
    const int64_t *kept;        /* (n_kept,) columns that it must leave alone */
    int64_t n_kept;
    int32_t mixes_targets; /* it gets targets and weights, which are otherwise passed on */
    nnc_transform_call call;
} nnc_transformer;

/* What a kernel function that failed has reported. */
typedef struct nnc_note {
    int64_t op; /* the op whose function it was; NNC_IS_NOBODY: none has failed */
    int32_t status;
    char message[NNC_MESSAGE_BYTES];
} nnc_note;

/* Consecutive parameters that are trained in the same way. */
typedef struct nnc_stretch {
    int64_t begin, end;
    int64_t group; /* NNC_FROZEN: not trained */
    void *state;   /* of the first of them, in the first vector of the group's state; NULL without one */
} nnc_stretch;

#define NNC_FROZEN (-1)

/* A tensor of an op that uses tensors of other ops: ties.h. The op has memory of its own for gradients, and for parameters unless these
 * are contiguous in the flat vector. */
typedef struct nnc_tie {
    int64_t op;
    int64_t place;         /* of its first number in the op's own memory, where it is (rows, columns) */
    int64_t offset;        /* in the flat vectors */
    int64_t rows, columns; /* a tensor that is not transposed has one row */
    int32_t transposed;    /* in the flat vectors it is (columns, rows) */
    int32_t is_copied;     /* the op reads a copy of the parameters */
    int32_t adds;          /* its gradient is added to another op's; else it is copied */
    int32_t is_trained;
} nnc_tie;

/* How an optimizer is called: on ranges of parameters, on whole tensors, or from Python. */
enum { NNC_ON_RANGES = 0, NNC_ON_TENSORS = 1, NNC_IN_PYTHON = 2 };

/* A parameter group: tensors that one optimizer trains in the same way. */
typedef struct nnc_group {
    int64_t first_tensor, n_tensors;
    int64_t n_parameters; /* of these tensors */
    int64_t state_stride; /* numbers from one vector of its state to the next */
    int32_t how;
    int32_t perturbs;        /* its steps need a second gradient */
    int32_t is_lazy;         /* rows of its tensors whose gradients are all zero stay as they are */
    int32_t skips_zero;      /* a step on a gradient of zero changes nothing */
    nnc_optimizer optimizer; /* the one inside all wrappers; unused if it is in Python */
    int64_t first_around, n_around;
    int64_t own_slots, own_arrays; /* slots and arrays of the wrappers, which come first in the state */
} nnc_group;

/* A wrapper around an optimizer. */
typedef struct nnc_around {
    nnc_optimizer table;  /* NULL functions where it does nothing */
    int64_t first_number; /* its first number, among those of the group */
    int64_t first_slot;   /* its first slot, among the vectors of state */
    int64_t array;        /* its array, among those of a tensor; -1: it has no state */
} nnc_around;

/* A regularizer or a constraint of one tensor. */
typedef struct nnc_rule {
    const nnc_regularizer *regularizer;
    const nnc_constraint *constraint; /* both NULL: in Python */
    int64_t rows, columns;            /* of the tensor */
    int64_t group;                    /* of the tensor, whose learning rate a constraint uses; NNC_FROZEN: it uses none */
} nnc_rule;

/* A part of a rule's tensor that its function gets in one call. */
typedef struct nnc_piece {
    int64_t rule;
    int64_t first_row, n_rows, first_column, n_columns;
    int64_t place, stride; /* of its first number in the flat vectors; numbers from one row to the next */
} nnc_piece;

/* Rules that run at the same point of a step (between.h). If a tensor has several, they are in consecutive rounds. */
typedef struct nnc_rounds {
    const nnc_piece *pieces; /* (n_pieces,) round after round */
    int64_t n_pieces;
    const int64_t *ends; /* (n_rounds,) where each round ends among the pieces */
    int64_t n_rounds;
} nnc_rounds;

/* Memory that a step changes, and its copy from before: undo.h. */
typedef struct nnc_undo {
    void *live, *kept;
    int64_t n_bytes;
    int32_t number_bytes; /* size of a float or double; 0 for other numbers, which are always finite */
} nnc_undo;

typedef struct nnc_task {
    int32_t what;
    int64_t op;
    int64_t n_columns; /* of what forward or backward of an op writes */
    int32_t shared;    /* what other processes read: what it writes (1), its cache (2), the branches' d_y (4): ranks.h */
} nnc_task;

typedef int32_t (*nnc_python_callback)(void *context, int32_t what, int64_t op, int64_t n_rows);

typedef struct nnc_program {
    int32_t is_f64;
    nnc_op *ops; /* (n_ops,) in forward order */
    int64_t n_ops;
    int32_t python_reads_input; /* an op in Python reads the program's input, in `input` */
    int64_t n_inputs, n_outputs, n_targets;
    int64_t max_rows;
    int64_t slice_rows;  /* rows that go through the ops at a time, so that what lies between two ops stays in the cache */
    int32_t max_parts;   /* most threads that have room in the buffers */
    int32_t accepts_nan; /* the first op takes NaN in the inputs */
    nnc_task *tasks;     /* (2 * n_ops + n_transforms + 3,) of the current run */
    nnc_site *sites;     /* (max_parts, n_sites) */
    int64_t n_sites;
    nnc_note *notes;    /* (max_parts,) */
    void *room;         /* holds all buffers of a batch in a program that keeps nothing between runs; each run gets its own */
    int64_t room_bytes; /* size of room; 0: the program has its own buffers */

    /* Sparse inputs: runs get an nnc_sparse_rows instead of a matrix. There is no `input`. */
    int32_t is_sparse;
    int32_t sorts_inputs;   /* gradients need the numbers of a batch by column: sparse_rows.h */
    int64_t *begins, *ends; /* (max_rows,) of the rows of a batch, gathered */
    void *sorted;           /* memory for most_sorted numbers, twice; the runner allocates it, and it is freed with the program */
    int64_t most_sorted;

    /* One batch. */
    void *input;        /* (max_rows, n_inputs) rows are gathered here unless they are contiguous already */
    void *output;       /* (max_rows, n_outputs) of the last op */
    void *d_output;     /* (max_rows, n_outputs) */
    void *target;       /* (max_rows, n_targets) */
    int64_t *labels;    /* (max_rows,) */
    int32_t use_labels; /* the loss compares with labels, not with target */
    void *weight;       /* (max_rows,) sums to 1 over the batch */
    void *losses;       /* (max_rows,) per sample */

    /* An ensemble whose members each have their own loss. Then `output` and `d_output` are (max_rows, n_members, n_outputs). */
    int64_t n_members;     /* 0: it is none */
    int64_t n_together;    /* rows of a batch that stay together: 1, or as many as there are members, each with a sample of its own */
    void *member_output;   /* (max_rows, n_outputs) of the current member */
    void *member_d_output; /* (max_rows, n_outputs) */
    void *member_losses;   /* (max_rows,) */

    /* Transforms of a batch in training, before the first op. */
    const nnc_transformer *transforms; /* (n_transforms,) */
    int64_t n_transforms;
    int32_t mixes_targets; /* one of them does: class indices become one-hot targets */
    void *gathered_input;  /* (max_rows, n_inputs) where a batch is gathered before its transforms: `input` if their number is even */
    void *gathered_target; /* (max_rows, n_targets) */
    void *gathered_weight; /* (max_rows,) */

    const nnc_loss *loss;     /* NULL: in Python */
    int32_t loss_needs_batch; /* its rows depend on each other: it is called once, with all of them */
    nnc_loss_call loss_call;  /* of a whole batch */

    /* Flat vectors of the whole network. */
    void *parameters; /* (n_parameters,) */
    void *gradients;  /* (n_parameters,) */
    int64_t n_parameters;
    const nnc_tensor *tensors; /* (n_tensors,) group after group, frozen ones last */
    int64_t n_tensors;
    const nnc_stretch *stretches; /* (n_stretches,) of all parameters, in their order */
    int64_t n_stretches;
    const nnc_tie *ties; /* (n_ties,) op after op */
    int64_t n_ties;
    const nnc_group *groups; /* (n_groups,) */
    int64_t n_groups;
    const nnc_around *around; /* of all groups, one after the other; in each the outermost first */
    double *optimizer_hyper;  /* (n_groups, n_hyper) the first of each is its learning rate */
    int64_t n_hyper;

    /* Gradients on their way to the optimizer, and parameters after it. */
    const double *decays; /* (n_tensors,) lambda of 1/2 lambda sum W^2 for each, or NULL: no penalty */
    double clip_norm;     /* of all gradients together; 0: no limit */
    double clip_value;    /* of each gradient; 0: no limit */
    double *block_sums;   /* (ceil(n_parameters / NNC_BLOCK),) of squares, if there is a penalty or clip_norm */
    void *accumulated;    /* (n_parameters,) if several batches may make a step */
    void *shadow;         /* (n_parameters,) mean of the parameters over steps, or NULL */
    void *average_rest;   /* (n_parameters,) rounding errors of the mean */
    double average_decay;
    int64_t average_begin; /* steps done before the mean began */
    int32_t n_shards;      /* leaves of the trees along which sums over a batch are added (shards.h); 1: no trees */
    void *waiting;         /* (max_parts, waiting_size) pending sums of gradients in those trees, or NULL */
    int64_t waiting_size;  /* one piece for each level of a tree */
    int64_t piece_size;    /* gradients that are summed along a tree at a time: at least the largest gradient_unit */
    void *tiles;           /* (max_parts, tile_size) gradients that are used right away, or NULL: see parameters.h */
    int64_t tile_size;
    uint64_t *touched;     /* (max_parts, touched_size) which rows of a tensor a batch touches, or NULL: see touched.h */
    int64_t touched_size;  /* words of the three arrays of nnc_touched */
    int64_t touched_words; /* words of the first two arrays: one for every 64 rows of the largest tensor */
    void *anchor;          /* (n_parameters,) copy of the parameters during the pass for a second gradient; NULL: a step has one gradient */
    void *buffers;         /* (n_buffers,) state of layers that is not trained */
    void *kept_buffers;    /* (n_buffers,) their values after the first of two passes */
    int64_t n_buffers;
    double gradient_norm;  /* norm of the gradients that `perturb` uses, for Python */
    const nnc_rule *rules; /* (n_rules,) */
    int64_t n_rules;
    nnc_rounds regularizers, constraints;
    double *values;       /* (regularizers.n_pieces,) what each adds to the loss */
    const nnc_undo *undo; /* (n_undo,) first the buffers, if there are any; then parameters, state and mean */
    int64_t n_undo, n_undo_buffers;
    double safe_gradient; /* the optimizers' steps stay finite if no gradient is larger; 0: not known */
    int32_t is_careful;   /* a run cannot be repeated, so what a step changes is copied before each step */

    int32_t rounds;              /* `train` lets the products of layers round their factors to bfloat16 */
    _Atomic int32_t has_rounded; /* a product has done so */

    int32_t training; /* whether the current run is training or prediction; a backward belongs to the forward before it */
    uint64_t seed;
    int64_t step; /* updates done so far */
    int64_t draw; /* number of the current batch: nnc_site.step */
    int64_t pass; /* number of the forward pass since the last step, from 0; each draws its own random numbers */

    nnc_python_callback python;
    void *python_context;
    int64_t failed_op; /* set when a status is not NNC_OK */

    const _Atomic int32_t *n_waiting; /* threads that wait for the network: training stops after the current step */
    const _Atomic int32_t *stop;      /* training also stops if this is not 0; may be NULL */

    struct nnc_ranks *ranks; /* the processes that share the current run; NULL: this one runs alone */
} nnc_program;

/* Number of parameters, or gradients, whose squares are summed together. */
#define NNC_BLOCK 4096

/* No tree of shards is higher: a batch has at most two to this power of them. */
#define NNC_HIGHEST_TREE 16

/* A number that a schedule changes in each step. If the first phase reads it, each member has its own copy, which it may change while
 * others still compute. If the second phase reads it, there is one copy, which the first member writes. */
typedef struct nnc_course {
    double *place;         /* place of the first member */
    int64_t stride;        /* numbers from one member's place to the next; 0: one place for all */
    double base;           /* its value without a schedule */
    const double *factors; /* factor of base in each step of the run */
} nnc_course;

/* Samples to train on. */
typedef struct nnc_samples {
    const void *inputs;        /* (n, n_inputs), or an nnc_sparse_rows, as the program takes them */
    const void *targets;       /* (n, n_targets) or NULL */
    const int64_t *labels;     /* (n,) or NULL */
    const double *weights;     /* (n,) none above 2, or NULL for 1 each */
    const int64_t *order;      /* (n_samples,) rows to visit, or NULL for 0, 1, 2, ... */
    int64_t n_samples;         /* how many to visit */
    const nnc_course *courses; /* (n_courses,) */
    int64_t n_courses;
} nnc_samples;

/* Progress of a slice; sums over the samples done. */
typedef struct nnc_progress {
    int64_t n_done;  /* samples visited so far, moved on by every batch */
    double loss_sum; /* sum of sample weight times loss (penalty included) */
    double weight_sum;
} nnc_progress;

/* The functions of a runner; `n_threads` is how many it may use. */
typedef struct nnc_runner {
    /* Forward through all ops for the n_rows at x: a matrix or, here and in the others, an nnc_sparse_rows, as the program takes it. */
    int32_t (*forward)(nnc_program *program, const void *x, int64_t n_rows, int32_t training, int32_t n_threads);

    /* Loss of the last forward against the batch's target and weight: value = sum of weight * loss. with_gradient also fills d_output. */
    int32_t (*loss_value)(nnc_program *program, int64_t n_rows, int32_t with_gradient, double *value, int32_t n_threads);

    /* Gradients of all parameters from d_output and the x of the forward, L2 penalty included; its value is written to *value. */
    int32_t (*backward)(nnc_program *program, const void *x, int64_t n_rows, double *value, int32_t n_threads);

    /* The three above in one run: the loss of the n_rows at x, penalties included, and the gradients, which are checked to be finite. */
    int32_t (*value_and_gradient)(nnc_program *program, const void *x, int64_t n_rows, double *value, int32_t n_threads);

    /* One update of the parameters. Refuses gradients that are not finite, and undoes a step after which other numbers are not finite. */
    int32_t (*update)(nnc_program *program, int32_t n_threads);

    /* Trains batch after batch until the samples are used up, `seconds` have passed or a thread waits for the network. A step takes
     * `accumulate` batches, or those that are left. An incomplete last batch is trained on unless drop_last is set. It may leave
     * gradients unwritten. Whatever ends it, parameters, state, buffers and progress are those after the last complete step. */
    int32_t (*train)(nnc_program *program, const nnc_samples *samples, int64_t batch_size, int64_t accumulate, int32_t drop_last,
                     double seconds, nnc_progress *progress, int32_t n_threads);

    /* Sums losses over samples without training, and keeps the outputs (n_samples, n_outputs); stops like train. */
    int32_t (*evaluate)(nnc_program *program, const nnc_samples *samples, void *outputs, double seconds, nnc_progress *progress,
                        int32_t n_threads);

    /* Outputs (n_rows, n_outputs) for inputs (n_rows, n_inputs), which must be finite, or NaN if the program accepts that. */
    int32_t (*predict)(nnc_program *program, const void *inputs, int64_t n_rows, void *outputs, int32_t n_threads);

    /* The largest verdict of all processes, outside of a run. */
    int64_t (*agree)(struct nnc_ranks *ranks, int64_t verdict);

    /* order (n,) = the numbers 0 .. n - 1 shuffled for this epoch. */
    void (*permute)(int64_t *order, int64_t n, uint64_t seed, uint64_t epoch);

    /* Whether all n numbers are finite, or NaN if that is allowed. */
    int32_t (*all_finite_f32)(const float *values, int64_t n, int32_t allow_nan);
    int32_t (*all_finite_f64)(const double *values, int64_t n, int32_t allow_nan);
} nnc_runner;

#define NNC_RUNNER_(level) nnc_runner_##level
#define NNC_RUNNER(level) NNC_RUNNER_(level) /* nnc_runner_v3 */
#ifdef NNC_LEVEL
extern const nnc_runner NNC_RUNNER(NNC_LEVEL);
#endif

#endif
