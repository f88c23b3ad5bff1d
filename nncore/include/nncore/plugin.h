/* nncore/plugin.h: the compiled contract between nncore and its components.
 *
 * A component is a table of functions in a PyCapsule. Functions get pointers and fixed-width scalars, return 0 for success, and
 * touch nothing but what they are handed: no Python, no allocation, no pointer kept after the call, no global shared between calls.
 * Every matrix is row-major and contiguous. `hyper` holds the component's numbers in the order of its Python `hyper()`.
 *
 * The host splits a batch over threads, and over slices that fit the caches, so functions are called on parts: activations and losses on
 * some rows, an optimizer's step on some parameters, a layer as its plan allows. Results must not depend on how they are split.
 *
 * Tables are append-only within one ABI_MAJOR: the host reads `struct_size` before it reads a field that came later. */
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

/* ---- Activation, capsule "nncore.activation" ------------------------------------------------------------------------------ */

/* a[i][j] = phi(z)[i][j]; all (n_rows, n_columns). `a` may be `z`. No row depends on another. */
typedef int32_t (*nnc_activation_forward_f32)(const float *z, float *a, int64_t n_rows, int64_t n_columns, const double *hyper);
typedef int32_t (*nnc_activation_forward_f64)(const double *z, double *a, int64_t n_rows, int64_t n_columns, const double *hyper);

/* d_z from d_a, all (n_rows, n_columns). `d_z` may be `d_a`. `z` is the input only if the class says `needs_input`, else it is `a`. */
typedef int32_t (*nnc_activation_backward_f32)(const float *z, const float *a, const float *d_a, float *d_z, int64_t n_rows,
                                               int64_t n_columns, const double *hyper);
typedef int32_t (*nnc_activation_backward_f64)(const double *z, const double *a, const double *d_a, double *d_z, int64_t n_rows,
                                               int64_t n_columns, const double *hyper);

typedef struct nnc_activation {
    nnc_head head;
    nnc_activation_forward_f32 forward_f32;
    nnc_activation_forward_f64 forward_f64;
    nnc_activation_backward_f32 backward_f32;
    nnc_activation_backward_f64 backward_f64;
} nnc_activation;

/* ---- Loss, capsule "nncore.loss" ------------------------------------------------------------------------------------------ */

/* Some rows of a batch. loss[i] is the sample's own loss, not averaged and not weighted; d_output[i][j] = weight[i] * d loss[i] / d output[i][j].
 * The host makes `weight` sum to 1 over the batch, so that the gradient is that of the mean. `d_output` is NULL when only the
 * value is asked for. No two buffers overlap.
 * A loss whose class says `needs_batch` is given all rows of a batch at once: loss[i] may depend on all rows and weights, the batch's
 * loss is E = sum of weight[i] * loss[i], and d_output[i][j] = d E / d output[i][j]. */
typedef int32_t (*nnc_loss_real_f32)(const float *output, /* (n_rows, n_outputs) */
                                     const float *target, /* (n_rows, n_targets) */
                                     const float *weight, /* (n_rows,)           */
                                     float *loss,         /* (n_rows,)           */
                                     float *d_output,     /* (n_rows, n_outputs) or NULL */
                                     int64_t n_rows, int64_t n_outputs, int64_t n_targets, const double *hyper);
typedef int32_t (*nnc_loss_real_f64)(const double *output, const double *target, const double *weight, double *loss, double *d_output,
                                     int64_t n_rows, int64_t n_outputs, int64_t n_targets, const double *hyper);

/* The same with class indices as targets, checked by the host: 0 .. n_outputs - 1, unless the class says otherwise (`n_labels`). */
typedef int32_t (*nnc_loss_labels_f32)(const float *output, const int64_t *labels /* (n_rows,) */, const float *weight, float *loss,
                                       float *d_output, int64_t n_rows, int64_t n_outputs, const double *hyper);
typedef int32_t (*nnc_loss_labels_f64)(const double *output, const int64_t *labels, const double *weight, double *loss, double *d_output,
                                       int64_t n_rows, int64_t n_outputs, const double *hyper);

/* A function a loss cannot offer is NULL; the Python class says which targets it takes. */
typedef struct nnc_loss {
    nnc_head head;
    nnc_loss_real_f32 real_f32;
    nnc_loss_real_f64 real_f64;
    nnc_loss_labels_f32 labels_f32;
    nnc_loss_labels_f64 labels_f64;
} nnc_loss;

/* ---- Optimizer, capsule "nncore.optimizer" -------------------------------------------------------------------------------- */

/* One update in place of n parameters that follow one another, each by itself. t counts from 1. */
typedef int32_t (*nnc_step_f32)(float *w,       /* (n,)         parameters */
                                const float *g, /* (n,)         gradients  */
                                float *state,   /* (n_slots, n) zero before the first step; slot k begins at state + k * stride */
                                int64_t n, int64_t t, const double *hyper, int64_t stride);
typedef int32_t (*nnc_step_f64)(double *w, const double *g, double *state, int64_t n, int64_t t, const double *hyper, int64_t stride);

enum { NNC_ROLE_WEIGHT = 0, NNC_ROLE_BIAS = 1, NNC_ROLE_SCALE = 2 };

/* One tensor inside the flat vectors. A vector has one row. */
typedef struct nnc_tensor {
    int64_t offset; /* of its first number in w, g and each slot of state */
    int64_t rows;
    int64_t columns;
    int32_t layer; /* position of its layer in the network */
    int32_t role;  /* NNC_ROLE_WEIGHT, NNC_ROLE_BIAS or NNC_ROLE_SCALE */
} nnc_tensor;

/* The same for optimizers that need structure: w, g and state (n_slots, n) of the whole network, of which the tensors listed are to be
 * updated. These are all of them, or those of a group that is trained alike. */
typedef int32_t (*nnc_step_tensors_f32)(float *w, const float *g, float *state, int64_t n, int64_t t, const double *hyper,
                                        const nnc_tensor *tensors, int64_t n_tensors);
typedef int32_t (*nnc_step_tensors_f64)(double *w, const double *g, double *state, int64_t n, int64_t t, const double *hyper,
                                        const nnc_tensor *tensors, int64_t n_tensors);

/* Either both `step` or both `step_tensors` are set, as the class says with `needs_tensors`. */
typedef struct nnc_optimizer {
    nnc_head head;
    nnc_step_f32 step_f32;
    nnc_step_f64 step_f64;
    nnc_step_tensors_f32 step_tensors_f32;
    nnc_step_tensors_f64 step_tensors_f64;
} nnc_optimizer;

/* ---- Layer, capsule "nncore.layer" ---------------------------------------------------------------------------------------- */

/* What a layer sees of one batch. Pointers are to float in the f32 functions and to double in the f64 ones. No two buffers overlap.
 *
 * A layer whose plan says nothing about splitting is called once for the whole batch. With `split_rows` it is called on slices of
 * rows, by several threads at once; with `split_columns` on all rows but for some columns of what it writes. At prediction every
 * layer must give each row by itself, and is called on slices of rows. Where gradients of a prediction are asked for, `training` is 0 and there
 * is a cache: forward gives what it gives at prediction, and backward the d_x of that; nobody looks at d_parameters. */
typedef struct nnc_layer_call {
    const void *x;          /* (n_rows, n_inputs) */
    void *y;                /* (n_rows, n_outputs); forward writes it, an activation may then overwrite it */
    const void *d_y;        /* (n_rows, n_outputs); in backward and gradient only */
    void *d_x;              /* (n_rows, n_inputs); backward writes it; NULL where nobody asks */
    const void *parameters; /* this layer's tensors, one after the other in the order of its plan */
    void *d_parameters;     /* the same layout; written, not added to. In gradient: the place of `begin_parameter` */
    void *buffers;          /* state that is saved but not trained, in the order of its plan; read-only at prediction */
    void *cache;            /* (cache + cache_per_row * n_rows,); forward writes it, backward reads it; NULL where there is no way back */
    void *scratch;          /* (scratch + scratch_per_row * n_rows,); working room of this call, nothing is kept; NULL in gradient */
    const double *hyper;    /* the layer's numbers, in the order of its Python `hyper()` */
    int64_t n_rows;         /* of this slice */
    int64_t n_inputs;
    int64_t n_outputs;
    int64_t first_row;       /* where the slice begins in the batch */
    int64_t begin_column;    /* the first column of y that forward writes; of d_x, and of d_parameters with it, that backward writes */
    int64_t end_column;      /* the one after the last */
    int64_t begin_parameter; /* the first of d_parameters that gradient writes */
    int64_t end_parameter;   /* the one after the last */
    uint64_t seed;           /* seed, step and layer together key the random numbers of a call */
    int64_t step;            /* the number of the batch, from 1: that of the update, unless several batches make one */
    int32_t layer;           /* position in the network */
    int32_t training;        /* 0 at prediction */
} nnc_layer_call;

/* One function type for all: which pointers it may read and write is beside them above. */
typedef int32_t (*nnc_layer_function)(const nnc_layer_call *call);

/* Without `gradient` functions, backward writes d_x and d_parameters. With them (the plan then has a `gradient_unit`) backward writes d_x
 * alone and is not called where nobody asks for it; gradient, called after it on the whole batch, writes a range of d_parameters that
 * begins and ends at multiples of the unit. Each element it writes must be a sum over the rows of products of an element of d_y with a
 * number not larger than the largest of x, or than the plan's `gradient_bound` (1 unless it says more): the host relies on it to bound
 * gradients without looking at them. */
typedef struct nnc_layer {
    nnc_head head;
    nnc_layer_function forward_f32;
    nnc_layer_function forward_f64;
    nnc_layer_function backward_f32;
    nnc_layer_function backward_f64;
    nnc_layer_function gradient_f32;
    nnc_layer_function gradient_f64;
} nnc_layer;

#endif
