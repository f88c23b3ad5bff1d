/* nncore/plugin.h: the compiled contract between nncore and its components.
 *
 * A component is a table of functions in a PyCapsule. Every function takes one pointer to a call and returns 0 for success. It reads and
 * writes only what the call points to: no Python, no allocation, no pointer kept after the call, no global shared between calls. Every
 * matrix is row-major and contiguous. `const void *` and `void *` point to float in the f32 functions and to double in the f64 ones.
 *
 * The host splits a batch over threads, and into slices that fit the caches. So functions are called on parts: activations and losses on
 * some rows, an optimizer's step on some parameters, a layer as its plan allows. Results must not depend on the split.
 *
 * A step has two phases. In the first, each thread takes rows of the batch through forward, loss and backward. In the second, each
 * thread has a range of the parameters: `gradient` of the layers, then the optimizer's `step`. A range may be updated as soon as its
 * gradient is complete, while other threads still compute theirs. Regularizers come between the two, and every thread waits for them.
 * Constraints come last. The comment of every function says its phase, what it reads, and what it writes. All other memory may hold
 * anything, or change meanwhile.
 *
 * Within one ABI_MAJOR, structures grow only at their end. Each begins with its size. A function reads a later field only if `struct_size`
 * covers it. The host reads the entries of a table that it knows, and uses NULL for missing ones. */
#ifndef NNCORE_PLUGIN_H
#define NNCORE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define NNC_ABI_MAJOR 1
#define NNC_ABI_MINOR 0

typedef struct nnc_head {
    uint32_t abi_major;   /* NNC_ABI_MAJOR */
    uint32_t abi_minor;   /* NNC_ABI_MINOR */
    uint64_t struct_size; /* bytes of the whole table, this head included */
} nnc_head;

#define NNC_HEAD(table) {NNC_ABI_MAJOR, NNC_ABI_MINOR, sizeof(table)}

/* ---- The host's services -------------------------------------------------------------------------------------------------- */

/* c = start + op(a) . op(b), where op(a) is (m, k), op(b) (k, n) and c (m, n), all row-major. c may be `start`, and overlaps nothing
 * else. */
typedef struct nnc_gemm_call {
    uint64_t struct_size; /* sizeof(nnc_gemm_call) */
    const void *a;        /* (m, k), or (k, m) if a_transposed */
    const void *b;        /* (k, n), or (n, k) if b_transposed */
    const void *start;    /* (m, n), what the sums begin with; NULL for 0 */
    void *c;              /* (m, n) */
    int64_t m;
    int64_t n;
    int64_t k;
    int64_t a_stride;     /* numbers from one row of a, as it lies in memory, to the next */
    int64_t b_stride;     /* the same of b */
    int64_t start_stride; /* the same of start; 0: one row, such as a bias, is added to every row */
    int64_t c_stride;     /* the same of c */
    int32_t a_transposed;
    int32_t b_transposed;
} nnc_gemm_call;

/* A matrix product. Each element sums its terms in the order of k. So the bits do not depend on how m and n are split over calls. k may be
 * split too, if the `start` of each call is the c of the call before. The host provides the working memory.
 *
 * In training with precision="bfloat16", gemm_f32 rounds the elements of a and b to bfloat16 for functions of layers, if k is at least 64.
 * Sums stay float32, and m and n may be split. k may be split if each part has an even number of terms, at least 64. */
typedef void (*nnc_gemm)(const nnc_gemm_call *call);

/* words[i] = the random word of element `first` + i under a key, by Philox4x32-10: it depends only on seed, step, layer and element. A
 * layer takes the first three from its site, so that slices draw the same as the whole batch. Elements are below 2^34. */
typedef void (*nnc_random_words)(uint64_t seed, int64_t step, int32_t layer, int64_t first, int64_t n, uint32_t *words);

/* y[i] = f(x[i]); `y` may be `x`. Errors are below 3 units in the last place, and a number's bits do not depend on its neighbours. */
typedef void (*nnc_map_f32)(const float *x, float *y, int64_t n);
typedef void (*nnc_map_f64)(const double *x, double *y, int64_t n);

/* Functions of the host for components, compiled for the CPU level in use. Any thread may call them. */
typedef struct nnc_host {
    uint64_t struct_size;
    nnc_gemm gemm_f32;
    nnc_gemm gemm_f64;
    nnc_random_words random_words;
    nnc_map_f32 exp_f32;
    nnc_map_f64 exp_f64;
    nnc_map_f32 log_f32;
    nnc_map_f64 log_f64;
    nnc_map_f32 tanh_f32;
    nnc_map_f64 tanh_f64;
    nnc_map_f32 sigmoid_f32;
    nnc_map_f64 sigmoid_f64;
    nnc_map_f32 sinpi_f32; /* sin(pi x) */
    nnc_map_f64 sinpi_f64;
    nnc_map_f32 cospi_f32; /* cos(pi x) */
    nnc_map_f64 cospi_f64;
} nnc_host;

/* ---- Where a call is made ------------------------------------------------------------------------------------------------- */

#define NNC_MESSAGE_BYTES 256

/* The context of a call: the component's place in the network, and the calling thread. */
typedef struct nnc_site {
    uint64_t struct_size;
    const nnc_host *host;
    const double *hyper;         /* the component's numbers, in the order of its Python `hyper()` */
    const int64_t *numbers;      /* (n_numbers,) of a layer: `numbers` of its plan */
    const int64_t *input_shape;  /* (n_input_dims,) of one input sample of a layer */
    const int64_t *output_shape; /* (n_output_dims,) of one output sample of a layer */
    void *work;                  /* working memory of this call, whose content is not kept. Its size is `work` and, for each row,
                                  * `work_per_row` of a layer's plan; in gradient only `work`; or `work` of an optimizer. NULL if it is 0 */
    char *message;               /* (NNC_MESSAGE_BYTES,) where a function that returns nonzero may say why, in UTF-8 */
    uint64_t seed;               /* seed, step and layer are the key of the random numbers of a call */
    int64_t step;                /* the number of the batch, from 1: that of the update, unless several batches make one */
    int32_t layer;               /* position in the network, of a layer or activation */
    int32_t training;            /* 0 at prediction and in a validation */
    int32_t part;                /* which of the threads makes the call, from 0 */
    int32_t n_numbers;
    int32_t n_input_dims;
    int32_t n_output_dims;
} nnc_site;

/* Sets the error message of a call and returns 1: `return nnc_fail(call->site, "rank must be 2");`. */
static inline int32_t nnc_fail(const nnc_site *site, const char *why) {
    int32_t i = 0;
    for (; i < NNC_MESSAGE_BYTES - 1 && why[i] != 0; i++) site->message[i] = why[i];
    site->message[i] = 0;
    return 1;
}

/* ---- Activation, capsule "nncore.activation" ------------------------------------------------------------------------------ */

/* Some rows of a batch; all matrices are (n_rows, n_columns). No row depends on another. */
typedef struct nnc_activation_call {
    uint64_t struct_size;
    const nnc_site *site;
    const void *z;
    void *a;
    const void *d_a;
    void *d_z;
    int64_t n_rows;
    int64_t n_columns;
} nnc_activation_call;

typedef int32_t (*nnc_activation_function)(const nnc_activation_call *call);

typedef struct nnc_activation {
    nnc_head head;
    /* First phase. a = phi(z). Reads z; writes a, which may be z. */
    nnc_activation_function forward_f32;
    nnc_activation_function forward_f64;
    /* First phase, after forward. d_z from d_a. Reads z, a and d_a; writes d_z, which may be d_a. `z` is the input only if the class sets
     * `needs_input`, else it is `a`. */
    nnc_activation_function backward_f32;
    nnc_activation_function backward_f64;
    /* First phase, optional, instead of forward in training. It is for a class that sets `needs_input` and whose d_z is d_a times a slope,
     * element by element, if it saves time; else NULL. Writes a, with the bits of forward, and the slope to d_z. Reads z, which d_z may be;
     * a is neither. The host then multiplies d_a by the slope, and does not call backward. */
    nnc_activation_function forward_with_slope_f32;
    nnc_activation_function forward_with_slope_f64;
} nnc_activation;

/* ---- Loss, capsule "nncore.loss" ------------------------------------------------------------------------------------------ */

/* Some rows of a batch. loss[i] is the loss of a sample, not averaged and not weighted. d_output[i][j] = weight[i] * d loss[i] / d
 * output[i][j]. The host makes `weight` sum to 1 over the batch, so that the gradient is that of the mean. No two buffers overlap.
 * A loss whose class sets `needs_batch` gets all rows of a batch at once. loss[i] may then depend on all rows and weights. The batch's
 * loss is E = sum of weight[i] * loss[i], and d_output[i][j] = d E / d output[i][j].
 * Class indices are 0 .. n_outputs - 1, unless the class overrides `n_labels`. */
typedef struct nnc_loss_call {
    uint64_t struct_size;
    const nnc_site *site;
    const void *output;    /* (n_rows, n_outputs) */
    const void *target;    /* (n_rows, n_targets); NULL in the labels functions */
    const int64_t *labels; /* (n_rows,) class indices, checked by the host; NULL in the real functions */
    const void *weight;    /* (n_rows,) */
    void *loss;            /* (n_rows,) */
    void *d_output;        /* (n_rows, n_outputs); NULL if only the value is needed */
    int64_t n_rows;
    int64_t n_outputs;
    int64_t n_targets;
    int64_t first_row;  /* where these rows begin in the batch */
    int64_t batch_rows; /* of the whole batch */
} nnc_loss_call;

typedef int32_t (*nnc_loss_function)(const nnc_loss_call *call);

/* First phase, after forward. Reads output, weight and target or labels; writes loss and d_output. A function for targets that the Python
 * class does not take is NULL. */
typedef struct nnc_loss {
    nnc_head head;
    nnc_loss_function real_f32;
    nnc_loss_function real_f64;
    nnc_loss_function labels_f32;
    nnc_loss_function labels_f64;
} nnc_loss;

/* ---- Metric, capsule "nncore.metric" -------------------------------------------------------------------------------------- */

/* Some rows of a data set to score. terms[i][k] are the terms of sample i. The method `from_means` of the class computes the score from the
 * weighted means of the terms over all samples. No row depends on another, and no two buffers overlap. `output` are the network's outputs
 * after the link of the loss. */
typedef struct nnc_metric_call {
    uint64_t struct_size;
    const nnc_site *site;
    const void *output;    /* (n_rows, n_outputs) */
    const void *target;    /* (n_rows, n_targets); NULL in the labels functions */
    const int64_t *labels; /* (n_rows,) class indices; NULL in the real functions */
    double *terms;         /* (n_rows, n_terms) */
    int64_t n_rows;
    int64_t n_outputs;
    int64_t n_targets;
    int64_t n_terms; /* the result of the method `n_terms` of the class */
} nnc_metric_call;

typedef int32_t (*nnc_metric_function)(const nnc_metric_call *call);

/* Outside of a step. Reads output and target or labels; writes terms. A function for targets that the class does not take is NULL. */
typedef struct nnc_metric {
    nnc_head head;
    nnc_metric_function real_f32;
    nnc_metric_function real_f64;
    nnc_metric_function labels_f32;
    nnc_metric_function labels_f64;
} nnc_metric;

/* ---- Optimizer, capsule "nncore.optimizer" -------------------------------------------------------------------------------- */

enum { NNC_ROLE_WEIGHT = 0, NNC_ROLE_BIAS = 1, NNC_ROLE_SCALE = 2 };

/* One tensor that an optimizer updates. A vector has one row. */
typedef struct nnc_tensor {
    void *w;            /* (rows, columns) parameters */
    const void *g;      /* (rows, columns) gradients */
    void *const *state; /* where each array of its state begins, in the order of the class's `state`; zero before the first step */
    int64_t offset;     /* of its first number among the parameters of the network */
    int64_t rows;
    int64_t columns;
    int32_t layer; /* position of its layer in the network */
    int32_t role;  /* NNC_ROLE_WEIGHT, NNC_ROLE_BIAS or NNC_ROLE_SCALE */
} nnc_tensor;

/* One update in place. Most optimizers update n consecutive parameters, each independently. An optimizer whose class sets `needs_tensors`
 * gets all tensors that it trains, and updates some of them. Threads share the tensors, and no bit may depend on how. */
typedef struct nnc_optimizer_call {
    uint64_t struct_size;
    const nnc_site *site;
    void *w;                   /* (n,) parameters; NULL if the class sets `needs_tensors`, like the next two */
    const void *g;             /* (n,) gradients */
    void *state;               /* (n_slots, n), zero before the first step; slot k begins at state + k * stride. NULL without slots */
    const nnc_tensor *tensors; /* (n_tensors,); NULL unless the class sets `needs_tensors` */
    int64_t n_tensors;
    int64_t begin_tensor; /* the first one to update */
    int64_t end_tensor;   /* the one after the last */
    int64_t n;
    int64_t stride; /* numbers from one slot of state to the next */
    int64_t t;      /* the number of the step, from 1 */
    double norm;    /* in perturb: Euclidean norm of the gradients of all parameters that are moved */
} nnc_optimizer_call;

typedef int32_t (*nnc_optimizer_function)(const nnc_optimizer_call *call);

typedef struct nnc_optimizer {
    nnc_head head;
    /* Second phase, after the gradients of these parameters. Reads w, g and state; writes w and state. With `needs_tensors`, it reads and
     * writes only those of the tensors that it updates. */
    nnc_optimizer_function step_f32;
    nnc_optimizer_function step_f64;
    /* Second phase of the first of two passes, if the class has a `perturb`: moves w to the point of the second gradient. Reads w, g and
     * norm; writes w, which the host restores before the step. The call has some consecutive parameters, without state or tensors. */
    nnc_optimizer_function perturb_f32;
    nnc_optimizer_function perturb_f64;
    /* Second phase, for an OptimizerWrapper, which has no `step`: before and after the step of the inner optimizer. Reads and writes w and
     * state, which holds its own slots. The call has some consecutive parameters, without g or tensors. `hyper` are the numbers of
     * `own_hyper()`. */
    nnc_optimizer_function before_step_f32;
    nnc_optimizer_function before_step_f64;
    nnc_optimizer_function after_step_f32;
    nnc_optimizer_function after_step_f64;
} nnc_optimizer;

/* ---- Regularizer, capsule "nncore.regularizer" ---------------------------------------------------------------------------- */

/* A part of a tensor of (tensor_rows, tensor_columns); a vector has one row. Element (i, j) of the part is at i * stride + j. The parts
 * depend on the shape of the tensor and on `split` of the class, not on the number of threads. "rows": some whole rows. "columns": some
 * columns of all rows. "tensor": all of it. "elements": consecutive numbers as one row, from number first_column of the tensor. */
typedef struct nnc_regularizer_call {
    uint64_t struct_size;
    const nnc_site *site;
    const void *w; /* (n_rows, n_columns) */
    void *g;       /* the gradients of these, in the same layout; NULL in value */
    double *value; /* (1,) NULL in add_gradient */
    int64_t n_rows;
    int64_t n_columns;
    int64_t stride;    /* numbers from one row to the next, in w and in g */
    int64_t first_row; /* where the part begins in the tensor */
    int64_t first_column;
    int64_t tensor_rows;
    int64_t tensor_columns;
} nnc_regularizer_call;

typedef int32_t (*nnc_regularizer_function)(const nnc_regularizer_call *call);

typedef struct nnc_regularizer {
    nnc_head head;
    /* Second phase, after all gradients. The penalty of the part; that of a tensor is the sum over its parts. Reads w; writes value. */
    nnc_regularizer_function value_f32;
    nnc_regularizer_function value_f64;
    /* Second phase, right after it. Reads w and g; adds to g the gradient of the value. */
    nnc_regularizer_function add_gradient_f32;
    nnc_regularizer_function add_gradient_f64;
} nnc_regularizer;

/* ---- Constraint, capsule "nncore.constraint" ------------------------------------------------------------------------------ */

/* A part of a tensor, as for a regularizer. */
typedef struct nnc_constraint_call {
    uint64_t struct_size;
    const nnc_site *site;
    void *w; /* (n_rows, n_columns) */
    int64_t n_rows;
    int64_t n_columns;
    int64_t stride; /* numbers from one row to the next */
    int64_t first_row;
    int64_t first_column;
    int64_t tensor_rows;
    int64_t tensor_columns;
    double rate; /* the learning rate of the last step for this tensor, with group and schedule. 0 unless the class sets `needs_rate` */
} nnc_constraint_call;

typedef int32_t (*nnc_constraint_function)(const nnc_constraint_call *call);

typedef struct nnc_constraint {
    nnc_head head;
    /* After the second phase. Projects w onto the constraint. Reads and writes w. */
    nnc_constraint_function project_f32;
    nnc_constraint_function project_f64;
} nnc_constraint;

/* ---- Layer, capsule "nncore.layer" ---------------------------------------------------------------------------------------- */

/* Sums over rows, for a layer whose plan has `batch_sums`. */
typedef struct nnc_batch_sums {
    double *own; /* (batch_sums, n_inputs): over batch_rows rows in forward and backward, over n_rows where they are taken and joined */
    const double *other; /* the same over the `other_rows` rows that follow those of `own`, in join_sums */
    int64_t other_rows;
} nnc_batch_sums;

/* Tensors of fewer rows have all their gradients computed. */
#define NNC_TOUCHED_ROWS 256

/* Rows of a tensor, some of which a batch touches: the gradients of all others are zero. */
typedef struct nnc_touched {
    int64_t tensor;   /* its number among the layer's */
    uint64_t *rows;   /* (ceil(tensor rows / 64),) bit r % 64 of number r / 64 is row r: nnc_touch */
    uint64_t *filled; /* (ceil(tensor rows / 4096),) the same of numbers of `rows` that are not 0 */
    int64_t *before;  /* for each of those: touched rows of the range that come before its first one */
} nnc_touched;

/* Marks a row as touched by the batch. It may be called repeatedly for a row. */
static inline void nnc_touch(const nnc_touched *touched, int64_t row) {
    touched->rows[row / 64] |= UINT64_C(1) << row % 64;
    touched->filled[row / 4096] |= UINT64_C(1) << row / 64 % 64;
}

/* The number of touched rows of the range before this one, which is touched. */
static inline int64_t nnc_touched_before(const nnc_touched *touched, int64_t row) {
    uint64_t x = touched->rows[row / 64] & ((UINT64_C(1) << row % 64) - 1); /* whose bits are counted */
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return touched->before[row / 64] + (int64_t)(x * UINT64_C(0x0101010101010101) >> 56);
}

/* Rows of a sparse matrix: numbers that are not stored are 0. */
typedef struct nnc_sparse_rows {
    uint64_t struct_size;
    const int64_t *begins;  /* (n_rows,) where the numbers of a row begin in `columns` and `values`; those of other rows may lie between */
    const int64_t *ends;    /* (n_rows,) the place after its last one */
    const int32_t *columns; /* of each number, 0 .. n_inputs - 1; they rise within a row */
    const void *values;     /* all finite */
    /* In gradient, the numbers of all rows of the batch again, column by column, those of a column in the order of the rows. */
    const int32_t *sorted_columns; /* (n_sorted,) */
    const int32_t *sorted_rows;    /* (n_sorted,) in the batch */
    const void *sorted_values;     /* (n_sorted,) */
    int64_t n_sorted;
} nnc_sparse_rows;

/* The data of a layer's call for one batch. No two buffers overlap.
 *
 * A layer whose plan does not allow splitting is called once for the whole batch. With `split_rows`, several threads call it on slices of
 * rows at once; with `split_columns`, on all rows and some of the columns that it writes. At prediction every layer must compute each row
 * independently, and is called on slices of rows. For gradients of a prediction, `training` is 0 and there is a cache: forward computes the
 * prediction, and backward its d_x; d_parameters is ignored. */
typedef struct nnc_layer_call {
    uint64_t struct_size;
    const nnc_site *site;
    const void *x;              /* (n_rows, n_inputs) */
    void *y;                    /* (n_rows, n_outputs); an activation may overwrite it after forward */
    const void *d_y;            /* (n_rows, n_outputs); NULL in forward */
    void *d_x;                  /* (n_rows, n_inputs); NULL if it is not needed */
    const void *parameters;     /* this layer's tensors, one after the other in the order of its plan */
    const void *const *tensors; /* (n_tensors,) where each of them begins, in the same order */
    void *d_parameters;         /* gradients in the layout of parameters; in gradient: the place of `begin_parameter` */
    void *const *d_tensors;     /* (n_tensors,) where the gradient of each tensor begins; NULL in gradient */
    void *buffers;              /* state that is saved but not trained, in the order and of the dtypes of its plan */
    void *cache;                /* (cache + cache_per_row * n_rows,); NULL if no backward follows */
    int64_t n_tensors;
    int64_t n_rows; /* of this slice */
    int64_t n_inputs;
    int64_t n_outputs;
    int64_t first_row;       /* where the slice begins in the batch */
    int64_t batch_rows;      /* of the whole batch, while training */
    int64_t begin_column;    /* the first column that forward writes of y, or that backward writes of d_x, and of d_parameters with it */
    int64_t end_column;      /* the one after the last */
    int64_t begin_parameter; /* the first parameter whose gradient is to be written */
    int64_t end_parameter;   /* the one after the last */
    /* The table of `inner_activation` of the class, NULL without one. Its functions may be called with the site of this call, whose numbers
     * are then those of the activation: `hyper()` of the layer begins with them. */
    const nnc_activation *activation;
    const nnc_batch_sums *sums; /* sums over the batch for forward and backward; NULL if the layer computes them itself */
    const nnc_touched *touched; /* in touch and touched_gradient; NULL in others */
    /* Sparse input instead of x, which is then NULL, for a layer whose plan sets `takes_sparse`; d_x is not needed. Else NULL. */
    const nnc_sparse_rows *sparse;
} nnc_layer_call;

typedef int32_t (*nnc_layer_function)(const nnc_layer_call *call);

typedef struct nnc_layer {
    nnc_head head;
    /* First phase, and prediction. Reads x, parameters and buffers; writes y, the cache if there is one, and in training buffers. */
    nnc_layer_function forward_f32;
    nnc_layer_function forward_f64;
    /* First phase, after forward. Reads x, d_y, parameters, buffers and cache, not y. Writes d_x and, unless there are gradient functions,
     * d_parameters, without adding to it. It also writes the cache if the plan sets `backward_fills_cache`. It is not called if it has
     * nothing to write. */
    nnc_layer_function backward_f32;
    nnc_layer_function backward_f64;
    /* Second phase. Reads x, d_y, buffers and cache, never y or d_x. Writes d_parameters: a range that begins and ends at multiples of the
     * plan's `gradient_unit`. The rows of the call are the whole batch. If the plan sets `split_rows`, they may be a block of some thousand
     * terms, for accurate sums; the host adds up the blocks.
     *
     * It reads parameters only if the plan sets `reads_parameters_in_gradient`, since they may be updated meanwhile. If it does not,
     * each element that it writes must be a sum over the rows, with `gradient_terms` products for each row. Each product is that of an
     * element of d_y and another number. Its magnitude must be at most the largest of x, or at most the plan's `gradient_bound` (1 by
     * default). The host relies on this to bound gradients without reading them, and allows for the roundings of its own gemm. NULL
     * without a `gradient_unit`. */
    nnc_layer_function gradient_f32;
    nnc_layer_function gradient_f64;
    /* First phase, right before forward and backward, for a layer whose plan has `batch_sums`, if the host computes sums by shards of the
     * batch. Each reads the same as forward or backward, of some rows, and writes the sums over them in columns begin_column ..
     * end_column - 1. join_sums adds the sums of the other rows to `own`, in these columns; d_y is NULL if they are for forward. The sums
     * of all rows must be those that the layer would compute itself, up to rounding. */
    nnc_layer_function forward_sums_f32;
    nnc_layer_function forward_sums_f64;
    nnc_layer_function backward_sums_f32;
    nnc_layer_function backward_sums_f64;
    nnc_layer_function join_sums_f32;
    nnc_layer_function join_sums_f64;
    /* Second phase, for a layer whose plan has tensors with `sparse_gradient`, if it saves time. touch marks the rows of one tensor, among
     * those of begin_parameter .. end_parameter - 1, whose gradients may not be zero. It reads the same as gradient.
     *
     * touched_gradient then adds to d_parameters, which is (touched rows of the range, tensor columns) and zero before. Row r is at
     * nnc_touched_before(touched, r). The results must have the bits of gradient, and gradient must write zeros to all other rows. Ranges
     * begin and end with rows. The host calls them only for tensors of at least NNC_TOUCHED_ROWS rows, and for all rows of a batch. */
    nnc_layer_function touch_f32;
    nnc_layer_function touch_f64;
    nnc_layer_function touched_gradient_f32;
    nnc_layer_function touched_gradient_f64;
} nnc_layer;

/* ---- Transform, capsule "nncore.transform" ------------------------------------------------------------------------------- */

/* Some rows of a training batch before the first layer. `x`, target and weight are copies of these rows of the source arrays at first.
 * `source` is the whole batch after the transforms before this one, so that any row may be mixed with any other. No bit may depend on how
 * rows are split over calls. Random numbers come from the key of the site: seed, step and layer, which here is the transform's position in
 * the list. The number of an element is (first_row + row) * n_inputs + column.
 * After the call, the host restores columns with category codes, and those that the user left out. NaN is a missing value: x must have NaN
 * exactly where source has it. */
typedef struct nnc_transform_call {
    uint64_t struct_size;
    const nnc_site *site;
    const void *source;        /* (batch_rows, n_inputs) */
    const void *source_target; /* (batch_rows, n_targets) real targets, one-hot for class indices; NULL, like the next three, unless the
                                * class sets `mixes_targets` */
    const void *source_weight; /* (batch_rows,) sum to 1 */
    void *target;              /* (n_rows, n_targets) */
    void *weight;              /* (n_rows,) must sum to 1 over the batch, too */
    void *x;                   /* (n_rows, n_inputs) */
    const uint8_t *columns;    /* (n_inputs,) 1 for the columns of x that may change */
    int64_t n_rows;
    int64_t n_inputs;
    int64_t n_targets;
    int64_t first_row;  /* where these rows begin in the batch */
    int64_t batch_rows; /* of the whole batch */
} nnc_transform_call;

typedef int32_t (*nnc_transform_function)(const nnc_transform_call *call);

/* First phase, before the first layer. Reads source, source_target, source_weight and columns; writes x, target and weight. */
typedef struct nnc_transform {
    nnc_head head;
    nnc_transform_function apply_f32;
    nnc_transform_function apply_f64;
} nnc_transform;

#endif
